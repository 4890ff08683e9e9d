"""Penalties on whole arrays. Every function takes lists with one array per parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray]


def elastic_net(w: Arrays, l1: float, l2: float) -> float:
    """Return p = l1 sum |w| + l2/2 sum w^2, in float64."""
    total = 0.0
    for w_ in w:
        wide = w_.astype(np.float64)
        if l1:
            total += l1 * float(np.abs(wide).sum())
        if l2:
            total += l2 / 2 * float(np.square(wide).sum())
    return total


def elastic_net_dw(g: Arrays, w: Arrays, l1: float, l2: float) -> None:
    """g <- g + l1 sign(w) + l2 w, in place."""
    for g_, w_ in zip(g, w, strict=True):
        if l1:
            g_ += l1 * np.sign(w_)
        if l2:
            g_ += l2 * w_
