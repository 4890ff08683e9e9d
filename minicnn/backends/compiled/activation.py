"""Activations: one pass over the numbers, reading each once and writing each once.

They cost what memory costs, so there is nothing to gain but not to read twice; those with
an exponential are kept near that by `minicnn.backends.compiled.exponential`. A comparison
with NaN is false; the conditions are put so that NaN comes out as NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.elementwise import PIECE, elementwise
from minicnn.backends.compiled.exponential import exp, exp_minus_1, like, normal_tail, with_sign
from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run

ROOT = 1 / math.sqrt(2 * math.pi)

COPYING = 0.15  # nanoseconds per entry
EXPONENTIAL = 0.5
NORMAL = 1.0

BLOCK = 128  # rows of a softmax


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
        small = exp(-abs(x[i]))  # at most 1: cannot overflow
        one = like(small, 1.0)
        y[i] = (small if x[i] < 0 else one) / (one + small)


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
        # With e = exp(-2 |x|): tanh |x| = (1 - e) / (1 + e).
        minus = exp_minus_1(like(x[i], -2.0) * abs(x[i]))
        y[i] = with_sign(minus / (minus + like(minus, 2.0)), x[i])


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
        tail, _ = normal_tail(x[i])
        y[i] = x[i] * (like(tail, 1.0) - tail if x[i] > 0 else tail)


@kernel
def _gelu_dx(first, last, dx, dy, x):  # type: ignore[no-untyped-def]
    part = slice(first * PIECE, last * PIECE)
    dx, dy, x = dx[part], dy[part], x[part]
    for i in range(dx.size):
        tail, density = normal_tail(x[i])
        below = like(tail, 1.0) - tail if x[i] > 0 else tail
        dx[i] = dy[i] * (below + x[i] * density * like(tail, ROOT))


# Softmax comes in two spellings. Along the last axis a row lies in one piece. Along another,
# the entries of a row are ``stride`` apart, but those of neighbouring rows are neighbours: the
# second spelling takes BLOCK rows at once, entry by entry, and so reads memory in order.


@kernel
def _softmax_rows(first, last, y, x, length):  # type: ignore[no-untyped-def]
    """Set softmax on rows that lie in one piece."""
    for row in range(first, last):
        part = slice(row * length, (row + 1) * length)
        to, of = y[part], x[part]
        largest = of[0]
        for j in range(1, length):
            largest = max(largest, of[j])
        for j in range(length):
            to[j] = exp(of[j] - largest)
        total = like(largest, 0.0)
        for j in range(length):
            total += to[j]
        for j in range(length):
            to[j] /= total


@kernel
def _softmax_dx_rows(first, last, dx, dy, y, length):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        part = slice(row * length, (row + 1) * length)
        to, dof, of = dx[part], dy[part], y[part]
        mean = like(of[0], 0.0)
        for j in range(length):
            mean += dof[j] * of[j]
        for j in range(length):
            to[j] = of[j] * (dof[j] - mean)


@kernel
def _softmax_blocks(first, last, y, x, length, stride):  # type: ignore[no-untyped-def]
    """Set softmax on blocks of neighbouring rows."""
    blocks = (stride + BLOCK - 1) // BLOCK
    largest, total = np.empty(BLOCK, x.dtype), np.empty(BLOCK, x.dtype)
    for piece in range(first, last):
        begin = piece % blocks * BLOCK
        count = min(BLOCK, stride - begin)
        start = piece // blocks * length * stride + begin
        largest[:count] = x[start : start + count]
        total[:] = 0
        for j in range(1, length):
            of = x[start + j * stride : start + j * stride + count]
            for t in range(count):
                largest[t] = of[t] if of[t] > largest[t] else largest[t]
        for j in range(length):
            of = x[start + j * stride : start + j * stride + count]
            to = y[start + j * stride : start + j * stride + count]
            for t in range(count):
                to[t] = exp(of[t] - largest[t])
                total[t] += to[t]
        for j in range(length):
            to = y[start + j * stride : start + j * stride + count]
            for t in range(count):
                to[t] /= total[t]


@kernel
def _softmax_dx_blocks(first, last, dx, dy, y, length, stride):  # type: ignore[no-untyped-def]
    blocks = (stride + BLOCK - 1) // BLOCK
    mean = np.empty(BLOCK, y.dtype)
    for piece in range(first, last):
        begin = piece % blocks * BLOCK
        count = min(BLOCK, stride - begin)
        start = piece // blocks * length * stride + begin
        mean[:] = 0
        for j in range(length):
            part = slice(start + j * stride, start + j * stride + count)
            dof, of = dy[part], y[part]
            for t in range(count):
                mean[t] += dof[t] * of[t]
        for j in range(length):
            part = slice(start + j * stride, start + j * stride + count)
            to, dof, of = dx[part], dy[part], y[part]
            for t in range(count):
                to[t] = of[t] * (dof[t] - mean[t])


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
    """y = x Phi(x) = x / 2 (1 + erf(x / sqrt 2))."""
    return elementwise(_gelu, NORMAL, x)


def gelu_dx(dy: NDArray, x: NDArray) -> NDArray:
    """dx = dy (Phi(x) + x phi(x))."""
    return elementwise(_gelu_dx, NORMAL, dy, x)


def softmax(x: NDArray, axis: int) -> NDArray:
    """y_i = exp(x_i) / sum_j exp(x_j) along an axis, shifted by its largest entry."""
    return _along(axis, _softmax_rows, _softmax_blocks, x)


def softmax_dx(dy: NDArray, y: NDArray, axis: int) -> NDArray:
    """dx_i = y_i (dy_i - sum_j dy_j y_j) along an axis."""
    return _along(axis, _softmax_dx_rows, _softmax_dx_blocks, dy, y)


def _along(axis: int, rows: object, blocks: object, *arrays: NDArray) -> NDArray:
    """Run a kernel on every row along ``axis``, one after the other or in blocks."""
    shape = arrays[0].shape
    out = np.empty(shape, arrays[0].dtype)
    if out.size:
        length, stride = shape[axis], math.prod(shape[axis + 1 :])
        flat = [ready(a).reshape(-1) for a in arrays]
        count, cost = out.size // length, out.size * EXPONENTIAL
        if stride == 1:
            run(rows, count, cost, out.reshape(-1), *flat, length)
        else:
            pieces = count // stride * -(-stride // BLOCK)
            run(blocks, pieces, cost, out.reshape(-1), *flat, length, stride)
    return out
