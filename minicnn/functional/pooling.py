"""Pooling: each window of the image becomes one number."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.functional.checks import check_float, check_shape
from minicnn.functional.conv import Size
from minicnn.shapes import Pair, check_images, check_pool_padding, pair, window_output_size


def max_pool2d(
    x: NDArray, kernel_size: Size, stride: Size | None = None, padding: Size = 0
) -> tuple[NDArray, NDArray]:
    """Largest entry of each window: y[i, j] = max_{m, n} x[i s + m - p, j s + n - p].

    The padding never wins. On ties the first entry in reading order wins; NaN beats all.

    Parameters
    ----------
    x
        (N, C, H, W), float32 or float64.
    kernel_size, stride, padding
        Ints, or pairs (vertical, horizontal). The stride is the kernel size if None;
        the padding is at most half the kernel.

    Returns
    -------
    y, argmax
        Both (N, C, OH, OW). ``argmax`` is the winner's place in its window, m KW + n: all
        the backward pass needs to know about x.
    """
    check_float(x=x)
    kernel, step, pad, _ = _geometry(x.shape, kernel_size, stride, padding)
    y, argmax = kernels("pooling").max_pool2d(x, kernel, step, pad)
    return y, argmax


def max_pool2d_backward(
    dy: NDArray,
    argmax: NDArray,
    x_shape: tuple[int, ...],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
) -> NDArray:
    """Gradient of `max_pool2d`: dy[i, j] is added to the pixel that won window (i, j).

    A pixel that wins several overlapping windows collects all their gradients.

    Returns
    -------
    NDArray
        (N, C, H, W).
    """
    check_float(dy=dy)
    kernel, step, pad, out = _geometry(x_shape, kernel_size, stride, padding)
    check_shape("dy", dy, (*x_shape[:2], *out), "the shape of y")
    check_shape("argmax", argmax, dy.shape, "the shape of y")
    return kernels("pooling").max_pool2d_dx(dy, argmax, x_shape, kernel, step, pad)


def avg_pool2d(
    x: NDArray, kernel_size: Size, stride: Size | None = None, padding: Size = 0
) -> NDArray:
    """Mean of each window: y[i, j] = 1 / (KH KW) sum_{m, n} x[i s + m - p, j s + n - p].

    Padding cells count as zeros: the divisor is always KH KW, as PyTorch's default.

    Parameters
    ----------
    x
        (N, C, H, W), float32 or float64.
    kernel_size, stride, padding
        As for `max_pool2d`.

    Returns
    -------
    NDArray
        (N, C, OH, OW).
    """
    check_float(x=x)
    kernel, step, pad, _ = _geometry(x.shape, kernel_size, stride, padding)
    return kernels("pooling").avg_pool2d(x, kernel, step, pad)


def avg_pool2d_backward(
    dy: NDArray,
    x_shape: tuple[int, ...],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
) -> NDArray:
    """Gradient of `avg_pool2d`: every pixel of window (i, j) gets dy[i, j] / (KH KW).

    Returns
    -------
    NDArray
        (N, C, H, W).
    """
    check_float(dy=dy)
    kernel, step, pad, out = _geometry(x_shape, kernel_size, stride, padding)
    check_shape("dy", dy, (*x_shape[:2], *out), "the shape of y")
    return kernels("pooling").avg_pool2d_dx(dy, x_shape, kernel, step, pad)


def global_avg_pool2d(x: NDArray) -> NDArray:
    """Mean of each channel: y = 1 / (H W) sum_{i, j} x[i, j], from (N, C, H, W) to (N, C)."""
    check_float(x=x)
    check_images(x.shape)
    return kernels("pooling").global_avg_pool2d(x)


def global_avg_pool2d_backward(dy: NDArray, x_shape: tuple[int, ...]) -> NDArray:
    """Gradient of `global_avg_pool2d`: every pixel gets dy / (H W), (N, C, H, W)."""
    check_float(dy=dy)
    check_shape("dy", dy, tuple(x_shape[:2]), "the shape of y")
    return kernels("pooling").global_avg_pool2d_dx(dy, x_shape)


def _geometry(
    x_shape: tuple[int, ...], kernel_size: Size, stride: Size | None, padding: Size
) -> tuple[Pair, Pair, Pair, Pair]:
    """Check the geometry; return kernel, stride, padding and (OH, OW)."""
    check_images(x_shape)
    kernel = pair(kernel_size, "kernel_size")
    step = kernel if stride is None else pair(stride, "stride")
    pad = pair(padding, "padding", 0)
    check_pool_padding(kernel, pad)
    return kernel, step, pad, window_output_size((x_shape[2], x_shape[3]), kernel, step, pad)
