"""Penalties: all weights of a network in one kernel call, in one pass over memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel
from minicnn.backends.compiled.together import part, pieces, together
from minicnn.backends.vectorized import penalty as vectorized

Arrays = Sequence[NDArray]

NANOSECONDS = 0.25  # per weight, on one thread


@kernel
def _sums(first, last, table, numbers, sums):  # type: ignore[no-untyped-def]
    """Add sum |w| and sum w^2 of each piece to sums[piece], in float64."""
    for piece in range(first, last):
        w = part(table, piece, 0, numbers)
        sizes, squares = 0.0, 0.0
        for i in range(w.size):
            wide = np.float64(w[i])
            sizes += abs(wide)
            squares += wide * wide
        sums[piece, 0] += sizes
        sums[piece, 1] += squares


@kernel
def _add_gradient(first, last, table, numbers):  # type: ignore[no-untyped-def]
    l1, l2, zero = numbers[0], numbers[1], numbers[2]
    for piece in range(first, last):
        g, w = part(table, piece, 0, numbers), part(table, piece, 1, numbers)
        for i in range(g.size):
            sign = l1 if w[i] > 0 else -l1 if w[i] < 0 else zero
            g[i] += sign + l2 * w[i]


def elastic_net(w: Arrays, l1: float, l2: float) -> float:
    """l1 sum |w| + l2/2 sum w^2, the sums of the pieces added up in their order."""
    sums = np.zeros((pieces(w), 2))  # (pieces, 2)
    (ws,) = together(_sums, NANOSECONDS, (w,), (), sums)
    sizes, squares = sums.sum(axis=0)
    value = float((l1 * sizes if l1 else 0) + (l2 / 2 * squares if l2 else 0))
    return value + (vectorized.elastic_net(ws, l1, l2) if ws else 0.0)


def elastic_net_dw(g: Arrays, w: Arrays, l1: float, l2: float) -> None:
    """g <- g + l1 sign(w) + l2 w."""
    gs, ws = together(_add_gradient, NANOSECONDS, (g, w), (l1, l2, 0))
    if gs and ws:
        vectorized.elastic_net_dw(gs, ws, l1, l2)
