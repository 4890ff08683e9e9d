"""Optimizers as loops over the single weights: the definition.

Every function takes lists with one array per parameter and changes all of them in place,
except the gradients g.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray]


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
    for k in range(len(w)):
        for i in np.ndindex(w[k].shape):
            slope = g[k][i] + weight_decay * w[k][i]
            move = slope
            if v is not None:
                v[k][i] = momentum * v[k][i] + slope
                move = slope + momentum * v[k][i] if nesterov else v[k][i]
            w[k][i] -= lr * move


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
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - lr m' / (sqrt(v') + eps).

    m' = m / (1 - b1^t) and v' = v / (1 - b2^t). The decay is part of g, or, decoupled,
    shrinks w by the factor 1 - lr weight_decay first.
    """
    b1, b2 = betas
    for k in range(len(w)):
        for i in np.ndindex(w[k].shape):
            slope = g[k][i]
            if decoupled:
                w[k][i] *= 1 - lr * weight_decay
            else:
                slope += weight_decay * w[k][i]
            m[k][i] = b1 * m[k][i] + (1 - b1) * slope
            v[k][i] = b2 * v[k][i] + (1 - b2) * slope**2
            mean = m[k][i] / (1 - b1**t)
            mean_square = v[k][i] / (1 - b2**t)
            w[k][i] -= lr * mean / (np.sqrt(mean_square) + eps)


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
    """s <- alpha s + (1 - alpha) g^2;  w <- w - lr g / (sqrt(s) + eps), or by way of v.

    With a, the running mean of g, s - a^2 stands under the root: the variance.
    """
    for k in range(len(w)):
        for i in np.ndindex(w[k].shape):
            slope = g[k][i] + weight_decay * w[k][i]
            s[k][i] = alpha * s[k][i] + (1 - alpha) * slope**2
            variance = s[k][i]
            if a is not None:
                a[k][i] = alpha * a[k][i] + (1 - alpha) * slope
                # Of a constant gradient, rounding can leave it below zero.
                variance = np.maximum(variance - a[k][i] ** 2, 0)
            move = slope / (np.sqrt(variance) + eps)
            if v is not None:
                v[k][i] = momentum * v[k][i] + move
                move = v[k][i]
            w[k][i] -= lr * move


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
    for k in range(len(w)):
        for i in np.ndindex(w[k].shape):
            slope = g[k][i] + weight_decay * w[k][i]
            s[k][i] += slope**2
            w[k][i] -= lr / (1 + (t - 1) * lr_decay) * slope / (np.sqrt(s[k][i]) + eps)
