"""Convolution as matrix products (im2col).

Every position of the window is written out as one column of C/groups * KH * KW
numbers. A filter is a row of as many numbers, so all outputs together are one
product, filters times columns. The backward pass runs the same two steps in
reverse: a product with the transposed matrix, then the columns are added back to
where they came from (col2im).

The columns repeat each pixel up to KH * KW times. So the batch is taken a few
samples at a time, which bounds that memory and keeps it in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from minicnn.shapes import Pair, window_output_size

# Entries of the column matrix held at once: 4 MB in float32.
COLUMN_ENTRIES = 2**20


def conv2d(
    x: NDArray,
    w: NDArray,
    b: NDArray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """Multiply filters and columns, Y = W X_columns + b, within each group: (N, O, OH, OW)."""
    batch, _, height, width = x.shape
    outputs, per_group, kernel_h, kernel_w = w.shape
    kernel, taps = (kernel_h, kernel_w), per_group * kernel_h * kernel_w
    out = window_output_size((height, width), kernel, stride, padding, dilation)
    filters = w.reshape(groups, outputs // groups, taps)  # (G, O/G, taps)
    y = np.empty((batch, outputs, *out), x.dtype)  # (N, O, OH, OW)
    for part in _parts(batch, groups * taps * out[0] * out[1]):
        columns = _columns(x[part], kernel, out, stride, padding, dilation)
        columns = columns.reshape(-1, groups, taps, out[0] * out[1])  # (n, G, taps, OH*OW)
        y[part] = (filters @ columns).reshape(-1, outputs, *out)  # (n, O, OH, OW)
    if b is not None:
        y += b[:, None, None]
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
    """Blame the columns, W^T dY, and add each back into its window: (N, C, H, W)."""
    batch, outputs, out_h, out_w = dy.shape
    channels, height, width = x_shape[1:]
    kernel_h, kernel_w = w.shape[2:]
    taps = channels // groups * kernel_h * kernel_w
    filters = w.reshape(groups, outputs // groups, taps)  # (G, O/G, taps)
    # The frame of padding takes the blame that falls outside the image; it is cut off at the end.
    frame = _frame(dy, batch, channels, height, width, padding)
    for part in _parts(batch, groups * taps * out_h * out_w):
        errors = dy[part].reshape(-1, groups, outputs // groups, out_h * out_w)
        columns = filters.transpose(0, 2, 1) @ errors  # (n, G, taps, OH*OW)
        columns = columns.reshape(-1, channels, kernel_h, kernel_w, out_h, out_w)
        for m in range(kernel_h):
            rows = _steps(m * dilation[0], stride[0], out_h)
            for k in range(kernel_w):
                cols = _steps(k * dilation[1], stride[1], out_w)
                frame[part, :, rows, cols] += columns[:, :, m, k]  # (n, C, OH, OW)
    inside = frame[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    return np.ascontiguousarray(inside)  # (N, C, H, W)


def conv2d_dw(
    dy: NDArray,
    x: NDArray,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """Multiply dY with the transposed columns, over the whole batch: (O, C/groups, KH, KW)."""
    batch, outputs, out_h, out_w = dy.shape
    per_group, kernel_h, kernel_w = w_shape[1:]
    kernel, taps = (kernel_h, kernel_w), per_group * kernel_h * kernel_w
    dw = np.zeros((groups, outputs // groups, taps), dy.dtype)  # (G, O/G, taps)
    for part in _parts(batch, groups * taps * out_h * out_w):
        columns = _columns(x[part], kernel, (out_h, out_w), stride, padding, dilation)
        columns = columns.reshape(-1, groups, taps, out_h * out_w)  # (n, G, taps, OH*OW)
        errors = dy[part].reshape(-1, groups, outputs // groups, out_h * out_w)
        dw += (errors @ columns.transpose(0, 1, 3, 2)).sum(axis=0)  # (G, O/G, taps)
    return dw.reshape(w_shape)


def conv2d_db(dy: NDArray) -> NDArray:
    """Add dY up over samples and positions: (O,)."""
    return dy.sum(axis=(2, 3)).sum(axis=0)


def _parts(batch: int, entries: int) -> Iterator[slice]:
    """Cut the batch so that one part's columns have about COLUMN_ENTRIES numbers."""
    size = max(1, COLUMN_ENTRIES // max(1, entries))
    for start in range(0, batch, size):
        yield slice(start, start + size)


def _steps(start: int, stride: int, count: int) -> slice:
    """Slice out ``count`` indices, ``stride`` apart: what one tap sees along one axis."""
    return slice(start, start + stride * (count - 1) + 1, stride)


def _frame(
    like: NDArray, batch: int, channels: int, height: int, width: int, padding: Pair
) -> NDArray:
    """Zeros for an image with its padding around it."""
    shape = (batch, channels, height + 2 * padding[0], width + 2 * padding[1])
    return np.zeros(shape, like.dtype)


def _columns(
    x: NDArray, kernel: Pair, out: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> NDArray:
    """View the window of every output position, (N, C, KH, KW, OH, OW); nothing is copied yet."""
    batch, channels, height, width = x.shape
    if padding != (0, 0):
        padded = _frame(x, batch, channels, height, width, padding)
        padded[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
        x = padded
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    windows = sliding_window_view(x, span, axis=(2, 3))  # (N, C, H', W', span, span)
    rows, cols = _steps(0, stride[0], out[0]), _steps(0, stride[1], out[1])
    windows = windows[:, :, rows, cols, :: dilation[0], :: dilation[1]]  # (N, C, OH, OW, KH, KW)
    return windows.transpose(0, 1, 4, 5, 2, 3)
