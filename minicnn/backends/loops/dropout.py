"""Dropout: some entries are silenced, the others scaled up so that the mean stays.

With the scaling done here ("inverted" dropout), evaluation needs no change at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dropout(x: NDArray, keep: NDArray[np.bool_], p: float) -> NDArray:
    """y[i] = x[i] / (1 - p) where keep[i], else 0; any shape. With p = 1 all is 0."""
    y = np.zeros_like(x)
    for i in np.ndindex(x.shape):  # i runs over all indices: (0, 0), (0, 1), ...
        if keep[i] and p < 1:
            y[i] = float(x[i]) / (1 - p)
    return y


def dropout_dx(dy: NDArray, keep: NDArray[np.bool_], p: float) -> NDArray:
    """dx[i] = dy[i] / (1 - p) where keep[i], else 0: a silenced entry moved nothing."""
    dx = np.zeros_like(dy)
    for i in np.ndindex(dy.shape):
        if keep[i] and p < 1:
            dx[i] = float(dy[i]) / (1 - p)
    return dx
