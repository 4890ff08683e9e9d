"""Transposed convolution out of the three products of a convolution.

A convolution with the same weight takes (N, O, OH, OW) to (N, C, H, W). Its dx goes the
other way, which is what a transposed convolution computes; its forward pass is then the
dx here, and its dw, with x and dy changing places, the dw. So a backend that has a
convolution has this too: ``conv`` is its module of that name.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from minicnn.shapes import Pair, transposed_output_size


def forward(
    conv: ModuleType,
    x: NDArray,
    w: NDArray,
    b: NDArray | None,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """Scatter x through w (C, O/groups, KH, KW): (N, C, H, W) to (N, O, OH, OW)."""
    batch, _, height, width = x.shape
    kernel = (w.shape[2], w.shape[3])
    out = transposed_output_size((height, width), kernel, stride, padding, output_padding, dilation)
    y_shape = (batch, w.shape[1] * groups, *out)
    y: NDArray = conv.conv2d_dx(x, w, y_shape, stride, padding, dilation, groups)  # (N, O, OH, OW)
    if b is not None:
        y += b[:, None, None]
    return y


def dx(
    conv: ModuleType,
    dy: NDArray,
    w: NDArray,
    x_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    groups: int,
    dilation: Pair,
) -> NDArray:
    """Convolve dy with w: the transpose of the transpose, (N, C, H, W)."""
    wide = conv.conv2d(dy, w, None, stride, padding, dilation, groups)
    # Output padding as large as the stride leaves room for windows x had no pixel for.
    return np.ascontiguousarray(wide[:, :, : x_shape[2], : x_shape[3]])
