"""Penalties on weights, given as lists with one array per parameter."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ShapeError

Arrays = Sequence[NDArray]


def elastic_net(w: Arrays, l1: float, l2: float) -> float:
    """Return l1 sum |w| + l2/2 sum w^2 over all arrays."""
    return float(kernels("penalty").elastic_net(w, l1, l2))


def elastic_net_backward(g: Arrays, w: Arrays, l1: float, l2: float) -> None:
    """Add the gradient l1 sign(w) + l2 w to the arrays g, in place.

    |w| has no derivative at 0; sign(0) = 0 leaves a weight there alone.

    Raises
    ------
    ShapeError
        If a gradient has another shape than its weight. Nothing is changed then.
    """
    for g_, w_ in zip(g, w, strict=True):
        if g_.shape != w_.shape:
            raise ShapeError(
                f"a gradient has shape {g_.shape}; expected {w_.shape}, that of its weight"
            )
    kernels("penalty").elastic_net_dw(g, w, l1, l2)
