"""Transposed convolution: every pixel stamps the filter onto a larger image.

Where a convolution gathers a window into one number, this one scatters one number over a
window. Pixel (i, j) reaches, through tap (m, k), the output place

    row = i stride - padding + m dilation,    col = j stride - padding + k dilation

which is the index arithmetic of convolution with image and output changing places. Stamps
that overlap add up; what falls outside (row, col) of the output is the cropped padding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    """y[n, o, row, col] += w[c, o, m, k] x[n, c, i, j], on top of b[o].

    From (N, C, H, W) to (N, O, OH, OW). Channel c writes to the outputs of its own group
    only, so w is (C, O/groups, KH, KW). ``output_padding`` adds rows below and columns to
    the right, which some stamps may still reach.
    """
    batch, channels, height, width = x.shape
    _, per_group, kernel_h, kernel_w = w.shape
    out_h, out_w = transposed_output_size(
        (height, width), (kernel_h, kernel_w), stride, padding, output_padding, dilation
    )
    y = np.zeros((batch, per_group * groups, out_h, out_w))  # (N, O, OH, OW), float64
    if b is not None:
        for o in range(per_group * groups):
            y[:, o] = float(b[o])
    for n in range(batch):
        for c in range(channels):
            first = c // (channels // groups) * per_group  # of the group's outputs
            for i in range(height):
                for j in range(width):
                    for o in range(per_group):
                        for m in range(kernel_h):
                            row = i * stride[0] - padding[0] + m * dilation[0]
                            if not 0 <= row < out_h:
                                continue
                            for k in range(kernel_w):
                                col = j * stride[1] - padding[1] + k * dilation[1]
                                if not 0 <= col < out_w:
                                    continue
                                stamp = float(w[c, o, m, k]) * float(x[n, c, i, j])
                                y[n, first + o, row, col] += stamp
    return y.astype(x.dtype)


def conv_transpose2d_dx(
    dy: NDArray,
    w: NDArray,
    x_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """dx[n, c, i, j] = sum_{o, m, k} w[c, o, m, k] dy[n, o, row, col]: a convolution.

    Returns (N, C, H, W): each pixel gathers the blame of all the places it stamped.
    """
    batch, channels, height, width = x_shape
    _, per_group, kernel_h, kernel_w = w.shape
    _, _, out_h, out_w = dy.shape
    dx = np.empty(x_shape, dy.dtype)  # (N, C, H, W)
    for n in range(batch):
        for c in range(channels):
            first = c // (channels // groups) * per_group
            for i in range(height):
                for j in range(width):
                    total = 0.0
                    for o in range(per_group):
                        for m in range(kernel_h):
                            row = i * stride[0] - padding[0] + m * dilation[0]
                            if not 0 <= row < out_h:
                                continue
                            for k in range(kernel_w):
                                col = j * stride[1] - padding[1] + k * dilation[1]
                                if not 0 <= col < out_w:
                                    continue
                                total += float(w[c, o, m, k]) * float(dy[n, first + o, row, col])
                    dx[n, c, i, j] = total
    return dx


def conv_transpose2d_dw(
    dy: NDArray,
    x: NDArray,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """dw[c, o, m, k] += x[n, c, i, j] dy[n, o, row, col], for every stamp of the forward pass.

    Returns (C, O/groups, KH, KW).
    """
    batch, channels, height, width = x.shape
    _, per_group, kernel_h, kernel_w = w_shape
    _, _, out_h, out_w = dy.shape
    dw = np.zeros(w_shape)  # (C, O/groups, KH, KW), in float64 while it adds up
    for n in range(batch):
        for c in range(channels):
            first = c // (channels // groups) * per_group
            for i in range(height):
                for j in range(width):
                    for o in range(per_group):
                        for m in range(kernel_h):
                            row = i * stride[0] - padding[0] + m * dilation[0]
                            if not 0 <= row < out_h:
                                continue
                            for k in range(kernel_w):
                                col = j * stride[1] - padding[1] + k * dilation[1]
                                if not 0 <= col < out_w:
                                    continue
                                blame = float(x[n, c, i, j]) * float(dy[n, first + o, row, col])
                                dw[c, o, m, k] += blame
    return dw.astype(dy.dtype)


def conv_transpose2d_db(dy: NDArray) -> NDArray:
    """db[o] = sum_{n, row, col} dy[n, o, row, col]: the bias lies under every place once."""
    batch, outputs, out_h, out_w = dy.shape
    db = np.zeros(outputs)  # (O,), in float64 while it adds up
    for n in range(batch):
        for o in range(outputs):
            for row in range(out_h):
                for col in range(out_w):
                    db[o] += float(dy[n, o, row, col])
    return db.astype(dy.dtype)
