"""Losses: one number that says how wrong the scores are, and its gradient.

Every function averages, so that the size of the loss and of its gradient does not
depend on the size of the batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.backends import kernels
from minicnn.functional.loss_checks import (
    binary_entries,
    check_delta,
    check_scalar,
    class_rows,
    real_target,
)

# ---- cross-entropy ------------------------------------------------------------------------


def cross_entropy(
    scores: NDArray,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> float:
    """Mean negative log-probability of the right class, the probabilities being a softmax.

    With p[n, c] = exp(s[n, c]) / sum_k exp(s[n, k]), the targets t[n], the class weights
    w[c] and the smoothing e, over the positions n whose target is not ``ignore_index``:

        loss = sum_n [ (1 - e) w[t_n] (-log p[n, t_n]) + e/C sum_c w[c] (-log p[n, c]) ]
               / sum_n w[t_n]

    Label smoothing is that of Szegedy et al., "Rethinking the Inception Architecture for
    Computer Vision" (2016), section 7.

    Parameters
    ----------
    scores
        (N, C) or (N, C, d1, ...) float32 or float64: any real numbers, no softmax applied.
    target
        (N,) or (N, d1, ...) integers in 0 ... C-1, or ``ignore_index``.
    weight
        (C,) non-negative weights of the classes, or None for ones.
    ignore_index
        Positions with this target count neither in the sum nor in the mean.
    label_smoothing
        Between 0 and 1: how much of the target is spread evenly over the classes.

    Returns
    -------
    float
        The loss; NaN where the weights of the targets sum to zero, as 0/0 does.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If shapes or dtypes do not fit, the batch is empty, or a target is not a class.
    """
    arguments = class_rows(scores, target, weight, ignore_index, label_smoothing)
    return float(kernels("loss").cross_entropy(*arguments))


def cross_entropy_backward(
    dy: float,
    scores: NDArray,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> NDArray:
    """Gradient of `cross_entropy` with respect to the scores, times ``dy``.

    Without weights and smoothing it is (p[n, c] - [c = t_n]) / N: the probability given
    to each class, minus one for the right class.

    Parameters
    ----------
    dy
        The gradient of the loss itself, one number.
    scores, target, weight, ignore_index, label_smoothing
        As given to `cross_entropy`.

    Returns
    -------
    NDArray
        Of the shape and dtype of ``scores``.
    """
    arguments = class_rows(scores, target, weight, ignore_index, label_smoothing)
    dy = check_scalar("dy", dy)
    rows = kernels("loss").cross_entropy_dx(*arguments, dy)  # (M, C)
    if scores.ndim == 2:
        return rows
    spread = rows.reshape(scores.shape[0], *scores.shape[2:], scores.shape[1])  # (N, d1, ..., C)
    return np.ascontiguousarray(np.moveaxis(spread, -1, 1))  # (N, C, d1, ...)


# ---- binary cross-entropy, for several labels that may hold at once -----------------------


def bce_with_logits(
    scores: NDArray,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    pos_weight: ArrayLike | None = None,
) -> float:
    """Mean binary cross-entropy of independent yes/no labels.

    With p = 1 / (1 + exp(-s)), the target t, the weight w and the weight of the positive
    answer q, over all entries:

        loss = mean( w ( -q t log p - (1 - t) log(1 - p) ) )

    computed from the scores without forming p, so that no score is too large.

    Parameters
    ----------
    scores
        Any shape, (N, L) as a rule; float32 or float64, no sigmoid applied.
    target
        The same shape; bools, integers or floats from 0 to 1.
    weight
        Non-negative factors of the entries, of a shape that broadcasts to that of
        ``scores``, or None for ones.
    pos_weight
        Non-negative factors of the positive term, likewise; (L,) balances rare labels.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If shapes or dtypes do not fit, the batch is empty, or a target is not in [0, 1].
    """
    arguments = binary_entries(scores, target, weight, pos_weight)
    return float(kernels("loss").bce_with_logits(*arguments))


def bce_with_logits_backward(
    dy: float,
    scores: NDArray,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    pos_weight: ArrayLike | None = None,
) -> NDArray:
    """Gradient of `bce_with_logits` with respect to the scores, times ``dy``.

    Without weights it is (p - t) / count: the same form as cross-entropy's.
    """
    arguments = binary_entries(scores, target, weight, pos_weight)
    dy = check_scalar("dy", dy)
    return kernels("loss").bce_with_logits_dx(*arguments, dy)


# ---- regression ---------------------------------------------------------------------------


def mse(scores: NDArray, target: ArrayLike) -> float:
    """Mean squared error: mean( (s - t)^2 ) over all entries.

    Parameters
    ----------
    scores
        Any shape, float32 or float64.
    target
        The same shape; any real numbers.

    Raises
    ------
    ShapeError, DtypeError
        If the shapes differ, the batch is empty, or the target is not real.
    """
    target = real_target(scores, target)
    return float(kernels("loss").mse(scores, target))


def mse_backward(dy: float, scores: NDArray, target: ArrayLike) -> NDArray:
    """Gradient of `mse` with respect to the scores, times ``dy``: 2 (s - t) / count."""
    target = real_target(scores, target)
    dy = check_scalar("dy", dy)
    return kernels("loss").mse_dx(scores, target, dy)


def huber(scores: NDArray, target: ArrayLike, delta: float = 1.0) -> float:
    """Mean Huber loss: a parabola near zero, straight lines beyond ``delta``.

        h(r) = r^2 / 2                      where |r| <= delta,  r = s - t
             = delta (|r| - delta / 2)      elsewhere

    The two pieces meet with equal slopes. Huber, "Robust Estimation of a Location
    Parameter" (1964).

    Parameters
    ----------
    scores, target
        As for `mse`.
    delta
        Where the lines begin; positive.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        As `mse`, and where ``delta`` is not a positive number.
    """
    target, delta = real_target(scores, target), check_delta(delta)
    return float(kernels("loss").huber(scores, target, delta))


def huber_backward(dy: float, scores: NDArray, target: ArrayLike, delta: float = 1.0) -> NDArray:
    """Gradient of `huber` with respect to the scores, times ``dy``.

    It is min(max(s - t, -delta), delta) / count: an outlier pulls no harder than ``delta``.
    """
    target, delta = real_target(scores, target), check_delta(delta)
    dy = check_scalar("dy", dy)
    return kernels("loss").huber_dx(scores, target, delta, dy)
