"""Dropout: one pass, y = x keep / (1 - p)."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends.compiled.elementwise import PIECE, elementwise
from minicnn.backends.compiled.jit import kernel


@kernel
def _dropout(first, last, y, x, keep, scale):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    y, x, keep = y[part], x[part], keep[part]
    for i in range(y.size):
        y[i] = x[i] * scale if keep[i] else 0


def dropout(x: NDArray, keep: NDArray, p: float) -> NDArray:
    """y = x keep / (1 - p); 0 for p = 1."""
    scale = x.dtype.type(0 if p >= 1 else 1 / (1 - p))
    return elementwise(_dropout, 0.15, x, keep, extra=(scale,))


def dropout_dx(dy: NDArray, keep: NDArray, p: float) -> NDArray:
    """dx = dy keep / (1 - p): the same map, since it is linear and diagonal."""
    return dropout(dy, keep, p)
