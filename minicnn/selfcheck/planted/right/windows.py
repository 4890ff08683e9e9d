"""Windows that slide over images: what convolution and pooling share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Windows:
    """Windows of a kernel that moves in steps over a padded image.

    One *tap* (i, j) is one place in the kernel. `window` gives the entries that a tap meets,
    one for each output: a view, so that gradients can be added through it.
    """

    def __init__(
        self, kernel_size: tuple[int, int], stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """Return a copy of x with a frame."""
        p = self.padding
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=value)
        span = [self.dilation * (k - 1) + 1 for k in self.kernel_size]
        self.output_size = [
            (size - k) // self.stride + 1 for size, k in zip(padded.shape[2:], span, strict=True)
        ]
        return padded

    def window(self, padded: Array, i: int, j: int) -> Array:
        """Return the view of shape (N, C, H', W') that tap (i, j) meets."""
        rows, columns = self.output_size
        s, top, left = self.stride, i * self.dilation, j * self.dilation
        return padded[
            :, :, top : top + s * (rows - 1) + 1 : s, left : left + s * (columns - 1) + 1 : s
        ]

    def taps(self) -> list[tuple[int, int]]:
        """Return all places (i, j) in the kernel, row by row."""
        return [(i, j) for i in range(self.kernel_size[0]) for j in range(self.kernel_size[1])]

    def crop(self, padded: Array) -> Array:
        """Take the frame off again."""
        p = self.padding
        return padded[:, :, p : padded.shape[2] - p, p : padded.shape[3] - p]
