"""Gaussian blur of a batch, one axis after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Beyond four standard deviations a Gaussian adds nothing that a pixel of 8 bits could show.
REACH = 4.0


def gaussian_blur(x: NDArray, sigma: ArrayLike) -> NDArray:
    """Blur every image with a Gaussian; outside, its edge pixels are repeated.

    A Gaussian of two dimensions is the product of two of one dimension, so 2 (2 r + 1)
    products per pixel do what would else take (2 r + 1)^2.

    Parameters
    ----------
    x
        (N, C, H, W), float; left alone.
    sigma
        Standard deviation in pixels, from 0 up: one, or one per image (N,). 0 changes nothing.

    Returns
    -------
    NDArray
        (N, C, H, W), of the same dtype.
    """
    widths = np.broadcast_to(np.asarray(sigma, np.float64), (len(x),))
    radius = int(REACH * widths.max(initial=0) + 0.5)
    if radius == 0:
        return x.copy()
    distance = np.arange(radius + 1)  # (r + 1,)
    with np.errstate(divide="ignore", invalid="ignore"):
        taps = np.exp(-0.5 * (distance / widths[:, None]) ** 2)  # (N, r + 1)
    taps[:, 0] = 1  # 0 / 0 where sigma is 0
    taps /= taps[:, :1] + 2 * taps[:, 1:].sum(axis=1, keepdims=True)
    for axis in (2, 3):
        x = _filter(x, taps.astype(x.dtype), axis)
    return x


def _filter(x: NDArray, taps: NDArray, axis: int) -> NDArray:
    """Y[i] = taps[0] x[i] + sum over k of taps[k] (x[i - k] + x[i + k]), along one axis."""
    radius, size = taps.shape[1] - 1, x.shape[axis]
    margin = [(radius, radius) if a == axis else (0, 0) for a in range(4)]
    padded = np.moveaxis(np.pad(x, margin, mode="edge"), axis, 0)  # the axis first
    y = np.moveaxis(np.empty_like(x), axis, 0)
    weight = taps.T[:, :, None, None]  # (r + 1, N, 1, 1): the same for either order of axes
    np.multiply(padded[radius : radius + size], weight[0], out=y)
    for k in range(1, radius + 1):
        pair = padded[radius - k : radius - k + size] + padded[radius + k : radius + k + size]
        pair *= weight[k]
        y += pair
    return np.moveaxis(y, 0, axis)
