"""Helpers that stay awake: threads that run a program together with the one that calls it.

Waking a thread takes longer than a small network. So after it has helped, a thread goes on
looking for work for a fraction of a millisecond before it lies down. A caller takes along
whoever is awake, and wakes the others for the next time: the first of many calls runs alone,
those that follow it closely do not.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import program

SPINS = 3000  # about half a millisecond of waiting
MOST = 15  # helpers; a stage of a small network has no work for more


class _Helper:
    """A thread that runs `program.help_out` when it is called."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._called = threading.Semaphore(0)
        self._idle = True
        self._task: tuple[Any, ...] = ()
        threading.Thread(target=self._loop, name="minicnn-helper", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self._called.acquire()
            with contextlib.suppress(BaseException):  # the caller goes on alone
                program.help_out(self._number, SPINS, *self._task)
            self._task = ()
            self._idle = True

    def call(self, task: tuple[Any, ...]) -> None:
        """Let it wait for the next `program.run_together` with these arguments."""
        if self._idle:
            self._idle = False
            self._task = task
            self._called.release()


_helpers: list[_Helper] = []


def new_state() -> NDArray[np.int64]:
    """Return the numbers by which the threads that run one program meet."""
    return np.zeros(program.SLOTS + (MOST + 1) * program.LINE, np.int64)


def threads() -> int:
    """Return how many threads may run a program, the caller included."""
    return int(min(numba.get_num_threads(), MOST + 1))


def run_together(*task: Any) -> None:
    """Run a program on one sample; ``task`` is what `program.help_out` takes after ``spins``."""
    helpers = threads() - 1
    engaged = program.run_together(*task, helpers)
    if engaged < helpers:
        while len(_helpers) < helpers:
            _helpers.append(_Helper(len(_helpers)))
        for helper in _helpers[:helpers]:
            helper.call(task)
