"""Penalties as loops over the single weights. Every function takes lists of arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray]


def elastic_net(w: Arrays, l1: float, l2: float) -> float:
    """Return p = l1 sum |w| + l2/2 sum w^2, in float64."""
    total = 0.0
    for k in range(len(w)):
        for i in np.ndindex(w[k].shape):
            wide = float(w[k][i])
            total += l1 * abs(wide) + l2 / 2 * wide**2
    return total


def elastic_net_dw(g: Arrays, w: Arrays, l1: float, l2: float) -> None:
    """g <- g + l1 sign(w) + l2 w, in place."""
    for k in range(len(w)):
        for i in np.ndindex(w[k].shape):
            g[k][i] += l1 * np.sign(w[k][i]) + l2 * w[k][i]
