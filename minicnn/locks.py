"""One process at a time: a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def exclusive(
    path: Path, *, waiting: Callable[[], None] | None = None, poll: float = 0.2
) -> Iterator[bool]:
    """Hold the lock file ``path``; wait while another process (or thread) holds it.

    Parameters
    ----------
    path
        The lock file. It is created, and left behind empty: to remove it would let a third
        process lock a new file of the same name beside the second's.
    waiting
        Called once if the lock is not free at once.
    poll
        Seconds between two tries.

    Yields
    ------
    bool
        Whether the lock is held. False on a file system that has no locks, such as some
        network drives: the caller then goes on unprotected and must not share files.
    """
    with path.open("ab") as file:
        held = _wait(file, waiting, poll)
        try:
            yield held
        finally:
            if held:
                _release(file)


def _wait(file: IO[bytes], waiting: Callable[[], None] | None, poll: float) -> bool:
    while True:
        try:
            if _try(file):
                return True
        except OSError:
            return False
        if waiting is not None:
            waiting()
            waiting = None
        time.sleep(poll)


if sys.platform == "win32":
    import msvcrt

    def _try(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:  # somebody else has it
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
