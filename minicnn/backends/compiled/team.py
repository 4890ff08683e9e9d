"""Helpers that stay awake: threads that compute together with the one that calls them.

Waking a thread takes longer than a stage of a small network. So after it has helped, a thread goes
on looking for work for a fraction of a millisecond before it lies down. How it is found
out whether there is work is the affair of the kernel that it runs meanwhile, see
`minicnn.backends.compiled.tape` and `program`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

import numba

SPINS = 3000  # about half a millisecond of waiting
MOST = 15  # helpers; a stage of a small network has no work for more


class _Helper:
    """A thread that runs a kernel when it is called, and nothing else meanwhile."""

    def __init__(self) -> None:
        self._called = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._task: tuple[Any, ...] | None = None
        threading.Thread(target=self._loop, name="minicnn-helper", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self._called.acquire()
            with self._lock:
                task, self._task = self._task, None
            assert task is not None
            kernel, *arguments = task
            del task
            with contextlib.suppress(BaseException):  # the caller goes on alone
                kernel(*arguments)
            del kernel, arguments

    def call(self, *task: Any) -> None:
        """Let it run a kernel with arguments, next if it is busy; only the latest call counts.

        A helper that has stopped looking for work may still wait for Python's global lock, which
        the caller holds. Were it passed over as busy, the caller would go on alone.
        """
        with self._lock:
            waiting, self._task = self._task is not None, task
        if not waiting:
            self._called.release()


_helpers: list[_Helper] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.clear)  # the threads do not exist there


def threads() -> int:
    """Return how many threads may compute together, the caller included."""
    return int(min(numba.get_num_threads(), MOST + 1))


def call(number: int, *task: Any) -> None:
    """Let helper ``number`` run a kernel with arguments, as soon as it has nothing else to do."""
    while len(_helpers) <= number:
        _helpers.append(_Helper())
    _helpers[number].call(*task)
