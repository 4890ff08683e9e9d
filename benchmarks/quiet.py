"""How much other programs disturbed a table.

Whoever needs both cores at the same time waits for the slower one, so a busy machine does not
slow everybody alike: torch's threads, which meet after every loop, suffer more than minicnn's,
which take the next piece of work whenever they are free. Ratios from a busy machine are
therefore not merely inexact but flattering, and no table is printed without this number.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
BUSY = 0.1  # cores
# Of the columns of /proc/stat: idle, and waiting for a disk.
IDLE = (3, 4)


class Disturbance:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._start = time.monotonic(), _everybody(), _ours()

    def cores(self) -> float | None:
        """Return how many cores other programs kept busy on average; None where unknown."""
        start, everybody, ours = self._start
        now = _everybody()
        if now is None or everybody is None:
            return None
        return max(0.0, (now - everybody - (_ours() - ours)) / (time.monotonic() - start))

    def too_much(self) -> bool:
        """Say whether ratios are worth nothing."""
        cores = self.cores()
        return cores is not None and cores > BUSY

    def describe(self) -> str:
        """Return a line for the reader."""
        cores = self.cores()
        if cores is None:
            return "how busy other programs were cannot be told on this system"
        line = f"other programs used {cores:.2f} cores meanwhile"
        return f"{line}: too many, repeat this when it is quiet" if cores > BUSY else line


def _everybody() -> float | None:
    """Return the seconds that all processors have worked."""
    try:
        columns = STAT.read_text().splitlines()[0].split()[1:9]
    except OSError:
        return None
    ticks = sum(int(value) for i, value in enumerate(columns) if i not in IDLE)
    return ticks / os.sysconf("SC_CLK_TCK")


def _ours() -> float:
    """Return the seconds that this process and its ended children have worked."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
