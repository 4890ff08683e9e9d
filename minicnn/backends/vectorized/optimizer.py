"""Optimizers on whole arrays: the equations as they stand in the papers.

Every function takes lists with one array per parameter and changes all of them in place,
except the gradients g.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

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
    for w_, g_, v_ in _sets(w, g, v):
        slope = g_ + weight_decay * w_ if weight_decay else g_
        if v is None:
            w_ -= lr * slope
            continue
        v_ *= momentum
        v_ += slope
        w_ -= lr * (slope + momentum * v_ if nesterov else v_)


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
    for w_, g_, m_, v_ in _sets(w, g, m, v):
        slope = g_ + weight_decay * w_ if weight_decay and not decoupled else g_
        m_ *= b1
        m_ += (1 - b1) * slope
        v_ *= b2
        v_ += (1 - b2) * (slope * slope)
        if decoupled:
            w_ *= 1 - lr * weight_decay
        w_ -= lr / (1 - b1**t) * (m_ / (np.sqrt(v_) / math.sqrt(1 - b2**t) + eps))


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
    for w_, g_, s_, a_, v_ in _sets(w, g, s, a, v):
        slope = g_ + weight_decay * w_ if weight_decay else g_
        s_ *= alpha
        s_ += (1 - alpha) * (slope * slope)
        variance = s_
        if a is not None:
            a_ *= alpha
            a_ += (1 - alpha) * slope
            # Of a constant gradient, rounding can leave it below zero.
            variance = np.maximum(s_ - a_ * a_, 0)
        move = slope / (np.sqrt(variance) + eps)
        if v is not None:
            v_ *= momentum
            v_ += move
            move = v_
        w_ -= lr * move


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
    for w_, g_, s_ in _sets(w, g, s):
        slope = g_ + weight_decay * w_ if weight_decay else g_
        s_ += slope * slope
        w_ -= lr / (1 + (t - 1) * lr_decay) * (slope / (np.sqrt(s_) + eps))


NOTHING = np.empty(0)  # stands for an array that a rule does without


def _sets(*lists: Arrays | None) -> Iterator[tuple[NDArray, ...]]:
    """Yield the arrays of one parameter after the other."""
    count = len(lists[0] or ())
    return zip(*([NOTHING] * count if a is None else a for a in lists), strict=True)
