"""Fully connected layer: the three matrix products of a linear map and its gradients.

    y  = x w^T + b      y[n, o]  = b[o] + sum_i x[n, i] w[o, i]
    dx = dy w           dx[n, i] = sum_o dy[n, o] w[o, i]
    dw = dy^T x         dw[o, i] = sum_n dy[n, o] x[n, i]

The idea: never transpose the big matrices. In y both factors run along i, so y is a
table of dot products (`tile.dots`); in dx and dw the result and one factor run along i,
so each row of the result is a weighted sum of rows (`tile.correlate`). The result is cut
into rectangles, each computed by one thread from first to last term.

No BLAS, which would be as fast: its threads are not ours, and OpenBLAS gives other bits
with two threads than with one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run
from minicnn.backends.compiled.tile import ROWS, correlate, dots

HEIGHT = 64  # rows of a rectangle
WIDTH = 96  # columns of a rectangle: four tiles of float32
LENGTH = 512  # dot products go by parts of this length, whose rows fit the first-level cache
NANOSECONDS = 0.03  # per multiply-add, on one thread


@kernel
def _table_of_dots(first, last, y, x, w, bias, batch, outputs, inputs, offsets, across):  # type: ignore[no-untyped-def]
    """Set y = x w^T + bias on rectangles first..last, ``across`` of which lie side by side."""
    for piece in range(first, last):
        n0, o0 = piece // across * HEIGHT, piece % across * WIDTH
        n1, count = min(n0 + HEIGHT, batch), min(WIDTH, outputs - o0)
        for n in range(n0, n1):
            for o in range(o0, o0 + count):
                y[n * outputs + o] = bias[o]
        for i in range(0, inputs, LENGTH):
            length = min(LENGTH, inputs - i)
            for n in range(n0, n1, ROWS):
                dots(
                    y, n * outputs + o0, outputs, x, n * inputs + i, inputs, min(ROWS, n1 - n),
                    length, w, i, offsets, o0, count,
                )  # fmt: skip


@kernel
def _sums_of_rows(first, last, out, a, b, rows, columns, terms, zeros, offsets, across):  # type: ignore[no-untyped-def]
    """Set out = a b on rectangles first..last, ``across`` of which lie side by side."""
    for piece in range(first, last):
        r, c = piece // across * HEIGHT, piece % across * WIDTH
        height, width = min(HEIGHT, rows - r), min(WIDTH, columns - c)
        correlate(
            out, r * columns + c, columns, height, width, zeros, 0, a, r * terms, terms,
            b, c, offsets, 0, terms,
        )  # fmt: skip


def _product(a: NDArray, b: NDArray) -> NDArray:
    """Return a b, of shapes (R, J), (J, C) -> (R, C)."""
    (rows, terms), columns = a.shape, b.shape[1]
    out = np.empty((rows, columns), b.dtype)  # (R, C)
    across = -(-columns // WIDTH)
    run(
        _sums_of_rows, -(-rows // HEIGHT) * across, a.size * columns * NANOSECONDS,
        out.reshape(-1), a.reshape(-1), b.reshape(-1), rows, columns, terms,
        np.zeros(HEIGHT, b.dtype), np.arange(terms) * columns, across,
    )  # fmt: skip
    return out


def linear(x: NDArray, w: NDArray, b: NDArray | None) -> NDArray:
    """Return y = x w^T + b, from (N, I) to (N, O)."""
    x, w = ready(x), ready(w)
    (batch, inputs), outputs = x.shape, w.shape[0]
    bias = np.zeros(outputs, x.dtype) if b is None else ready(b)
    y = np.empty((batch, outputs), x.dtype)  # (N, O)
    across = -(-outputs // WIDTH)
    run(
        _table_of_dots, -(-batch // HEIGHT) * across, x.size * outputs * NANOSECONDS,
        y.reshape(-1), x.reshape(-1), w.reshape(-1), bias, batch, outputs, inputs,
        np.arange(outputs) * inputs, across,
    )  # fmt: skip
    return y


def linear_dx(dy: NDArray, w: NDArray) -> NDArray:
    """Return dx = dy w, (N, I)."""
    return _product(ready(dy), ready(w))


def linear_dw(dy: NDArray, x: NDArray) -> NDArray:
    """Return dw = dy^T x, (O, I)."""
    return _product(ready(dy.T), ready(x))


def linear_db(dy: NDArray) -> NDArray:
    """Return db[o] = sum_n dy[n, o], (O,). Too little work to compile anything for."""
    return dy.sum(axis=0, dtype=np.float64).astype(dy.dtype)
