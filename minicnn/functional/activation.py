"""Activations: one function applied to every entry, and softmax along an axis."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ShapeError
from minicnn.functional.checks import check_float, check_shape


def relu(x: NDArray) -> NDArray:
    """Y = max(x, 0)."""
    check_float(x=x)
    return kernels("activation").relu(x)


def relu_backward(dy: NDArray, x: NDArray) -> NDArray:
    """dx = dy where x > 0, else 0; at the kink x = 0 the gradient is taken as 0."""
    _check_pair(dy, x)
    return kernels("activation").relu_dx(dy, x)


def leaky_relu(x: NDArray, negative_slope: float = 0.01) -> NDArray:
    """Y = x where x > 0, else slope x."""
    check_float(x=x)
    return kernels("activation").leaky_relu(x, negative_slope)


def leaky_relu_backward(dy: NDArray, x: NDArray, negative_slope: float = 0.01) -> NDArray:
    """dx = dy where x > 0, else slope dy."""
    _check_pair(dy, x)
    return kernels("activation").leaky_relu_dx(dy, x, negative_slope)


def sigmoid(x: NDArray) -> NDArray:
    """Y = 1 / (1 + exp(-x)), without overflow for any x."""
    check_float(x=x)
    return kernels("activation").sigmoid(x)


def sigmoid_backward(dy: NDArray, y: NDArray) -> NDArray:
    """dx = dy y (1 - y), from the *output* y."""
    _check_pair(dy, y)
    return kernels("activation").sigmoid_dx(dy, y)


def tanh(x: NDArray) -> NDArray:
    """Y = tanh(x)."""
    check_float(x=x)
    return kernels("activation").tanh(x)


def tanh_backward(dy: NDArray, y: NDArray) -> NDArray:
    """dx = dy (1 - y^2), from the *output* y."""
    _check_pair(dy, y)
    return kernels("activation").tanh_dx(dy, y)


def gelu(x: NDArray) -> NDArray:
    """Y = x Phi(x) with the normal distribution function Phi(x) = (1 + erf(x / sqrt 2)) / 2.

    The exact form of Hendrycks and Gimpel 2016 (arXiv:1606.08415), not the tanh fit.
    """
    check_float(x=x)
    return kernels("activation").gelu(x)


def gelu_backward(dy: NDArray, x: NDArray) -> NDArray:
    """dx = dy (Phi(x) + x phi(x)) with the normal density phi."""
    _check_pair(dy, x)
    return kernels("activation").gelu_dx(dy, x)


def softmax(x: NDArray, dim: int = 1) -> NDArray:
    """y_i = exp(x_i) / sum_j exp(x_j) along axis ``dim``, shifted by the maximum first."""
    check_float(x=x)
    return kernels("activation").softmax(x, _axis(x, dim))


def softmax_backward(dy: NDArray, y: NDArray, dim: int = 1) -> NDArray:
    """dx_i = y_i (dy_i - sum_j dy_j y_j): every input moves every output."""
    _check_pair(dy, y)
    return kernels("activation").softmax_dx(dy, y, _axis(y, dim))


def _check_pair(dy: NDArray, array: NDArray) -> None:
    check_float(x=array, dy=dy)
    check_shape("dy", dy, array.shape, "the shape of y")


def _axis(x: NDArray, dim: int) -> int:
    if not -x.ndim <= dim < x.ndim:
        raise ShapeError(f"dim is {dim}, but x has shape {x.shape}: {x.ndim} axes")
    return dim % x.ndim
