"""Pooling: one number for each window of the image, its largest or its mean.

    max    y[n, c, i, j] = max_{m, k} x[n, c, i s - p + m, j s - p + k]
    mean   y[n, c, i, j] = 1 / (KH KW) sum_{m, k} x[n, c, i s - p + m, j s - p + k]

The idea: walk through a window's taps in the outer loop and along a row of outputs in the
inner one, so that the same comparison or sum is made for many neighbours at once with
vector instructions. A tap skips the outputs for which it lies in the padding, so the inner
loop asks no questions. A piece of work is one plane (n, c).

Backward, the winner's tap is looked up in a table of distances instead of divided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run
from minicnn.shapes import Pair, window_output_size

NANOSECONDS = 0.5  # per number and tap, on one thread


def _spans(width: int, out_w: int, kernel: int, stride: int, padding: int) -> NDArray[np.intp]:
    """For each tap of a row, the range of outputs for which it lies inside the image, (KW, 2)."""
    shift = np.arange(kernel) - padding  # (KW,)
    first = np.maximum(0, -(shift // stride))
    last = np.maximum(first, np.minimum(out_w, (width - 1 - shift) // stride + 1))
    return np.stack([first, last], axis=1)


@kernel
def _compete(best, winner, pixels, step, tap):  # type: ignore[no-untyped-def]
    """Let a tap compete in many windows at once; its pixels lie ``step`` apart."""
    for j in range(best.size):
        value = pixels[j * step]
        b, w = best[j], winner[j]
        # The first comer wins whatever its value, then the larger; NaN always does.
        take = (w < 0) | (value > b) | (value != value)
        best[j] = value if take else b
        winner[j] = tap if take else w


@kernel
def _max_planes(  # type: ignore[no-untyped-def]
    first, last, y, argmax, x, size, out_size, spans, window, stride, padding
):
    height, width = size
    out_h, out_w = out_size
    for i in range(first * out_h, last * out_h):  # a row of outputs
        for j in range(i * out_w, (i + 1) * out_w):
            y[j] = np.nan
            argmax[j] = -1
        for m in range(window[0]):
            r = i % out_h * stride[0] - padding[0] + m
            if r < 0 or r >= height:
                continue
            row = x[(i // out_h * height + r) * width :]
            for k in range(window[1]):
                j0, j1 = spans[k]
                pixels = row[j0 * stride[1] - padding[1] + k :]
                best = y[i * out_w + j0 : i * out_w + j1]
                winner = argmax[i * out_w + j0 : i * out_w + j1]
                tap = np.int32(m * window[1] + k)
                if stride[1] == 1:  # known to the compiler, it makes for vector loads
                    _compete(best, winner, pixels, 1, tap)
                else:
                    _compete(best, winner, pixels, stride[1], tap)


@kernel
def _max_of_fours(first, last, y, argmax, x, size, out_size):  # type: ignore[no-untyped-def]
    """Do the same for windows of 2x2 side by side, the usual case, in registers."""
    height, width = size
    out_h, out_w = out_size
    for i in range(first * out_h, last * out_h):  # a row of outputs
        top = i // out_h * height + i % out_h * 2
        best = y[i * out_w : (i + 1) * out_w]
        winner = argmax[i * out_w : (i + 1) * out_w]
        upper = x[top * width : (top + 1) * width]
        lower = x[(top + 1) * width : (top + 2) * width]
        for j in range(out_w):
            b, w = upper[2 * j], np.int32(0)
            value = upper[2 * j + 1]
            take = (value > b) | (value != value)
            b, w = (value, np.int32(1)) if take else (b, w)
            value = lower[2 * j]
            take = (value > b) | (value != value)
            b, w = (value, np.int32(2)) if take else (b, w)
            value = lower[2 * j + 1]
            take = (value > b) | (value != value)
            best[j], winner[j] = (value, np.int32(3)) if take else (b, w)


def _in_fours(kernel: Pair, stride: Pair, padding: Pair) -> bool:
    return kernel == stride == (2, 2) and padding == (0, 0)


def max_pool2d(
    x: NDArray, kernel: Pair, stride: Pair, padding: Pair
) -> tuple[NDArray, NDArray[np.int32]]:
    """Return each window's maximum and the tap m KW + k where it stands, both (N, C, OH, OW).

    Padding never wins, the first of equal maxima does, and the last of several NaN.
    """
    x = ready(x)
    batch, channels, *size = x.shape
    out_size = window_output_size((size[0], size[1]), kernel, stride, padding)
    y = np.empty((batch, channels, *out_size), x.dtype)  # (N, C, OH, OW)
    argmax = np.empty(y.shape, np.int32)  # (N, C, OH, OW)
    if _in_fours(kernel, stride, padding):
        run(
            _max_of_fours, batch * channels, y.size * NANOSECONDS,
            y.reshape(-1), argmax.reshape(-1), x.reshape(-1), tuple(size), out_size,
        )  # fmt: skip
        return y, argmax
    run(
        _max_planes, batch * channels, y.size * kernel[0] * kernel[1] * NANOSECONDS,
        y.reshape(-1), argmax.reshape(-1), x.reshape(-1), tuple(size), out_size,
        _spans(size[1], out_size[1], kernel[1], stride[1], padding[1]), kernel, stride, padding,
    )  # fmt: skip
    return y, argmax


@kernel
def _send_to_winners(  # type: ignore[no-untyped-def]
    first, last, dx, dy, argmax, distance, size, out_size, stride, padding
):
    height, width = size
    out_h, out_w = out_size
    for plane in range(first, last):
        for t in range(plane * height * width, (plane + 1) * height * width):
            dx[t] = 0
        for i in range(out_h):
            row = (plane * out_h + i) * out_w
            corner = (plane * height + i * stride[0] - padding[0]) * width - padding[1]
            for j in range(out_w):
                dx[corner + j * stride[1] + distance[argmax[row + j]]] += dy[row + j]


@kernel
def _send_to_one_of_four(first, last, dx, dy, argmax, size, out_size):  # type: ignore[no-untyped-def]
    """Do the same for windows of 2x2 side by side: write each pixel once."""
    height, width = size
    out_h, out_w = out_size
    for t in range(first * height, last * height):  # a row of pixels
        plane, r = t // height, t % height
        row = dx[t * width : (t + 1) * width]
        if r >= 2 * out_h:  # below the last window
            for j in range(width):
                row[j] = 0
            continue
        i = plane * out_h + r // 2
        pulls, winners = dy[i * out_w : (i + 1) * out_w], argmax[i * out_w : (i + 1) * out_w]
        left = np.int32(r % 2 * 2)  # the tap of the window's left pixel in this row
        for j in range(out_w):
            pull, winner = pulls[j], winners[j]
            row[2 * j] = pull if winner == left else 0
            row[2 * j + 1] = pull if winner == left + np.int32(1) else 0
        if width > 2 * out_w:
            row[width - 1] = 0


def max_pool2d_dx(
    dy: NDArray,
    argmax: NDArray,
    x_shape: tuple[int, ...],
    kernel: Pair,
    stride: Pair,
    padding: Pair,
) -> NDArray:
    """Return dx (N, C, H, W): each output's gradient goes to the pixel that won its window."""
    dy, argmax = ready(dy), ready(argmax)
    batch, channels, height, width = x_shape
    dx = np.empty(x_shape, dy.dtype)  # (N, C, H, W)
    if _in_fours(kernel, stride, padding):
        run(
            _send_to_one_of_four, batch * channels, dx.size * NANOSECONDS,
            dx.reshape(-1), dy.reshape(-1), argmax.reshape(-1), (height, width), dy.shape[2:],
        )  # fmt: skip
        return dx
    # from the corner of a window to each of its taps, in a flat plane
    distance = (np.arange(kernel[0])[:, None] * width + np.arange(kernel[1])).ravel()  # (KH KW,)
    run(
        _send_to_winners, batch * channels, dx.size * NANOSECONDS,
        dx.reshape(-1), dy.reshape(-1), argmax.reshape(-1), distance, (height, width),
        dy.shape[2:], stride, padding,
    )  # fmt: skip
    return dx


