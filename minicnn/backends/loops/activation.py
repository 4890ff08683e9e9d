"""Activations: one function of one number, applied to every entry, and softmax.

The arrays may have any shape: `numpy.ndindex` runs over all indices, (0, 0), (0, 1), ...
as the nested loops would.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def relu(x: NDArray) -> NDArray:
    """y[i] = x[i] where x[i] > 0, else 0; NaN stays NaN."""
    y = np.empty_like(x)
    for i in np.ndindex(x.shape):
        y[i] = 0.0 if x[i] <= 0 else x[i]
    return y


def relu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """dx[i] = dy[i] where x[i] > 0, else 0 (also at the kink x = 0)."""
    dx = np.zeros_like(dy)
    for i in np.ndindex(x.shape):
        if x[i] > 0:
            dx[i] = dy[i]
    return dx


def leaky_relu(x: NDArray, slope: float) -> NDArray:
    """y[i] = x[i] where x[i] > 0, else slope x[i]."""
    y = np.empty_like(x)
    for i in np.ndindex(x.shape):
        y[i] = x[i] if x[i] > 0 else slope * float(x[i])
    return y


def leaky_relu_dx(dy: NDArray, x: NDArray, slope: float) -> NDArray:
    """dx[i] = dy[i] where x[i] > 0, else slope dy[i] (also at the kink x = 0)."""
    dx = np.empty_like(dy)
    for i in np.ndindex(x.shape):
        dx[i] = dy[i] if x[i] > 0 else slope * float(dy[i])
    return dx


def sigmoid(x: NDArray) -> NDArray:
    """y[i] = 1 / (1 + exp(-x[i])).

    For negative x the same fraction is written exp(x) / (exp(x) + 1), so that exp never
    sees a large positive number, which would overflow.
    """
    y = np.empty_like(x)
    for i in np.ndindex(x.shape):
        value = float(x[i])
        if value >= 0:
            y[i] = 1 / (1 + math.exp(-value))
        else:
            y[i] = math.exp(value) / (math.exp(value) + 1)
    return y


def sigmoid_dx(dy: NDArray, y: NDArray) -> NDArray:
    """dx[i] = dy[i] y[i] (1 - y[i])."""
    dx = np.empty_like(dy)
    for i in np.ndindex(y.shape):
        dx[i] = float(dy[i]) * float(y[i]) * (1 - float(y[i]))
    return dx


def tanh(x: NDArray) -> NDArray:
    """y[i] = tanh(x[i])."""
    y = np.empty_like(x)
    for i in np.ndindex(x.shape):
        y[i] = math.tanh(x[i])
    return y


def tanh_dx(dy: NDArray, y: NDArray) -> NDArray:
    """dx[i] = dy[i] (1 - y[i]^2)."""
    dx = np.empty_like(dy)
    for i in np.ndindex(y.shape):
        dx[i] = float(dy[i]) * (1 - float(y[i]) ** 2)
    return dx


def gelu(x: NDArray) -> NDArray:
    """y[i] = x[i] Phi(x[i]), with the normal distribution function Phi."""
    y = np.empty_like(x)
    for i in np.ndindex(x.shape):
        y[i] = float(x[i]) * _normal_cdf(float(x[i]))
    return y


def gelu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """dx[i] = dy[i] (Phi(x[i]) + x[i] phi(x[i])), with the normal density phi = Phi'."""
    dx = np.empty_like(dy)
    for i in np.ndindex(x.shape):
        value = float(x[i])
        density = math.exp(-value * value / 2) / math.sqrt(2 * math.pi)
        dx[i] = float(dy[i]) * (_normal_cdf(value) + value * density)
    return dx


def softmax(x: NDArray, axis: int) -> NDArray:
    """y[i] = exp(x[i]) / sum_j exp(x[j]) along the axis.

    A constant taken off all x[i] cancels in the fraction. Taking off the maximum leaves
    exp no positive number to overflow with.
    """
    y = np.empty_like(x)
    rows, targets = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)  # views, axis last
    for n in np.ndindex(rows.shape[:-1]):
        row = [float(value) for value in rows[n]]
        largest = max(row, default=0.0)
        total = 0.0
        for value in row:
            total += math.exp(value - largest)
        for i, value in enumerate(row):
            targets[n][i] = math.exp(value - largest) / total
    return y


def softmax_dx(dy: NDArray, y: NDArray, axis: int) -> NDArray:
    """dx[i] = y[i] (dy[i] - sum_j dy[j] y[j]) along the axis.

    Raising x[i] moves output j by y[j] ([i = j] - y[i]) per unit: up for j = i, down for
    all others. The sum over j of dy[j] times that is the line above.
    """
    dx = np.empty_like(dy)
    outputs, errors = np.moveaxis(y, axis, -1), np.moveaxis(dy, axis, -1)  # views, axis last
    targets = np.moveaxis(dx, axis, -1)
    for n in np.ndindex(outputs.shape[:-1]):
        total = 0.0
        for y_j, dy_j in zip(outputs[n], errors[n], strict=True):
            total += float(dy_j) * float(y_j)
        for i, (y_i, dy_i) in enumerate(zip(outputs[n], errors[n], strict=True)):
            targets[n][i] = float(y_i) * (float(dy_i) - total)
    return dx


def _normal_cdf(x: float) -> float:
    """Phi(x) = (1 + erf(x / sqrt 2)) / 2: how much of a normal distribution lies below x."""
    return (1 + math.erf(x / math.sqrt(2))) / 2
