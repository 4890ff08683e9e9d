"""Dropout with the survivors scaled up ("inverted"), so that evaluation needs no change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dropout(x: NDArray, keep: NDArray[np.bool_], p: float) -> NDArray:
    """Return x * keep / (1 - p); all zeros for p = 1."""
    if p == 1:
        return np.zeros_like(x)
    return x * keep * x.dtype.type(1 / (1 - p))


def dropout_dx(dy: NDArray, keep: NDArray[np.bool_], p: float) -> NDArray:
    """Return dy * keep / (1 - p): dropout is linear, and its own transpose."""
    return dropout(dy, keep, p)
