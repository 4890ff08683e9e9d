"""Kernels on several threads.

A kernel takes a range of pieces as its first two arguments, ``kernel(first, last,
...)``; what a piece is (a sample, a channel, a strip of columns) is its own affair.
`run` hands out the ranges to a few threads. Compiled code releases Python's global
lock, so they run at once.

Same bits on any number of threads
    Either every output element belongs to one piece, which computes it in a fixed
    order; or each piece leaves a partial sum of its own, the number of pieces
    depends on the shapes alone, and the sums are added in order afterwards.

Why not Numba's ``prange``: it makes compiling three to five times slower, its pools
wait by spinning, which disturbs every other program (PyTorch in the same process
included), and the pool it has on a bare macOS aborts the process when two Python
threads meet in it. Here a second caller simply computes alone.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numba
from numpy.typing import NDArray

# Waking a thread takes some 30 microseconds: not worth it for less work than this.
WORTHWHILE = 200_000.0  # nanoseconds
# More ranges than threads, so that a thread held up by another program gets fewer of them.
RANGES_PER_THREAD = 3


class _Worker:
    """A thread that waits for a job, does it and says so."""

    def __init__(self) -> None:
        self._start = threading.Lock()
        self._end = threading.Lock()
        self._start.acquire()
        self._end.acquire()
        self._job: _Job | None = None
        threading.Thread(target=self._loop, name="minicnn-kernel", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self._start.acquire()
            assert self._job is not None
            self._job.work()
            self._job = None
            self._end.release()

    def begin(self, job: _Job) -> None:
        self._job = job
        self._start.release()

    def wait(self) -> None:
        self._end.acquire()


class _Job:
    """One kernel call, cut into ranges that the threads take one after the other."""

    def __init__(
        self,
        kernel: Any,
        ranges: Iterator[tuple[int, int]],
        arguments: Any,
        memories: Iterator[tuple[NDArray, ...]],
    ) -> None:
        self._kernel = kernel
        self._ranges = ranges
        self._arguments = arguments
        self._memories = memories
        self.error: BaseException | None = None

    def work(self) -> None:
        try:
            memory = next(self._memories)
            # next() on a list's iterator is atomic, so each range is taken once.
            for first, last in self._ranges:
                self._kernel(first, last, *memory, *self._arguments)
        except BaseException as error:  # carried over to the calling thread
            self.error = error


_workers: list[_Worker] = []
_pool_is_free = threading.Lock()


def _forget_workers() -> None:
    """Start afresh in a forked child, where the threads do not exist."""
    global _pool_is_free
    _workers.clear()
    _pool_is_free = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


def run(
    kernel: Any,
    pieces: int,
    nanoseconds: float,
    *arguments: Any,
    scratch: Sequence[NDArray] | None = None,
) -> None:
    """Call ``kernel(first, last, *arguments)`` so that the ranges cover 0..pieces.

    Parameters
    ----------
    kernel
        A compiled function; ranges may run in any order and at the same time.
    pieces
        Number of pieces.
    nanoseconds
        A rough guess at the time all of it takes on one thread. Little work is done
        on the calling thread.
    arguments
        What the kernel takes after the range.
    scratch
        Working memory, an array for each thread; its own comes right after the range.

    Notes
    -----
    The number of threads is Numba's: ``numba.set_num_threads(n)`` or the environment
    variable ``NUMBA_NUM_THREADS``.
    """
    threads = 1 if nanoseconds < WORTHWHILE else min(numba.get_num_threads(), pieces)
    if threads <= 1 or not _pool_is_free.acquire(blocking=False):
        kernel(0, pieces, *(() if scratch is None else (scratch[0],)), *arguments)
        return
    try:
        count = min(pieces, threads * RANGES_PER_THREAD)
        bounds = [pieces * i // count for i in range(count + 1)]
        memories = iter([() if scratch is None else (scratch[i],) for i in range(threads)])
        job = _Job(kernel, iter(list(itertools.pairwise(bounds))), arguments, memories)
        while len(_workers) < threads - 1:
            _workers.append(_Worker())
        helpers = _workers[: threads - 1]
        for worker in helpers:
            worker.begin(job)
        job.work()
        for worker in helpers:
            worker.wait()
    except BaseException:  # Ctrl-C while waiting: the workers may be at it still
        _workers.clear()
        raise
    finally:
        _pool_is_free.release()
    if job.error is not None:
        raise job.error
