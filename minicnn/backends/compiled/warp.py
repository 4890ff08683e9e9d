"""Affine warp with bilinear sampling, one image after the other.

Every output pixel asks for one place of the input and mixes the four pixels around it. The
places of a row are worked out first, in a loop without branches or memory to jump about in,
which the compiler turns into vector code; all channels then share them. A thread takes whole
images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run

COST = 2.5  # nanoseconds per pixel


@kernel
def _affine_warp(first, last, y, x, matrix):  # type: ignore[no-untyped-def]
    _, channels, height, width = x.shape
    centre_row, centre_col = (height - 1) / 2, (width - 1) / 2
    # Of each pixel of a row: where the pixel above left of its place is in its plane, how far
    # away those below and to the right of it are (0 at the edge), and how far it is to them.
    corner = np.empty(width, np.int32)
    below, right = np.empty(width, np.int32), np.empty(width, np.int32)
    down, across = np.empty(width, x.dtype), np.empty(width, x.dtype)
    pixels, out = x.reshape(-1), y.reshape(-1)
    for n in range(first, last):
        m = matrix[n]
        for i in range(height):
            row_start = m[0, 0] * (i - centre_row) - m[0, 1] * centre_col + m[0, 2] + centre_row
            col_start = m[1, 0] * (i - centre_row) - m[1, 1] * centre_col + m[1, 2] + centre_col
            for j in range(width):
                # Beyond the edge, the edge pixel.
                row = min(max(row_start + m[0, 1] * j, 0.0), height - 1.0)
                col = min(max(col_start + m[1, 1] * j, 0.0), width - 1.0)
                top, left = np.int32(row), np.int32(col)  # not negative: rounded down
                corner[j] = top * width + left
                below[j] = width if top < height - 1 else 0
                right[j] = 1 if left < width - 1 else 0
                down[j], across[j] = row - top, col - left
            for c in range(channels):
                plane = (n * channels + c) * height * width
                line = plane + i * width
                for j in range(width):
                    a = plane + corner[j]
                    b = a + below[j]
                    upper = pixels[a] + (pixels[a + right[j]] - pixels[a]) * across[j]
                    lower = pixels[b] + (pixels[b + right[j]] - pixels[b]) * across[j]
                    out[line + j] = upper + (lower - upper) * down[j]


def affine_warp(x: NDArray, matrix: NDArray) -> NDArray:
    """Fetch every output pixel p from A p + t of its image, (N, C, H, W)."""
    y = np.empty(x.shape, x.dtype)  # (N, C, H, W)
    if y.size:
        # The places in float64: far from the centre float32 would round them visibly.
        places = ready(matrix.astype(np.float64))
        run(_affine_warp, len(x), x.size * COST, y, ready(x), places)
    return y
