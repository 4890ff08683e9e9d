"""Pooling, one tap of the window at a time for all windows together.

Tap (m, k) of every window is one strided slice of the image. So pooling takes
KH * KW steps, each on whole arrays, and the backward pass visits the same slices.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.shapes import Pair, window_output_size


def max_pool2d(
    x: NDArray, kernel: Pair, stride: Pair, padding: Pair
) -> tuple[NDArray, NDArray[np.int32]]:
    """Return the largest entry of each window and which tap m * KW + k it was, (N, C, OH, OW).

    The first of equal maxima wins. NaN wins over any number, so that it is not
    lost (the last NaN, if there are several: torch's rule).
    """
    out = window_output_size(x.shape[2:], kernel, stride, padding)
    frame = _framed(x, padding, fill=-np.inf)
    y = np.full((*x.shape[:2], *out), -np.inf, x.dtype)  # (N, C, OH, OW)
    # Where a window holds nothing above -inf, its first tap inside the image wins.
    first_row = np.maximum(0, padding[0] - stride[0] * np.arange(out[0]))  # (OH,)
    first_col = np.maximum(0, padding[1] - stride[1] * np.arange(out[1]))  # (OW,)
    argmax = np.empty(y.shape, np.int32)  # (N, C, OH, OW)
    argmax[:] = first_row[:, None] * kernel[1] + first_col
    for tap, rows, cols in _taps(kernel, stride, out):
        candidate = np.ascontiguousarray(frame[:, :, rows, cols])  # (N, C, OH, OW)
        wins = (candidate > y) | (candidate != candidate)  # NaN alone differs from itself
        np.maximum(y, candidate, out=y)
        # Taps are visited in order, so the largest number is that of the last to take the lead.
        np.maximum(argmax, wins * np.int32(tap), out=argmax)
    return y, argmax


def max_pool2d_dx(
    dy: NDArray,
    argmax: NDArray,
    x_shape: tuple[int, ...],
    kernel: Pair,
    stride: Pair,
    padding: Pair,
) -> NDArray:
    """Send each output's gradient to the entry that won, adding where windows overlap."""
    frame = np.zeros(_frame_shape(x_shape, padding), dy.dtype)
    for tap, rows, cols in _taps(kernel, stride, dy.shape[2:]):
        frame[:, :, rows, cols] += dy * (argmax == tap)  # (N, C, OH, OW)
    return _inside(frame, x_shape, padding)


def avg_pool2d(x: NDArray, kernel: Pair, stride: Pair, padding: Pair) -> NDArray:
    """Average each window, (N, C, OH, OW); cells of padding count as zeros."""
    out = window_output_size(x.shape[2:], kernel, stride, padding)
    frame = _framed(x, padding, fill=0.0)
    y = np.zeros((*x.shape[:2], *out), x.dtype)  # (N, C, OH, OW)
    for _, rows, cols in _taps(kernel, stride, out):
        y += frame[:, :, rows, cols]
    y /= kernel[0] * kernel[1]
    return y


def avg_pool2d_dx(
    dy: NDArray, x_shape: tuple[int, ...], kernel: Pair, stride: Pair, padding: Pair
) -> NDArray:
    """Give every entry of a window 1 / (KH * KW) of its gradient: (N, C, H, W)."""
    share = dy / (kernel[0] * kernel[1])  # (N, C, OH, OW)
    frame = np.zeros(_frame_shape(x_shape, padding), dy.dtype)
    for _, rows, cols in _taps(kernel, stride, dy.shape[2:]):
        frame[:, :, rows, cols] += share
    return _inside(frame, x_shape, padding)


def global_avg_pool2d(x: NDArray) -> NDArray:
    """Average each channel's whole plane, (N, C, H, W) to (N, C)."""
    return x.mean(axis=(2, 3))


def global_avg_pool2d_dx(dy: NDArray, x_shape: tuple[int, ...]) -> NDArray:
    """Give every pixel of a plane 1 / (H * W) of its gradient: (N, C, H, W)."""
    share = dy / (x_shape[2] * x_shape[3])  # (N, C)
    dx = np.empty(x_shape, dy.dtype)
    dx[:] = share[:, :, None, None]
    return dx


def _taps(kernel: Pair, stride: Pair, out: tuple[int, ...]) -> Iterator[tuple[int, slice, slice]]:
    """Yield the taps, numbered row by row, each with the rows and columns it sees."""
    for m in range(kernel[0]):
        rows = slice(m, m + stride[0] * (out[0] - 1) + 1, stride[0])
        for k in range(kernel[1]):
            cols = slice(k, k + stride[1] * (out[1] - 1) + 1, stride[1])
            yield m * kernel[1] + k, rows, cols


def _frame_shape(x_shape: tuple[int, ...], padding: Pair) -> tuple[int, ...]:
    """Return the shape of the image with its padding around it."""
    batch, channels, height, width = x_shape
    return batch, channels, height + 2 * padding[0], width + 2 * padding[1]


def _framed(x: NDArray, padding: Pair, fill: float) -> NDArray:
    """Return x inside a frame of padding; x itself where there is none."""
    if padding == (0, 0):
        return x
    frame = np.full(_frame_shape(x.shape, padding), fill, x.dtype)
    height, width = x.shape[2:]
    frame[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    return frame


def _inside(frame: NDArray, x_shape: tuple[int, ...], padding: Pair) -> NDArray:
    """Cut the frame of padding off."""
    height, width = x_shape[2:]
    inside = frame[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    return np.ascontiguousarray(inside)
