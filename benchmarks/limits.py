"""What this machine can do at most: multiply matrices, and move memory.

Both are measured in the run that quotes them, with as many threads as everybody has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SIDE = 1536  # of the matrices
BYTES = 2**28  # of the copied array: more than any cache
REPEATS = 7


@dataclass(frozen=True)
class Limits:
    """The best of a few tries.

    Attributes
    ----------
    gflops
        A product of two float32 matrices, 1e9 multiplications and additions per second.
    gbytes
        Copying, 1e9 bytes read or written per second.
    """

    gflops: float
    gbytes: float

    def __str__(self) -> str:
        return f"sgemm {self.gflops:.0f} GFLOP/s, memory copy {self.gbytes:.1f} GB/s"


def measure() -> Limits:
    """Take the faster of numpy and torch in both."""
    rng = np.random.default_rng(0)
    a = rng.random((SIDE, SIDE), np.float32)
    b, c = a.T.copy(), np.empty_like(a)
    source = np.zeros(BYTES // 4, np.float32)
    target = np.empty_like(source)
    products: list[Callable[[], Any]] = [lambda: np.matmul(a, b, out=c)]
    copies: list[Callable[[], Any]] = [lambda: np.copyto(target, source)]
    try:
        from benchmarks.peers.torch_peer import torch
    except ImportError:
        pass
    else:
        ta, tb, tc, ts, tt = map(torch.from_numpy, (a, b, c, source, target))
        products.append(lambda: torch.mm(ta, tb, out=tc))
        copies.append(lambda: tt.copy_(ts))
    return Limits(
        2 * SIDE**3 / min(map(_best, products)) / 1e9,
        2 * BYTES / min(map(_best, copies)) / 1e9,
    )


def _best(function: Callable[[], Any]) -> float:
    """Return the seconds of the fastest call."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
