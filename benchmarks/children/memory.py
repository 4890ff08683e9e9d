"""The memory of this process, without any library that would add to it."""

from __future__ import annotations

import sys
from pathlib import Path


def peak() -> int | None:
    """Return the most bytes this process has held at once; None where that cannot be told.

    On Linux ``ru_maxrss`` would not do: a new process inherits that of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        try:
            import psutil
        except ImportError:
            return None
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else int(most) * 1024
