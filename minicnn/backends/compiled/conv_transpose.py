"""Transposed convolution: this backend's convolution, backwards; see `minicnn.backends.adjoint`."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import adjoint
from minicnn.backends.compiled import conv
from minicnn.shapes import Pair


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
    return adjoint.forward(conv, x, w, b, stride, padding, output_padding, groups, dilation)


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
    return adjoint.dx(conv, dy, w, x_shape, stride, padding, groups, dilation)


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
    """Add dy up over samples and positions: (O,)."""
    return conv.conv2d_db(dy)