@kernel
def _mean_planes(  # type: ignore[no-untyped-def]
    first, last, image, pooled, size, out_size, spans, window, stride, padding, backward
):
    """Add pixels to the means of their windows, or the means to the pixels (backward)."""
    height, width = size
    out_h, out_w = out_size
    target = image if backward else pooled
    area = height * width if backward else out_h * out_w
    for t in range(first * area, last * area):
        target[t] = 0
    for i in range(first * out_h, last * out_h):  # a row of means
        for m in range(window[0]):
            r = i % out_h * stride[0] - padding[0] + m
            if r < 0 or r >= height:
                continue
            row = image[(i // out_h * height + r) * width :]
            for k in range(window[1]):
                j0, j1 = spans[k]
                pixels = row[j0 * stride[1] - padding[1] + k :]
                means = pooled[i * out_w + j0 : i * out_w + j1]
                if backward:
                    for j in range(j1 - j0):
                        pixels[j * stride[1]] += means[j]
                else:
                    for j in range(j1 - j0):
                        means[j] += pixels[j * stride[1]]
    for t in range(first * area, last * area):
        target[t] /= window[0] * window[1]


def avg_pool2d(x: NDArray, kernel: Pair, stride: Pair, padding: Pair) -> NDArray:
    """Return each window's mean, (N, C, OH, OW); the zeros of the padding count."""
    x = ready(x)
    batch, channels, *size = x.shape
    out_size = window_output_size((size[0], size[1]), kernel, stride, padding)
    y = np.empty((batch, channels, *out_size), x.dtype)  # (N, C, OH, OW)
    run(
        _mean_planes, batch * channels, y.size * kernel[0] * kernel[1] * NANOSECONDS,
        x.reshape(-1), y.reshape(-1), tuple(size), out_size,
        _spans(size[1], out_size[1], kernel[1], stride[1], padding[1]), kernel, stride, padding,
        False,
    )  # fmt: skip
    return y


def avg_pool2d_dx(
    dy: NDArray, x_shape: tuple[int, ...], kernel: Pair, stride: Pair, padding: Pair
) -> NDArray:
    """Return dx (N, C, H, W): each output's gradient in equal shares to its window's pixels."""
    dy = ready(dy)
    batch, channels, height, width = x_shape
    dx = np.empty(x_shape, dy.dtype)  # (N, C, H, W)
    run(
        _mean_planes, batch * channels, dy.size * kernel[0] * kernel[1] * NANOSECONDS,
        dx.reshape(-1), dy.reshape(-1), (height, width), dy.shape[2:],
        _spans(width, dy.shape[3], kernel[1], stride[1], padding[1]), kernel, stride, padding,
        True,
    )  # fmt: skip
    return dx


@kernel
def _plane_means(first, last, y, x):  # type: ignore[no-untyped-def]
    for plane in range(first, last):
        total = 0.0  # in double precision
        for t in range(x.shape[1]):
            total += x[plane, t]
        y[plane] = total / x.shape[1]


def global_avg_pool2d(x: NDArray) -> NDArray:
    """Return the mean of each plane, (N, C, H, W) -> (N, C)."""
    x = ready(x)
    batch, channels, height, width = x.shape
    y = np.empty((batch, channels), x.dtype)  # (N, C)
    planes = x.reshape(batch * channels, height * width)
    run(_plane_means, batch * channels, x.size * NANOSECONDS, y.reshape(-1), planes)
    return y


def global_avg_pool2d_dx(dy: NDArray, x_shape: tuple[int, ...]) -> NDArray:
    """Return dx (N, C, H, W): every pixel of a plane gets the same share, dy / (H W)."""
    share = dy[:, :, None, None] / dy.dtype.type(x_shape[2] * x_shape[3])  # (N, C, 1, 1)
    return np.broadcast_to(share, x_shape).copy()  # (N, C, H, W)
