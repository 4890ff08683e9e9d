"""Affine warp with bilinear sampling, one image after the other.

Every output pixel asks for one place of the input and mixes the four pixels around it;
a thread takes whole images.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run

COST = 5.0  # nanoseconds per pixel


@kernel
def _affine_warp(first, last, y, x, matrix):  # type: ignore[no-untyped-def]
    _, channels, height, width = x.shape
    centre_row, centre_col = (height - 1) / 2, (width - 1) / 2
    for n in range(first, last):
        m = matrix[n]
        for i in range(height):
            for j in range(width):
                row = m[0, 0] * (i - centre_row) + m[0, 1] * (j - centre_col) + m[0, 2]
                col = m[1, 0] * (i - centre_row) + m[1, 1] * (j - centre_col) + m[1, 2]
                # Beyond the edge, the edge pixel.
                row = min(max(row + centre_row, 0.0), height - 1.0)
                col = min(max(col + centre_col, 0.0), width - 1.0)
                top, left = math.floor(row), math.floor(col)
                bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
                down, across = row - top, col - left
                for c in range(channels):
                    above = x[n, c, top, left] * (1 - across) + x[n, c, top, right] * across
                    below = x[n, c, bottom, left] * (1 - across) + x[n, c, bottom, right] * across
                    y[n, c, i, j] = above * (1 - down) + below * down


def affine_warp(x: NDArray, matrix: NDArray) -> NDArray:
    """Fetch every output pixel p from A p + t of its image, (N, C, H, W)."""
    y = np.empty(x.shape, x.dtype)  # (N, C, H, W)
    if y.size:
        # The places in float64: far from the centre float32 would round them visibly.
        places = ready(matrix.astype(np.float64))
        run(_affine_warp, len(x), x.size * COST, y, ready(x), places)
    return y
