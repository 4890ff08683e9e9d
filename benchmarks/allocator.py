"""Let the C library keep the memory that is freed, so that nobody pays for getting it anew.

glibc hands large blocks back to the system when they are freed. Torch, NumPy and others allocate
their activations anew in every step, and so every step pays again for each page it touches: torch
loses a third of its time in `lenet` that way, or none of it, depending on what else was ever
allocated in the process. (Its own advice for CPUs is another allocator.) Peers are to be measured
at their best and not by chance, so freed memory is kept; ``--malloc usual`` leaves it alone.
The table of memory does not use this.
"""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Turn it on for this process; return False where the C library has no such switch."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_TRIM_THRESHOLD, NEVER) and mallopt(M_MMAP_MAX, 0))
