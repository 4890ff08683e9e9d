"""Many small jobs on several threads, their results in order, a few at a time in memory.

For work that leaves Python's global lock, as Pillow does while it decodes.
"""

from __future__ import annotations

import collections
import concurrent.futures
import os
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from minicnn.arguments import check_count

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = 8
WINDOW = 128  # images in work or waiting: several for each thread, in little memory


def in_order(
    work: Callable[[T], R], items: Iterable[T], window: int, threads: int | None = None
) -> Generator[R, None, None]:
    """Yield ``work(item)`` for each item, in the order of the items.

    Parameters
    ----------
    work
        Called in other threads.
    items
        Read in this thread, and only as far as the window reaches: there may be any number.
    window
        How many are in work, or done and waiting for their turn, at any moment: bounds the
        memory.
    threads
        By default as many as processors, at most 8.

    Raises
    ------
    ArgumentError
        If ``window`` or ``threads`` is below 1.

    Notes
    -----
    What ``work`` raises for an item arrives when that item is due; nothing more is begun
    then. The same holds where the caller closes the iterator early.
    """
    check_count("window", window)
    if threads is None:
        threads = min(MOST_THREADS, os.cpu_count() or 1)
    return _in_order(work, items, window, check_count("threads", threads))


def _in_order(
    work: Callable[[T], R], items: Iterable[T], window: int, threads: int
) -> Generator[R, None, None]:
    waiting: collections.deque[concurrent.futures.Future[R]] = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(threads, "minicnn-work")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
