"""Which images go together in a batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.errors import ArgumentError


def batch_indices(
    n: int,
    batch_size: int,
    rng: np.random.Generator | None = None,
    drop_last: bool = False,
) -> Iterator[NDArray[np.int64]]:
    """Yield the indices 0 .. n - 1 in batches.

    Images stay uint8 in memory; only the batch ``images[indices]`` becomes float.

    Parameters
    ----------
    n
        Number of images.
    batch_size
        Images per batch. The last batch is smaller where it does not divide ``n``.
    rng
        Shuffles the indices (training); None keeps them in order (evaluation). The
        generator is used once, at the call.
    drop_last
        Leave out a last batch that is not full.

    Raises
    ------
    ArgumentError
        If ``n`` or ``batch_size`` is no whole number of at least 1, or shuffled or full
        batches are asked to be larger than the data: training would then take fewer and
        other steps than was asked for. An evaluation may take all images at once.
    """
    n, batch_size = check_count("n", n), check_count("batch_size", batch_size)
    if batch_size > n and (rng is not None or drop_last):
        raise ArgumentError(
            f"batch_size is {batch_size} but there are only {n} images; take at most {n}"
        )
    order = np.arange(n, dtype=np.int64)
    if rng is not None:
        rng.shuffle(order)
    return _slices(order, batch_size, n - n % batch_size if drop_last else n)


def _slices(order: NDArray[np.int64], batch_size: int, stop: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, stop, batch_size):
        yield order[start : start + batch_size]
