"""Activations on whole arrays, of any shape.

Exponentials are only taken of numbers that are not positive, so nothing
overflows: sigmoid(x) = 1 / (1 + e^-x) = e^x / (1 + e^x), whichever has the
negative exponent, and softmax does not change when the maximum is subtracted.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.vectorized._erf import erf


def relu(x: NDArray) -> NDArray:
    """Return max(x, 0); NaN stays NaN."""
    return np.maximum(x, 0)


def relu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """Return dy where x > 0, else 0 (also at the kink x = 0)."""
    return dy * (x > 0)


def leaky_relu(x: NDArray, slope: float) -> NDArray:
    """Return x where x > 0, else slope * x."""
    return np.where(x > 0, x, slope * x)


def leaky_relu_dx(dy: NDArray, x: NDArray, slope: float) -> NDArray:
    """Return dy where x > 0, else slope * dy (also at the kink x = 0)."""
    return np.where(x > 0, dy, slope * dy)


def sigmoid(x: NDArray) -> NDArray:
    """Return 1 / (1 + exp(-x))."""
    e = np.exp(-np.abs(x))  # in (0, 1]
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_dx(dy: NDArray, y: NDArray) -> NDArray:
    """Return dy * y * (1 - y)."""
    return dy * y * (1 - y)


def tanh(x: NDArray) -> NDArray:
    """Return tanh(x)."""
    return np.tanh(x)


def tanh_dx(dy: NDArray, y: NDArray) -> NDArray:
    """Return dy * (1 - y^2)."""
    return dy * (1 - y * y)


def softmax(x: NDArray, axis: int) -> NDArray:
    """Return exp(x) / sum exp(x) along the axis."""
    # The initial value only matters where there is nothing to take the maximum of.
    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_dx(dy: NDArray, y: NDArray, axis: int) -> NDArray:
    """Return y * (dy - sum y dy): raising one output lowers all others along the axis."""
    return y * (dy - (y * dy).sum(axis=axis, keepdims=True))


def gelu(x: NDArray) -> NDArray:
    """Return x Phi(x) with the normal distribution function Phi(x) = (1 + erf(x / sqrt 2)) / 2."""
    return (x * _normal_cdf(x)).astype(x.dtype)


def gelu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """Return dy (Phi(x) + x phi(x)) with the normal density phi(x) = exp(-x^2 / 2) / sqrt(2 pi)."""
    wide = x.astype(np.float64)
    density = np.exp(-0.5 * wide * wide) / math.sqrt(2 * math.pi)
    return (dy * (_normal_cdf(wide) + wide * density)).astype(dy.dtype)


def _normal_cdf(x: NDArray) -> NDArray[np.float64]:
    return 0.5 * (1 + erf(x.astype(np.float64) * math.sqrt(0.5)))
