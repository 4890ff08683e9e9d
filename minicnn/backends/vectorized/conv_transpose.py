"""Transposed convolution: the transpose of a convolution, so made of its three products.

A convolution with this weight takes (N, O, OH, OW) to (N, C, H, W). Its dx goes the
other way, which is what a transposed convolution computes; its forward pass is then the
dx here, and its dw, with x and dy changing places, the dw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.vectorized import conv
from minicnn.shapes import Pair, transposed_output_size


def conv_transpose2d(
    x: NDArray,
    w: NDArray,
    b: NDArray | None,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """Scatter x through the filters w (C, O/groups, KH, KW): (N, C, H, W) to (N, O, OH, OW)."""
    batch, _, height, width = x.shape
    kernel = (w.shape[2], w.shape[3])
    out = transposed_output_size((height, width), kernel, stride, padding, output_padding, dilation)
    y_shape = (batch, w.shape[1] * groups, *out)
    y = conv.conv2d_dx(x, w, y_shape, stride, padding, dilation, groups)  # (N, O, OH, OW)
    if b is not None:
        y += b[:, None, None]
    return y


def conv_transpose2d_dx(
    dy: NDArray,
    w: NDArray,
    x_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """Convolve dy with w: the transpose of the transpose, (N, C, H, W)."""
    dx = conv.conv2d(dy, w, None, stride, padding, dilation, groups)
    # Output padding as large as the stride leaves room for windows x had no pixel for.
    return np.ascontiguousarray(dx[:, :, : x_shape[2], : x_shape[3]])


def conv_transpose2d_dw(
    dy: NDArray,
    x: NDArray,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """Multiply x with the windows of dy, over the whole batch: (C, O/groups, KH, KW)."""
    return conv.conv2d_dw(x, dy, w_shape, stride, padding, dilation, groups)


def conv_transpose2d_db(dy: NDArray) -> NDArray:
    """Add dY up over samples and positions: (O,)."""
    return conv.conv2d_db(dy)
