"""Affine warp of images with bilinear interpolation, for all pixels at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def affine_warp(x: NDArray, matrix: NDArray) -> NDArray:
    """Rotate, scale, shear and shift each image, (N, C, H, W) to the same shape.

    ``matrix`` (N, 2, 3) takes each output pixel to the place of the input it shows:
    (row, col)_in = A (row, col)_out + t, in pixels from the image's centre. Outside
    the image its nearest edge pixel continues.
    """
    batch, channels, height, width = x.shape
    centre_row, centre_col = (height - 1) / 2, (width - 1) / 2
    row = (np.arange(height) - centre_row)[:, None]  # (H, 1), the output's
    col = np.arange(width) - centre_col  # (W,)
    a = matrix.astype(np.float64)[:, :, :, None, None]  # (N, 2, 3, 1, 1)
    row_in = a[:, 0, 0] * row + a[:, 0, 1] * col + a[:, 0, 2] + centre_row  # (N, H, W)
    col_in = a[:, 1, 0] * row + a[:, 1, 1] * col + a[:, 1, 2] + centre_col  # (N, H, W)
    top, bottom, down = _neighbours(row_in, height)  # (N, H, W) each
    left, right, across = _neighbours(col_in, width)

    planes = x.reshape(batch, channels, height * width)  # (N, C, H*W)

    def pixels(rows: NDArray, cols: NDArray) -> NDArray:
        flat = (rows * width + cols).reshape(batch, 1, -1)  # (N, 1, H*W)
        return np.take_along_axis(planes, flat, axis=2).reshape(x.shape)  # (N, C, H, W)

    down = down.astype(x.dtype)[:, None]  # (N, 1, H, W)
    across = across.astype(x.dtype)[:, None]  # (N, 1, H, W)
    above = pixels(top, left) * (1 - across) + pixels(top, right) * across
    below = pixels(bottom, left) * (1 - across) + pixels(bottom, right) * across
    return above * (1 - down) + below * down


def _neighbours(
    place: NDArray[np.float64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the pixels before and after each place, and how far it is along between them."""
    place = np.clip(place, 0, size - 1)  # beyond the edge, the edge pixel
    before = np.floor(place).astype(np.intp)
    after = np.minimum(before + 1, size - 1)
    return before, after, place - before
