"""The same number of threads for everyone.

The libraries read these once, when they are imported, so `limit` comes before any of them.
XLA has no such variable: it takes as many threads as the process may use processors. Where the
system can tell, the process is therefore kept to as many cores as there are threads.
"""

from __future__ import annotations

import os
from pathlib import Path

POOLS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")


def limit(threads: int) -> None:
    """Give every library, here and in child processes, this many threads."""
    for pool in POOLS:
        os.environ[f"{pool}_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        cores = _one_processor_per_core()
        if len(cores) > threads:
            os.sched_setaffinity(0, cores[:threads])


def count() -> int:
    """Return the number of threads that `limit` set."""
    return int(os.environ.get("OMP_NUM_THREADS", "2"))


def _one_processor_per_core() -> list[int]:
    """Return the processors this process may use, without the second half of any core."""
    seen: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        file = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            core = file.read_text().strip()
        except OSError:
            core = str(cpu)
        seen.setdefault(core, cpu)
    return list(seen.values())
