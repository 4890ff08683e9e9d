"""Activations: one pass over the numbers, reading each once and writing each once.

They cost what memory costs, so there is nothing to gain but not to read twice. A
comparison with NaN is false; the conditions are put so that NaN comes out as NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.elementwise import PIECE, elementwise
from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run

COPYING = 0.15  # nanoseconds per entry
EXPONENTIAL = 5.0


@kernel
def _relu(first, last, y, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    y, x = y[part], x[part]
    for i in range(y.size):
        y[i] = 0 if x[i] < 0 else x[i]


@kernel
def _relu_dx(first, last, dx, dy, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    dx, dy, x = dx[part], dy[part], x[part]
    for i in range(dx.size):
        dx[i] = dy[i] if x[i] > 0 else 0


@kernel
def _leaky_relu(first, last, y, x, slope):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    y, x = y[part], x[part]
    for i in range(y.size):
        y[i] = x[i] if x[i] > 0 else slope * x[i]


@kernel
def _leaky_relu_dx(first, last, dx, dy, x, slope):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    dx, dy, x = dx[part], dy[part], x[part]
    for i in range(dx.size):
        dx[i] = dy[i] if x[i] > 0 else slope * dy[i]


@kernel
def _sigmoid(first, last, y, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    y, x = y[part], x[part]
    for i in range(y.size):
        small = math.exp(-abs(x[i]))  # at most 1: cannot overflow
        y[i] = (small if x[i] < 0 else 1) / (1 + small)


@kernel
def _sigmoid_dx(first, last, dx, dy, y):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    dx, dy, y = dx[part], dy[part], y[part]
    for i in range(dx.size):
        dx[i] = dy[i] * y[i] * (1 - y[i])


@kernel
def _tanh(first, last, y, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    y, x = y[part], x[part]
    for i in range(y.size):
        y[i] = math.tanh(x[i])


@kernel
def _tanh_dx(first, last, dx, dy, y):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    dx, dy, y = dx[part], dy[part], y[part]
    for i in range(dx.size):
        dx[i] = dy[i] * (1 - y[i] * y[i])


@kernel
def _gelu(first, last, y, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    y, x = y[part], x[part]
    for i in range(y.size):
        v = np.float64(x[i])
        # erfc keeps its digits where 1 + erf would cancel, far to the left.
        y[i] = v * 0.5 * math.erfc(-v * math.sqrt(0.5))


@kernel
def _gelu_dx(first, last, dx, dy, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    dx, dy, x = dx[part], dy[part], x[part]
    for i in range(dx.size):
        v = np.float64(x[i])
        below = 0.5 * math.erfc(-v * math.sqrt(0.5))
        density = math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi)
        dx[i] = dy[i] * (below + v * density)


@kernel
def _softmax(first, last, y, x, length, stride):  # type: ignore[no-untyped-def]
    """Set softmax on the rows first..last; the entries of a row are ``stride`` apart."""
    for row in range(first, last):
        start = row // stride * stride * length + row % stride
        largest = x[start]
        for j in range(1, length):
            largest = max(largest, x[start + j * stride])
        total = 0.0
        for j in range(length):
            e = math.exp(x[start + j * stride] - largest)
            y[start + j * stride] = e
            total += e
        for j in range(length):
            y[start + j * stride] /= total


@kernel
def _softmax_dx(first, last, dx, dy, y, length, stride):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        start = row // stride * stride * length + row % stride
        mean = 0.0
        for j in range(length):
            mean += dy[start + j * stride] * y[start + j * stride]
        for j in range(length):
            i = start + j * stride
            dx[i] = y[i] * (dy[i] - mean)


def relu(x: NDArray) -> NDArray:
    """y = max(x, 0)."""
    return elementwise(_relu, COPYING, x)


def relu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """dx = dy where x > 0, else 0."""
    return elementwise(_relu_dx, COPYING, dy, x)


def leaky_relu(x: NDArray, slope: float) -> NDArray:
    """y = x where x > 0, else slope x."""
    return elementwise(_leaky_relu, COPYING, x, extra=(float(slope),))


def leaky_relu_dx(dy: NDArray, x: NDArray, slope: float) -> NDArray:
    """dx = dy where x > 0, else slope dy."""
    return elementwise(_leaky_relu_dx, COPYING, dy, x, extra=(float(slope),))


def sigmoid(x: NDArray) -> NDArray:
    """y = 1 / (1 + exp(-x))."""
    return elementwise(_sigmoid, EXPONENTIAL, x)


def sigmoid_dx(dy: NDArray, y: NDArray) -> NDArray:
    """dx = dy y (1 - y)."""
    return elementwise(_sigmoid_dx, COPYING, dy, y)


def tanh(x: NDArray) -> NDArray:
    """y = tanh(x)."""
    return elementwise(_tanh, EXPONENTIAL, x)


def tanh_dx(dy: NDArray, y: NDArray) -> NDArray:
    """dx = dy (1 - y^2)."""
    return elementwise(_tanh_dx, COPYING, dy, y)


def gelu(x: NDArray) -> NDArray:
    """y = x Phi(x) = x / 2 (1 + erf(x / sqrt 2)), in float64 inside."""
    return elementwise(_gelu, EXPONENTIAL, x)


def gelu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """dx = dy (Phi(x) + x phi(x)), in float64 inside."""
    return elementwise(_gelu_dx, 2 * EXPONENTIAL, dy, x)


def softmax(x: NDArray, axis: int) -> NDArray:
    """y_i = exp(x_i) / sum_j exp(x_j) along an axis, shifted by its largest entry."""
    return _along(axis, _softmax, x)


def softmax_dx(dy: NDArray, y: NDArray, axis: int) -> NDArray:
    """dx_i = y_i (dy_i - sum_j dy_j y_j) along an axis."""
    return _along(axis, _softmax_dx, dy, y)


def _along(axis: int, kernel: object, *arrays: NDArray) -> NDArray:
    """Run a kernel on every row along ``axis``; in memory its entries are ``stride`` apart."""
    shape = arrays[0].shape
    out = np.empty(shape, arrays[0].dtype)
    if out.size:
        length, stride = shape[axis], math.prod(shape[axis + 1 :])
        flat = [ready(a).reshape(-1) for a in arrays]
        cost = out.size * EXPONENTIAL
        run(kernel, out.size // length, cost, out.reshape(-1), *flat, length, stride)
    return out
