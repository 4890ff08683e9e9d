"""Affine warp: rotate, scale, shear and shift an image, with bilinear interpolation.

The loop runs over the pixels of the *output* and asks each where in the input it comes
from. So every output pixel gets exactly one value, with no holes and no overlaps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def affine_warp(x: NDArray, matrix: NDArray) -> NDArray:
    """y[n, c, i, j] = x[n, c] at the place (row, col) = A (i, j) + t, (N, C, H, W).

    ``matrix`` (N, 2, 3) holds [A | t]; (i, j) and (row, col) are measured in pixels from the
    image's centre. A place between pixels takes the mean of the four around it, weighted by
    how near they are; a place outside the image takes the nearest edge pixel.
    """
    batch, channels, height, width = x.shape
    y = np.empty_like(x)  # (N, C, H, W)
    for n in range(batch):
        a = [[float(value) for value in line] for line in matrix[n]]  # 2 x 3
        for i in range(height):
            for j in range(width):
                down, right = i - (height - 1) / 2, j - (width - 1) / 2  # from the centre
                row = a[0][0] * down + a[0][1] * right + a[0][2] + (height - 1) / 2
                col = a[1][0] * down + a[1][1] * right + a[1][2] + (width - 1) / 2
                row = min(max(row, 0.0), height - 1.0)
                col = min(max(col, 0.0), width - 1.0)
                r0, c0 = math.floor(row), math.floor(col)
                r1, c1 = min(r0 + 1, height - 1), min(c0 + 1, width - 1)
                u, v = row - r0, col - c0  # in [0, 1): how far towards r1 and c1
                for c in range(channels):
                    above = (1 - v) * float(x[n, c, r0, c0]) + v * float(x[n, c, r0, c1])
                    below = (1 - v) * float(x[n, c, r1, c0]) + v * float(x[n, c, r1, c1])
                    y[n, c, i, j] = (1 - u) * above + u * below
    return y
