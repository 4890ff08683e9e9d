"""Optimizers: one pass over all weights of a network, in one kernel call.

NumPy would go through memory once for every sign in the equation: ten times for Adam. Here
each number is read once, and everything it takes part in is computed before it is written.
How the weights of a network become one call: `minicnn.backends.compiled.together`.

Constants such as lr / (1 - b1^t) are computed once per call, in float64, and then rounded to
the dtype of the weights, which the rest is computed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel
from minicnn.backends.compiled.together import part, together
from minicnn.backends.vectorized import optimizer as vectorized

Arrays = Sequence[NDArray]

# Per weight, on one thread.
SGD, MOMENTUM, ADAM, RMSPROP, ADAGRAD = 0.2, 0.4, 0.6, 0.8, 0.5  # nanoseconds


@kernel
def _sgd(first, last, table, numbers, velocity, nesterov):  # type: ignore[no-untyped-def]
    lr, momentum, decay = numbers[0], numbers[1], numbers[2]
    for piece in range(first, last):
        w, g = part(table, piece, 0, numbers), part(table, piece, 1, numbers)
        v = part(table, piece, 2, numbers)
        for i in range(w.size):
            move = g[i] + decay * w[i]
            if velocity is not None:
                slope = move
                v[i] = momentum * v[i] + slope
                move = slope + momentum * v[i] if nesterov else v[i]
            w[i] -= lr * move


@kernel
def _adam(first, last, table, numbers):  # type: ignore[no-untyped-def]
    b1, rest1, b2, rest2 = numbers[0], numbers[1], numbers[2], numbers[3]
    step, root, eps = numbers[4], numbers[5], numbers[6]
    decay, shrink = numbers[7], numbers[8]
    for piece in range(first, last):
        w, g = part(table, piece, 0, numbers), part(table, piece, 1, numbers)
        m, v = part(table, piece, 2, numbers), part(table, piece, 3, numbers)
        for i in range(w.size):
            slope = g[i] + decay * w[i]
            m[i] = b1 * m[i] + rest1 * slope
            v[i] = b2 * v[i] + rest2 * slope * slope
            w[i] = shrink * w[i] - step * m[i] / (root * math.sqrt(v[i]) + eps)


@kernel
def _rmsprop(first, last, table, numbers, centered, velocity):  # type: ignore[no-untyped-def]
    lr, alpha, rest, eps = numbers[0], numbers[1], numbers[2], numbers[3]
    momentum, decay, zero = numbers[4], numbers[5], numbers[6]
    for piece in range(first, last):
        w, g = part(table, piece, 0, numbers), part(table, piece, 1, numbers)
        s, a = part(table, piece, 2, numbers), part(table, piece, 3, numbers)
        v = part(table, piece, 4, numbers)
        # Two loops: five arrays in one are too many for the compiler to tell apart, and it
        # would do without vector instructions.
        for i in range(w.size):
            slope = g[i] + decay * w[i]
            s[i] = alpha * s[i] + rest * slope * slope
            if centered is not None:
                a[i] = alpha * a[i] + rest * slope
        for i in range(w.size):
            variance = s[i]
            if centered is not None:
                variance -= a[i] * a[i]
                # Of a constant gradient, rounding can leave it below zero. (NaN stays.)
                variance = zero if variance < 0 else variance
            move = (g[i] + decay * w[i]) / (math.sqrt(variance) + eps)
            if velocity is not None:
                v[i] = momentum * v[i] + move
                move = v[i]
            w[i] -= lr * move


@kernel
def _adagrad(first, last, table, numbers):  # type: ignore[no-untyped-def]
    lr, eps, decay = numbers[0], numbers[1], numbers[2]
    for piece in range(first, last):
        w, g = part(table, piece, 0, numbers), part(table, piece, 1, numbers)
        s = part(table, piece, 2, numbers)
        for i in range(w.size):
            slope = g[i] + decay * w[i]
            s[i] += slope * slope
            w[i] -= lr * slope / (math.sqrt(s[i]) + eps)


def sgd(
    w: Arrays,
    g: Arrays,
    v: Arrays | None,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None:
    """v <- momentum v + g;  w <- w - lr v, or with Nesterov w - lr (g + momentum v)."""
    numbers = (lr, momentum, weight_decay)
    cost = SGD if v is None else MOMENTUM
    ws, gs, vs = together(_sgd, cost, (w, g, v), numbers, _given(v), nesterov)
    if ws and gs:
        vectorized.sgd(ws, gs, vs, lr, momentum, nesterov, weight_decay)


def adam(
    w: Arrays,
    g: Arrays,
    m: Arrays,
    v: Arrays,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    t: int,
) -> None:
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr m' / (sqrt(v') + eps)."""
    b1, b2 = betas
    numbers = (
        b1, 1 - b1, b2, 1 - b2,
        lr / (1 - b1**t), 1 / math.sqrt(1 - b2**t), eps,
        0 if decoupled else weight_decay, 1 - lr * weight_decay if decoupled else 1,
    )  # fmt: skip
    ws, gs, ms, vs = together(_adam, ADAM, (w, g, m, v), numbers)
    if ws and gs and ms and vs:
        vectorized.adam(ws, gs, ms, vs, lr, betas, eps, weight_decay, decoupled, t)


def rmsprop(
    w: Arrays,
    g: Arrays,
    s: Arrays,
    a: Arrays | None,
    v: Arrays | None,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """s <- alpha s + (1 - alpha) g^2;  w <- w - lr g / (sqrt(s) + eps), or by way of v."""
    numbers = (lr, alpha, 1 - alpha, eps, momentum, weight_decay, 0)
    ws, gs, ss, as_, vs = together(
        _rmsprop, RMSPROP, (w, g, s, a, v), numbers, _given(a), _given(v)
    )
    if ws and gs and ss:
        vectorized.rmsprop(ws, gs, ss, as_, vs, lr, alpha, eps, momentum, weight_decay)


def _given(arrays: Arrays | None) -> bool | None:
    """Return True or None, two types to Numba: each case gets code of its own, without ifs."""
    return None if arrays is None else True


def adagrad(
    w: Arrays,
    g: Arrays,
    s: Arrays,
    lr: float,
    lr_decay: float,
    eps: float,
    weight_decay: float,
    t: int,
) -> None:
    """s <- s + g^2;  w <- w - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)."""
    numbers = (lr / (1 + (t - 1) * lr_decay), eps, weight_decay)
    ws, gs, ss = together(_adagrad, ADAGRAD, (w, g, s), numbers)
    if ws and gs and ss:
        vectorized.adagrad(ws, gs, ss, lr, lr_decay, eps, weight_decay, t)
