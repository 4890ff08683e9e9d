"""Convolution layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn import functional as F
from minicnn import initializers
from minicnn.arguments import check_count
from minicnn.functional.checks import check_float
from minicnn.layers.base import Layer
from minicnn.shapes import (
    check_groups,
    check_images,
    pair,
    transposed_output_size,
    window_output_size,
)

Size = int | Sequence[int]


class _Convolution(Layer):
    """What both directions share: a checked geometry, and the first weights."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size,
        dilation: Size,
        groups: int,
        bias: bool,
    ) -> None:
        super().__init__()
        self.in_channels = check_count("in_channels", in_channels)
        self.out_channels = check_count("out_channels", out_channels)
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.stride = pair(stride, "stride")
        self.padding = pair(padding, "padding", 0)
        self.dilation = pair(dilation, "dilation")
        self.groups = check_count("groups", groups)
        self.bias = bool(bias)
        check_groups(in_channels, out_channels, groups)

    def add_weights(
        self, channels: tuple[int, int], dtype: DTypeLike, rng: np.random.Generator | None
    ) -> None:
        """Draw the weight, (*channels, KH, KW), and start the bias, (O,), at 0."""
        rng = np.random.default_rng() if rng is None else rng
        shape = (*channels, *self.kernel_size)
        self.add_parameter("weight", initializers.he_normal(shape, rng, dtype=dtype))
        if self.bias:
            self.add_parameter("bias", np.zeros(self.out_channels, dtype))


class Conv2d(_Convolution):
    """Two-dimensional convolution, (N, C, H, W) to (N, O, OH, OW); see `functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels
        C and O.
    kernel_size, stride, padding, dilation
        Ints, or pairs (vertical, horizontal).
    groups
        Number of groups of channels that do not see each other; divides C and O.
    bias
        Whether to add one learned number per output channel.
    dtype
        float32 to train, float64 to check.
    rng
        Where the first weights are drawn from: He et al. 2015, a normal distribution
        of variance 2 / fan_in. The biases start at 0.

    Attributes
    ----------
    params
        ``weight`` (O, C / groups, KH, KW) and ``bias`` (O,).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.add_weights((out_channels, in_channels // groups), dtype, rng)

    def forward(self, x: NDArray) -> NDArray:
        """Return y (N, O, OH, OW)."""
        check_float(x=x)
        check_images(x.shape, self.in_channels)
        y = F.conv2d(
            x,
            self.params["weight"],
            self.params.get("bias"),
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        self._cache = x
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dx (N, C, H, W); overwrite the gradients of weight and bias."""
        dx, dw, db = F.conv2d_backward(
            dy,
            self.cached(),
            self.params["weight"],
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        self.set_grads(weight=dw, bias=db)
        return dx

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (N, O, OH, OW)."""
        check_images(input_shape, self.in_channels)
        plane = (input_shape[2], input_shape[3])
        out = window_output_size(plane, self.kernel_size, self.stride, self.padding, self.dilation)
        return (input_shape[0], self.out_channels, *out)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Every output entry costs one product per weight of its kernel."""
        outputs = int(np.prod(self.output_shape(input_shape)))
        return outputs * int(np.prod(self.params["weight"].shape[1:]))


class ConvTranspose2d(_Convolution):
    """Transposed convolution, (N, C, H, W) to (N, O, OH, OW); see `functional.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels
        C and O.
    kernel_size, stride, padding, output_padding
        Ints, or pairs (vertical, horizontal).
    groups
        Number of groups of channels that do not see each other; divides C and O.
    bias
        Whether to add one learned number per output channel.
    dilation
        Int, or pair.
    dtype
        float32 to train, float64 to check.
    rng
        Where the first weights are drawn from, as for `Conv2d`.

    Attributes
    ----------
    params
        ``weight`` (C, O / groups, KH, KW) and ``bias`` (O,).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.output_padding = pair(output_padding, "output_padding", 0)
        self.add_weights((in_channels, out_channels // groups), dtype, rng)

    def forward(self, x: NDArray) -> NDArray:
        """Return y (N, O, OH, OW)."""
        check_float(x=x)
        check_images(x.shape, self.in_channels)
        y = F.conv_transpose2d(
            x,
            self.params["weight"],
            self.params.get("bias"),
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
        self._cache = x
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dx (N, C, H, W); overwrite the gradients of weight and bias."""
        dx, dw, db = F.conv_transpose2d_backward(
            dy,
            self.cached(),
            self.params["weight"],
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
        self.set_grads(weight=dw, bias=db)
        return dx

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (N, O, OH, OW)."""
        check_images(input_shape, self.in_channels)
        out = transposed_output_size(
            (input_shape[2], input_shape[3]),
            self.kernel_size,
            self.stride,
            self.padding,
            self.output_padding,
            self.dilation,
        )
        return (input_shape[0], self.out_channels, *out)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Every input entry is stamped once with each weight of its kernels."""
        return int(np.prod(input_shape)) * int(np.prod(self.params["weight"].shape[1:]))
