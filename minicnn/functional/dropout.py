"""Dropout: silence random entries, and make up for them."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.functional.checks import check_float, check_shape


def dropout(x: NDArray, keep: NDArray, p: float) -> NDArray:
    """Y = x keep / (1 - p), so that the expected value of y is x (Srivastava et al. 2014).

    Parameters
    ----------
    x
        Any shape.
    keep
        Booleans of the same shape, each True with probability 1 - p.
    p
        The share that is silenced; with p = 1 the result is 0.
    """
    check_float(x=x)
    check_shape("keep", keep, x.shape, "the shape of x")
    return kernels("dropout").dropout(x, keep, p)


def dropout_backward(dy: NDArray, keep: NDArray, p: float) -> NDArray:
    """dx = dy keep / (1 - p), with the mask of the forward pass."""
    check_float(dy=dy)
    check_shape("dy", dy, keep.shape, "the shape of y")
    return kernels("dropout").dropout_dx(dy, keep, p)
