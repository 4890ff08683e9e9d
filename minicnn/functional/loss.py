"""Losses: one number that says how wrong the scores are, and its gradient.

Every function averages, so that the size of the loss and of its gradient does not
depend on the size of the batch.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.arguments import check_number
from minicnn.backends import kernels
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.functional.checks import check_float, check_shape

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
    arguments = _class_rows(scores, target, weight, ignore_index, label_smoothing)
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
    arguments = _class_rows(scores, target, weight, ignore_index, label_smoothing)
    rows = kernels("loss").cross_entropy_dx(*arguments, check_scalar("dy", dy))  # (M, C)
    if scores.ndim == 2:
        return rows
    spread = rows.reshape(scores.shape[0], *scores.shape[2:], scores.shape[1])  # (N, d1, ..., C)
    return np.ascontiguousarray(np.moveaxis(spread, -1, 1))  # (N, C, d1, ...)


def _class_rows(
    scores: NDArray,
    target: ArrayLike,
    weight: ArrayLike | None,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[NDArray, NDArray, NDArray | None, int, float]:
    """Check the arguments of cross-entropy and lay out one row per classified position."""
    check_float(scores=scores)
    if scores.ndim < 2:
        raise ShapeError(
            f"scores has shape {scores.shape}; expected (N, C) or (N, C, d1, ...), "
            "one score per class for each example"
        )
    _check_not_empty(scores)
    classes = scores.shape[1]
    positions = (scores.shape[0], *scores.shape[2:])

    target = np.asarray(target)
    if target.dtype.kind not in "iu":
        raise DtypeError(
            f"target has dtype {target.dtype}; expected integers, one class index per example: "
            "convert it with target.astype(np.int64)"
        )
    if target.shape != positions:
        one_hot = target.shape == scores.shape
        hint = "; one-hot rows become indices with target.argmax(axis=1)" if one_hot else ""
        raise ShapeError(
            f"target has shape {target.shape}; expected {positions}, one class index for "
            f"each position of scores {scores.shape}{hint}"
        )
    ignore_index = check_ignore_index(ignore_index)
    _check_classes(target, classes, ignore_index)

    rows = scores
    if scores.ndim > 2:
        rows = np.moveaxis(scores, 1, -1).reshape(-1, classes)  # (M, C)
    weights = check_class_weight(weight)
    if weights is not None:
        check_shape("weight", weights, (classes,), f"one entry per class of scores {scores.shape}")
        weights = weights.astype(scores.dtype)  # (C,)
    labels = target.reshape(-1).astype(np.int64)  # (M,)
    return rows, labels, weights, ignore_index, check_label_smoothing(label_smoothing)


def _check_classes(target: NDArray, classes: int, ignore_index: int) -> None:
    """Check that every target is a class or ``ignore_index``."""
    wrong = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = ", ".join(map(str, where))
        raise ArgumentError(
            f"target[{place}] is {target[where]}, which is no class: scores have {classes} "
            f"classes, so targets run from 0 to {classes - 1}, or are ignore_index={ignore_index}"
        )


def check_ignore_index(ignore_index: Any) -> int:
    """Return ``ignore_index`` as an int, or raise ArgumentError."""
    try:
        return operator.index(ignore_index)
    except TypeError:
        raise ArgumentError(
            f"ignore_index is {ignore_index!r}; give a whole number, such as -100"
        ) from None


def check_label_smoothing(label_smoothing: Any) -> float:
    """Return ``label_smoothing`` as a float between 0 and 1, or raise ArgumentError."""
    return check_number("label_smoothing", label_smoothing, minimum=0, maximum=1)


def check_class_weight(weight: ArrayLike | None) -> NDArray | None:
    """Return class weights as a float64 vector (C,), or raise."""
    weights = check_weights("weight", weight)
    if weights is not None and weights.ndim != 1:
        raise ShapeError(f"weight has shape {weights.shape}; expected (C,), one entry per class")
    return weights


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
    arguments = _binary(scores, target, weight, pos_weight)
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
    arguments = _binary(scores, target, weight, pos_weight)
    return kernels("loss").bce_with_logits_dx(*arguments, check_scalar("dy", dy))


def _binary(
    scores: NDArray, target: ArrayLike, weight: ArrayLike | None, pos_weight: ArrayLike | None
) -> tuple[NDArray, NDArray, NDArray | None, NDArray | None]:
    check_float(scores=scores)
    target = _real_target(scores, target)
    outside = ~((target >= 0) & (target <= 1))  # also true for NaN
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        place = ", ".join(map(str, where))
        raise ArgumentError(
            f"target[{place}] is {target[where]}; expected 0, 1 or a number between: "
            "the probability that the label holds"
        )
    return (
        scores,
        target,
        _spread("weight", weight, scores),
        _spread("pos_weight", pos_weight, scores),
    )


def _spread(name: str, values: ArrayLike | None, scores: NDArray) -> NDArray | None:
    """Check that weights broadcast to the shape of the scores, and give them its dtype."""
    weights = check_weights(name, values)
    if weights is None:
        return None
    try:
        fits = np.broadcast_shapes(weights.shape, scores.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{name} has shape {weights.shape}, which does not broadcast to scores "
            f"{scores.shape}; give one entry per label, ({scores.shape[-1]},), or one per score"
        )
    return weights.astype(scores.dtype)


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
    check_float(scores=scores)
    return float(kernels("loss").mse(scores, _real_target(scores, target)))


def mse_backward(dy: float, scores: NDArray, target: ArrayLike) -> NDArray:
    """Gradient of `mse` with respect to the scores, times ``dy``: 2 (s - t) / count."""
    check_float(scores=scores)
    target = _real_target(scores, target)
    return kernels("loss").mse_dx(scores, target, check_scalar("dy", dy))


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
    check_float(scores=scores)
    target = _real_target(scores, target)
    return float(kernels("loss").huber(scores, target, check_delta(delta)))


def huber_backward(dy: float, scores: NDArray, target: ArrayLike, delta: float = 1.0) -> NDArray:
    """Gradient of `huber` with respect to the scores, times ``dy``.

    It is min(max(s - t, -delta), delta) / count: an outlier pulls no harder than ``delta``.
    """
    check_float(scores=scores)
    target = _real_target(scores, target)
    return kernels("loss").huber_dx(scores, target, check_delta(delta), check_scalar("dy", dy))


def check_delta(delta: Any) -> float:
    """Return ``delta`` as a positive float, or raise ArgumentError."""
    return check_number("delta", delta, above=0)


# ---- what they share ----------------------------------------------------------------------


def check_scalar(name: str, value: Any) -> float:
    """Return one number as a float.

    Raises
    ------
    ShapeError
        If it is an array of several: a loss is one number, so its gradient is too.
    """
    array = np.asarray(value)
    if array.size != 1:
        raise ShapeError(
            f"{name} has shape {array.shape}; expected one number, because the loss is one number"
        )
    return float(array.item())


def check_weights(name: str, values: ArrayLike | None) -> NDArray | None:
    """Return weights as float64, finite and non-negative, or raise."""
    if values is None:
        return None
    weights = np.asarray(values)
    if weights.dtype.kind not in "biuf":
        raise DtypeError(f"{name} has dtype {weights.dtype}; expected real numbers")
    weights = weights.astype(np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ArgumentError(
            f"{name} holds {weights[~(np.isfinite(weights) & (weights >= 0))].flat[0]}; "
            "every entry must be finite and at least 0"
        )
    return weights


def _check_not_empty(scores: NDArray) -> None:
    if scores.size == 0:
        raise ShapeError(
            f"scores has shape {scores.shape}: an empty batch has no mean loss; "
            "leave empty batches out"
        )


def _real_target(scores: NDArray, target: ArrayLike) -> NDArray:
    """Return the target in the dtype of the scores after checking its shape and kind."""
    _check_not_empty(scores)
    target = np.asarray(target)
    if target.dtype.kind not in "biuf":
        raise DtypeError(f"target has dtype {target.dtype}; expected bools, integers or floats")
    check_shape("target", target, scores.shape, "the shape of scores")
    return target.astype(scores.dtype)
