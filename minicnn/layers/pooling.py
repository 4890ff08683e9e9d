"""Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn import functional as F
from minicnn.layers.base import Layer
from minicnn.shapes import check_images, check_pool_padding, pair, window_output_size

Size = int | Sequence[int]


class _WindowPool(Layer):
    """What max and average pooling share: the geometry of their windows."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else pair(stride, "stride")
        self.padding = pair(padding, "padding", 0)
        check_pool_padding(self.kernel_size, self.padding)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (N, C, OH, OW)."""
        check_images(input_shape)
        plane = (input_shape[2], input_shape[3])
        out = window_output_size(plane, self.kernel_size, self.stride, self.padding)
        return (*input_shape[:2], *out)


class MaxPool2d(_WindowPool):
    """Largest entry of each window, (N, C, H, W) to (N, C, OH, OW).

    Parameters
    ----------
    kernel_size, stride, padding
        Ints, or pairs (vertical, horizontal). The stride is the kernel size if None.
    dtype, rng
        Not needed: there are no parameters, and nothing is drawn.
    """

    def forward(self, x: NDArray) -> NDArray:
        """Return the largest entries; remember where they were."""
        y, argmax = F.max_pool2d(x, self.kernel_size, self.stride, self.padding)
        self._cache = argmax, x.shape
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Send each gradient to the pixel that won its window."""
        argmax, shape = self.cached()
        return F.max_pool2d_backward(dy, argmax, shape, self.kernel_size, self.stride, self.padding)


class AvgPool2d(_WindowPool):
    """Mean of each window, padding counted as zeros, (N, C, H, W) to (N, C, OH, OW).

    Parameters
    ----------
    kernel_size, stride, padding
        Ints, or pairs (vertical, horizontal). The stride is the kernel size if None.
    dtype, rng
        Not needed: there are no parameters, and nothing is drawn.
    """

    def forward(self, x: NDArray) -> NDArray:
        """Return the means."""
        y = F.avg_pool2d(x, self.kernel_size, self.stride, self.padding)
        self._cache = x.shape
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Share each gradient equally among the pixels of its window."""
        return F.avg_pool2d_backward(dy, self.cached(), self.kernel_size, self.stride, self.padding)


class GlobalAvgPool2d(Layer):
    """Mean of each channel, (N, C, H, W) to (N, C) (Lin et al. 2013, arXiv:1312.4400)."""

    def forward(self, x: NDArray) -> NDArray:
        """Return the means."""
        y = F.global_avg_pool2d(x)
        self._cache = x.shape
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Share each gradient equally among the pixels of its channel."""
        return F.global_avg_pool2d_backward(dy, self.cached())

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (N, C)."""
        check_images(input_shape)
        return input_shape[:2]
