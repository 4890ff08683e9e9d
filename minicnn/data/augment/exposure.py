"""Exposure: gamma, contrast and brightness, in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bend(x: NDArray, power: NDArray) -> None:
    """Raise pixels, clipped to [0, 1], to a power per image: x (N, C, H, W), power (N,).

    0 and 1 stay what they are.
    """
    np.clip(x, 0, 1, out=x)
    # x^p = exp(p log x): NumPy has vector instructions for both, but not for the power.
    with np.errstate(divide="ignore"):
        np.log(x, out=x)  # of 0 it is -infinity, whose exponential is 0 again
    x *= _each(power, x)
    np.exp(x, out=x)


def stretch(x: NDArray, factor: NDArray, shift: NDArray) -> None:
    """Y = (x - mean) factor + mean + shift, with each image's own mean; factor, shift (N,)."""
    mean = x.mean(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
    factor = _each(factor, x)
    x *= factor
    x += mean * (1 - factor) + _each(shift, x)


def _each(values: NDArray, x: NDArray) -> NDArray:
    """One number per image, in the shape and dtype that broadcast to x."""
    return values.astype(x.dtype).reshape(-1, 1, 1, 1)
