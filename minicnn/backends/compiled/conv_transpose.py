"""Transposed convolution: the products of a convolution, with input and output exchanged.

A convolution with the same weights takes (N, O, OH, OW) to (N, C, H, W). Transposing it
turns its gradient of the input into the forward pass here, and its forward pass into the
gradient; there is no other arithmetic to do, see `minicnn.backends.compiled.conv`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import conv
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
    """Stamp w (C, O/groups, KH, KW) at every pixel of x: (N, C, H, W) to (N, O, OH, OW)."""
    batch, _, height, width = x.shape
    size = transposed_output_size(
        (height, width), (w.shape[2], w.shape[3]), stride, padding, output_padding, dilation
    )
    y_shape = (batch, w.shape[1] * groups, *size)
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
    """Convolve dy with w, (N, C, H, W)."""
    dx = conv.conv2d(dy, w, None, stride, padding, dilation, groups)
    # A large output padding leaves room for windows that belong to no pixel of x.
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
    """Correlate x with dy, (C, O/groups, KH, KW)."""
    return conv.conv2d_dw(x, dy, w_shape, stride, padding, dilation, groups)


def conv_transpose2d_db(dy: NDArray) -> NDArray:
    """Add dy up over samples and positions, (O,)."""
    return conv.conv2d_db(dy)
