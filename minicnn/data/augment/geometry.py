"""Geometry: rotation, scale, shift and mirror image, as one affine map per image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def matrices(
    draws: NDArray,
    size: tuple[int, int],
    *,
    rotation: float,
    scale: float,
    translation: float,
    flip: float,
) -> NDArray[np.float64]:
    """Return the affine maps (N, 2, 3) from output to input pixels.

    Combined, the four changes blur no more than one of them alone: the image is sampled once.

    Parameters
    ----------
    draws
        (5, N) in [-1, 1]: angle, scale, shift down, shift right, mirror.
    size
        Height and width of the images in pixels.
    rotation, scale, translation, flip
        The strengths, as in `minicnn.data.augment.Augment`.
    """
    height, width = size
    angle = np.deg2rad(rotation) * draws[0]  # (N,)
    # To show the image larger, the map from output to input takes smaller steps.
    step = 1 / (1 + scale * draws[1])  # (N,)
    mirror = np.where((draws[4] + 1) / 2 < flip, -1.0, 1.0)  # (N,)
    cos, sin = np.cos(angle) * step, np.sin(angle) * step
    maps = np.empty((draws.shape[1], 2, 3))
    maps[:, 0, 0], maps[:, 0, 1] = cos, -sin * mirror
    maps[:, 1, 0], maps[:, 1, 1] = sin, cos * mirror
    maps[:, 0, 2] = translation * height * draws[2]
    maps[:, 1, 2] = translation * width * draws[3]
    return maps
