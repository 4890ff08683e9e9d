"""Convolution: the same small filter is laid over every place of the image.

One equation serves the whole file. Output (i, j) sees, through tap (m, k) of the filter,
the pixel

    row = i stride - padding + m dilation,    col = j stride - padding + k dilation

Forward, that pixel times w[o, c, m, k] is added to y[n, o, i, j]. Backward, the same
product is differentiated: dy times w is added to the pixel's gradient, dy times x to the
weight's. So the three functions are the same seven loops with another line in the middle.
Taps that land outside the image meet the zero padding: they add nothing and are passed by.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.shapes import Pair, window_output_size


def conv2d(
    x: NDArray,
    w: NDArray,
    b: NDArray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """y[n, o, i, j] = sum_{c, m, k} w[o, c, m, k] x[n, c, row, col] + b[o].

    From (N, C, H, W) to (N, O, OH, OW). Filter o reads the channels of its own group only:
    with C = 6 and 2 groups, the first half of the filters reads channels 0-2, the second
    half 3-5. So w is (O, C/groups, KH, KW).
    """
    batch, _, height, width = x.shape
    outputs, per_group, kernel_h, kernel_w = w.shape
    kernel = (kernel_h, kernel_w)
    out_h, out_w = window_output_size((height, width), kernel, stride, padding, dilation)
    y = np.empty((batch, outputs, out_h, out_w), x.dtype)  # (N, O, OH, OW)
    for n in range(batch):
        for o in range(outputs):
            first = o // (outputs // groups) * per_group  # of the group's channels
            for i in range(out_h):
                for j in range(out_w):
                    total = 0.0 if b is None else float(b[o])
                    for c in range(per_group):
                        for m in range(kernel_h):
                            row = i * stride[0] - padding[0] + m * dilation[0]
                            if not 0 <= row < height:
                                continue
                            for k in range(kernel_w):
                                col = j * stride[1] - padding[1] + k * dilation[1]
                                if not 0 <= col < width:
                                    continue
                                total += float(w[o, c, m, k]) * float(x[n, first + c, row, col])
                    y[n, o, i, j] = total
    return y


def conv2d_dx(
    dy: NDArray,
    w: NDArray,
    x_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """dx[n, c, row, col] += w[o, c, m, k] dy[n, o, i, j], for every product of the forward pass.

    Returns (N, C, H, W). Where windows overlap, a pixel collects from all of them.
    """
    _, _, height, width = x_shape
    batch, outputs, out_h, out_w = dy.shape
    _, per_group, kernel_h, kernel_w = w.shape
    dx = np.zeros(x_shape)  # (N, C, H, W), in float64 while it adds up
    for n in range(batch):
        for o in range(outputs):
            first = o // (outputs // groups) * per_group
            for i in range(out_h):
                for j in range(out_w):
                    for c in range(per_group):
                        for m in range(kernel_h):
                            row = i * stride[0] - padding[0] + m * dilation[0]
                            if not 0 <= row < height:
                                continue
                            for k in range(kernel_w):
                                col = j * stride[1] - padding[1] + k * dilation[1]
                                if not 0 <= col < width:
                                    continue
                                blame = float(w[o, c, m, k]) * float(dy[n, o, i, j])
                                dx[n, first + c, row, col] += blame
    return dx.astype(dy.dtype)


def conv2d_dw(
    dy: NDArray,
    x: NDArray,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """dw[o, c, m, k] += x[n, c, row, col] dy[n, o, i, j], for every product of the forward pass.

    Returns (O, C/groups, KH, KW). One weight serves all places of all samples, so it
    collects from all of them.
    """
    _, _, height, width = x.shape
    batch, outputs, out_h, out_w = dy.shape
    _, per_group, kernel_h, kernel_w = w_shape
    dw = np.zeros(w_shape)  # (O, C/groups, KH, KW), in float64 while it adds up
    for n in range(batch):
        for o in range(outputs):
            first = o // (outputs // groups) * per_group
            for i in range(out_h):
                for j in range(out_w):
                    for c in range(per_group):
                        for m in range(kernel_h):
                            row = i * stride[0] - padding[0] + m * dilation[0]
                            if not 0 <= row < height:
                                continue
                            for k in range(kernel_w):
                                col = j * stride[1] - padding[1] + k * dilation[1]
                                if not 0 <= col < width:
                                    continue
                                blame = float(x[n, first + c, row, col]) * float(dy[n, o, i, j])
                                dw[o, c, m, k] += blame
    return dw.astype(dy.dtype)


def conv2d_db(dy: NDArray) -> NDArray:
    """db[o] = sum_{n, i, j} dy[n, o, i, j]: the bias was added once at every place."""
    batch, outputs, out_h, out_w = dy.shape
    db = np.zeros(outputs)  # (O,), in float64 while it adds up
    for n in range(batch):
        for o in range(outputs):
            for i in range(out_h):
                for j in range(out_w):
                    db[o] += float(dy[n, o, i, j])
    return db.astype(dy.dtype)
