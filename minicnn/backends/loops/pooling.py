"""Pooling: one number for each window of the image, its largest or its mean.

Output (i, j) sees, through tap (m, k) of the window, the pixel

    row = i stride - padding + m,    col = j stride - padding + k
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.shapes import Pair, window_output_size


def max_pool2d(
    x: NDArray, kernel: Pair, stride: Pair, padding: Pair
) -> tuple[NDArray, NDArray[np.int32]]:
    """y[n, c, i, j] = max_{m, k} x[n, c, row, col], and the tap m KW + k that won.

    Both (N, C, OH, OW). Cells of padding never win. The first of equal maxima wins. NaN
    wins over any number, so that it is not lost (the last NaN, if there are several: the
    rule of PyTorch).
    """
    batch, channels, height, width = x.shape
    out_h, out_w = window_output_size((height, width), kernel, stride, padding)
    y = np.empty((batch, channels, out_h, out_w), x.dtype)  # (N, C, OH, OW)
    argmax = np.empty((batch, channels, out_h, out_w), np.int32)  # (N, C, OH, OW)
    for n in range(batch):
        for c in range(channels):
            for i in range(out_h):
                for j in range(out_w):
                    best, winner = -math.inf, -1
                    for m in range(kernel[0]):
                        row = i * stride[0] - padding[0] + m
                        if not 0 <= row < height:
                            continue
                        for k in range(kernel[1]):
                            col = j * stride[1] - padding[1] + k
                            if not 0 <= col < width:
                                continue
                            value = float(x[n, c, row, col])
                            # winner < 0: the first comer wins even with -inf
                            if winner < 0 or value > best or math.isnan(value):
                                best, winner = value, m * kernel[1] + k
                    y[n, c, i, j] = best
                    argmax[n, c, i, j] = winner
    return y, argmax


def max_pool2d_dx(
    dy: NDArray,
    argmax: NDArray,
    x_shape: tuple[int, ...],
    kernel: Pair,
    stride: Pair,
    padding: Pair,
) -> NDArray:
    """dx[n, c, row, col] += dy[n, c, i, j] at the one tap that won; the others moved nothing.

    Returns (N, C, H, W). Where windows overlap, a pixel collects from all it won.
    """
    batch, channels, out_h, out_w = dy.shape
    dx = np.zeros(x_shape)  # (N, C, H, W), in float64 while it adds up
    for n in range(batch):
        for c in range(channels):
            for i in range(out_h):
                for j in range(out_w):
                    m, k = divmod(int(argmax[n, c, i, j]), kernel[1])
                    row = i * stride[0] - padding[0] + m
                    col = j * stride[1] - padding[1] + k
                    dx[n, c, row, col] += float(dy[n, c, i, j])
    return dx.astype(dy.dtype)


def avg_pool2d(x: NDArray, kernel: Pair, stride: Pair, padding: Pair) -> NDArray:
    """y[n, c, i, j] = 1 / (KH KW) sum_{m, k} x[n, c, row, col], (N, C, OH, OW).

    Cells of padding count as zeros: the divisor is KH KW everywhere, as in PyTorch.
    """
    batch, channels, height, width = x.shape
    out_h, out_w = window_output_size((height, width), kernel, stride, padding)
    y = np.empty((batch, channels, out_h, out_w), x.dtype)  # (N, C, OH, OW)
    for n in range(batch):
        for c in range(channels):
            for i in range(out_h):
                for j in range(out_w):
                    total = 0.0
                    for m in range(kernel[0]):
                        row = i * stride[0] - padding[0] + m
                        if not 0 <= row < height:
                            continue
                        for k in range(kernel[1]):
                            col = j * stride[1] - padding[1] + k
                            if not 0 <= col < width:
                                continue
                            total += float(x[n, c, row, col])
                    y[n, c, i, j] = total / (kernel[0] * kernel[1])
    return y


def avg_pool2d_dx(
    dy: NDArray, x_shape: tuple[int, ...], kernel: Pair, stride: Pair, padding: Pair
) -> NDArray:
    """dx[n, c, row, col] += dy[n, c, i, j] / (KH KW), for every pixel of every window.

    Returns (N, C, H, W).
    """
    _, _, height, width = x_shape
    batch, channels, out_h, out_w = dy.shape
    dx = np.zeros(x_shape)  # (N, C, H, W), in float64 while it adds up
    for n in range(batch):
        for c in range(channels):
            for i in range(out_h):
                for j in range(out_w):
                    for m in range(kernel[0]):
                        row = i * stride[0] - padding[0] + m
                        if not 0 <= row < height:
                            continue
                        for k in range(kernel[1]):
                            col = j * stride[1] - padding[1] + k
                            if not 0 <= col < width:
                                continue
                            share = float(dy[n, c, i, j]) / (kernel[0] * kernel[1])
                            dx[n, c, row, col] += share
    return dx.astype(dy.dtype)


def global_avg_pool2d(x: NDArray) -> NDArray:
    """y[n, c] = 1 / (H W) sum_{i, j} x[n, c, i, j], from (N, C, H, W) to (N, C)."""
    batch, channels, height, width = x.shape
    y = np.empty((batch, channels), x.dtype)  # (N, C)
    for n in range(batch):
        for c in range(channels):
            total = 0.0
            for i in range(height):
                for j in range(width):
                    total += float(x[n, c, i, j])
            y[n, c] = total / (height * width)
    return y


def global_avg_pool2d_dx(dy: NDArray, x_shape: tuple[int, ...]) -> NDArray:
    """dx[n, c, i, j] = dy[n, c] / (H W), (N, C, H, W)."""
    batch, channels, height, width = x_shape
    dx = np.empty(x_shape, dy.dtype)  # (N, C, H, W)
    for n in range(batch):
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    dx[n, c, i, j] = float(dy[n, c]) / (height * width)
    return dx
