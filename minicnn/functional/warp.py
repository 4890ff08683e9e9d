"""Affine warp with bilinear sampling: what augmentation and alignment are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ArgumentError
from minicnn.functional.checks import check_float, check_shape
from minicnn.shapes import check_images


def affine_warp(x: NDArray, matrix: NDArray) -> NDArray:
    """Fetch every output pixel from where ``matrix`` sends it: y[p] = x[A p + t].

    Positions p = (row, column) are in pixels from the image centre ((H-1)/2, (W-1)/2);
    between pixels x is interpolated bilinearly, outside it its edge is repeated.

    Parameters
    ----------
    x
        (N, C, H, W), float32 or float64.
    matrix
        (N, 2, 3), the rows of [A | t], one per image, of the same dtype.

    Returns
    -------
    NDArray
        (N, C, H, W).
    """
    check_float(x=x, matrix=matrix)
    check_images(x.shape)
    check_shape("matrix", matrix, (x.shape[0], 2, 3), "one 2x3 matrix [A | t] per image")
    if not np.isfinite(matrix).all():
        raise ArgumentError("matrix has entries that are NaN or infinite; they lead nowhere")
    return kernels("warp").affine_warp(x, matrix)
