"""Fully connected layer: every output is a weighted sum of all inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def linear(x: NDArray, w: NDArray, b: NDArray | None) -> NDArray:
    """y[n, o] = sum_i w[o, i] x[n, i] + b[o], from (N, I) to (N, O)."""
    batch, inputs = x.shape
    outputs = w.shape[0]
    y = np.empty((batch, outputs), x.dtype)  # (N, O)
    for n in range(batch):
        for o in range(outputs):
            total = 0.0 if b is None else float(b[o])
            for i in range(inputs):
                total += float(w[o, i]) * float(x[n, i])
            y[n, o] = total
    return y


def linear_dx(dy: NDArray, w: NDArray) -> NDArray:
    """dx[n, i] = sum_o dy[n, o] w[o, i]: input i is blamed through each output it fed."""
    batch, outputs = dy.shape
    inputs = w.shape[1]
    dx = np.empty((batch, inputs), dy.dtype)  # (N, I)
    for n in range(batch):
        for i in range(inputs):
            total = 0.0
            for o in range(outputs):
                total += float(dy[n, o]) * float(w[o, i])
            dx[n, i] = total
    return dx


def linear_dw(dy: NDArray, x: NDArray) -> NDArray:
    """dw[o, i] = sum_n dy[n, o] x[n, i]: one weight serves the whole batch, so it sums over n."""
    batch, outputs = dy.shape
    inputs = x.shape[1]
    dw = np.empty((outputs, inputs), dy.dtype)  # (O, I)
    for o in range(outputs):
        for i in range(inputs):
            total = 0.0
            for n in range(batch):
                total += float(dy[n, o]) * float(x[n, i])
            dw[o, i] = total
    return dw


def linear_db(dy: NDArray) -> NDArray:
    """db[o] = sum_n dy[n, o]."""
    batch, outputs = dy.shape
    db = np.empty(outputs, dy.dtype)  # (O,)
    for o in range(outputs):
        total = 0.0
        for n in range(batch):
            total += float(dy[n, o])
        db[o] = total
    return db
