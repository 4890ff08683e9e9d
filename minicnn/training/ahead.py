"""The next batch is made while the network computes on the present one.

    time ->
    this thread     | step 1          | step 2          | step 3
    another thread  | make batch 2    | make batch 3    | make batch 4

One batch ahead and not more: that is all a step of this length can hide, and it keeps the
memory at two batches. Whatever the iterator draws, it draws in its own order, so the batches
are bit for bit those that a plain loop would get.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from typing import Any, Generic, Self, TypeVar

import numpy as np

from minicnn.backends import current_backend

T = TypeVar("T")


class Ahead(Generic[T]):
    """Walk an iterator whose next item is made in another thread.

    ::

        with Ahead(batches) as walk:
            for batch in walk:
                step(batch)      # meanwhile the next batch is being made
                walk.settle()    # from here on nothing happens in the background
                tell(callbacks)

    An exception of the iterator arrives where a plain loop would raise it: when its item is
    asked for, after the work on the one before. Leaving the ``with`` block, by whatever way,
    ends the thread; at most the one item in work is made in vain.

    Parameters
    ----------
    items : iterator
        Only the other thread touches it, and never for two items at once. It must not use
        what the caller changes between `settle` and the next item.
    """

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        errors = np.geterr()
        self._thread = concurrent.futures.ThreadPoolExecutor(
            1, "minicnn-ahead", initializer=lambda: _work_alone(errors)
        )
        self._next: concurrent.futures.Future[list[T]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[T]:
        self._begin()
        while made := self._result():
            self._begin()
            yield made.pop()

    def settle(self) -> None:
        """Wait until the next item is made, or has failed, which is told when it is due."""
        if self._next is not None:
            self._next.exception()

    def _begin(self) -> None:
        self._next = self._thread.submit(self._make)

    def _result(self) -> list[T]:
        assert self._next is not None
        done, self._next = self._next, None
        return done.result()

    def _make(self) -> list[T]:
        """Return the next item in a list, or an empty list after the last one."""
        for item in self._items:
            return [item]
        return []


def _work_alone(errors: Any) -> None:
    """Let this thread leave the pool of kernels to the step, and complain no more than it does.

    Kernels share a pool of threads; who finds it taken computes alone. A warp of a tenth of a
    millisecond that took the pool would leave a convolution of ten to a single core. Numba's
    number of threads and NumPy's error state both belong to a thread.
    """
    np.seterr(**errors)
    if current_backend() == "compiled":
        import numba

        numba.set_num_threads(1)
