"""What the losses check before they compute, and how they lay out their arguments."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.arguments import check_number
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.functional.checks import check_float, check_shape

# ---- cross-entropy ------------------------------------------------------------------------


def class_rows(
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


# ---- binary cross-entropy -----------------------------------------------------------------


def binary_entries(
    scores: NDArray, target: ArrayLike, weight: ArrayLike | None, pos_weight: ArrayLike | None
) -> tuple[NDArray, NDArray, NDArray | None, NDArray | None]:
    """Check the arguments of binary cross-entropy and give them all the dtype of the scores."""
    target = real_target(scores, target)
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


def real_target(scores: NDArray, target: ArrayLike) -> NDArray:
    """Return the target in the dtype of the scores after checking both."""
    check_float(scores=scores)
    _check_not_empty(scores)
    target = np.asarray(target)
    if target.dtype.kind not in "biuf":
        raise DtypeError(f"target has dtype {target.dtype}; expected bools, integers or floats")
    check_shape("target", target, scores.shape, "the shape of scores")
    return target.astype(scores.dtype)
