"""Activations on whole arrays, of any shape.

Exponentials are only taken of numbers that are not positive, so nothing
overflows: sigmoid(x) = 1 / (1 + e^-x) = e^x / (1 + e^x), whichever has the
negative exponent, and softmax does not change when the maximum is subtracted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def relu(x: NDArray) -> NDArray:
    """Return max(x, 0); NaN stays NaN."""
    return np.maximum(x, 0)


def relu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """Return dy where x > 0, else 0 (also at the kink x = 0)."""
    return np.where(x > 0, dy, np.zeros((), dy.dtype))


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
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_dx(dy: NDArray, y: NDArray, axis: int) -> NDArray:
    """Return y * (dy - sum y dy): raising one output lowers all others along the axis."""
    return y * (dy - (y * dy).sum(axis=axis, keepdims=True))
