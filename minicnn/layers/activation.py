"""Activation layers: without parameters, the same function at every entry."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn import functional as F
from minicnn.arguments import check_axis, check_number
from minicnn.errors import ShapeError
from minicnn.layers.base import Layer


class ReLU(Layer):
    """y = max(x, 0); at 0 the gradient is taken as 0."""

    def forward(self, x: NDArray) -> NDArray:
        """Return max(x, 0)."""
        y = F.relu(x)
        self._cache = x
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Let dy through where x was positive."""
        return F.relu_backward(dy, self.cached())


class LeakyReLU(Layer):
    """y = x where x > 0, else slope x (Maas et al. 2013).

    Parameters
    ----------
    negative_slope
        The slope to the left of 0.
    dtype, rng
        Not needed: there are no parameters, and nothing is drawn.
    """

    def __init__(
        self,
        negative_slope: float = 0.01,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.negative_slope = check_number("negative_slope", negative_slope)

    def forward(self, x: NDArray) -> NDArray:
        """Return x, scaled down where it is negative."""
        y = F.leaky_relu(x, self.negative_slope)
        self._cache = x
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Scale dy down where x was negative."""
        return F.leaky_relu_backward(dy, self.cached(), self.negative_slope)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x))."""

    def forward(self, x: NDArray) -> NDArray:
        """Return values between 0 and 1."""
        y = F.sigmoid(x)
        self._cache = y
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dy y (1 - y)."""
        return F.sigmoid_backward(dy, self.cached())


class Tanh(Layer):
    """y = tanh(x)."""

    def forward(self, x: NDArray) -> NDArray:
        """Return values between -1 and 1."""
        y = F.tanh(x)
        self._cache = y
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dy (1 - y^2)."""
        return F.tanh_backward(dy, self.cached())


class GELU(Layer):
    """y = x Phi(x), with the exact normal distribution function."""

    def forward(self, x: NDArray) -> NDArray:
        """Return x Phi(x)."""
        y = F.gelu(x)
        self._cache = x
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dy (Phi(x) + x phi(x))."""
        return F.gelu_backward(dy, self.cached())


class Softmax(Layer):
    """y_i = exp(x_i) / sum_j exp(x_j) along one axis.

    For training, give the scores before the softmax to `CrossEntropyLoss` instead:
    the two together are simpler and never overflow.

    Parameters
    ----------
    dim
        The axis that sums to 1.
    dtype, rng
        Not needed: there are no parameters, and nothing is drawn.
    """

    def __init__(
        self,
        dim: int = 1,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dim = check_axis("dim", dim)

    def forward(self, x: NDArray) -> NDArray:
        """Return probabilities."""
        y = F.softmax(x, self.dim)
        self._cache = y
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return y (dy - sum dy y)."""
        return F.softmax_backward(dy, self.cached(), self.dim)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input shape, once it is known to have the axis."""
        if not -len(input_shape) <= self.dim < len(input_shape):
            raise ShapeError(f"x has shape {input_shape}; it has no axis {self.dim}")
        return input_shape
