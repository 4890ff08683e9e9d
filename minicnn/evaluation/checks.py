"""What every metric checks first: labels that are classes, scores that are numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ArgumentError, DtypeError, ShapeError


def check_labels(labels: ArrayLike, n_classes: int, name: str = "labels") -> NDArray[np.int64]:
    """Return class numbers as int64 (N,), or raise.

    Raises
    ------
    ShapeError
        If they are not one number per example, or there are none.
    DtypeError
        If they are not whole numbers.
    ArgumentError
        If one lies outside 0 ... n_classes - 1.
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}; expected (N,), one class per example")
    if len(array) == 0:
        raise ShapeError(f"{name} is empty; there is nothing to measure on 0 examples")
    if array.dtype.kind not in "iub":
        raise DtypeError(f"{name} has dtype {array.dtype}; expected class numbers (integers)")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= n_classes:
        raise ArgumentError(
            f"{name} holds values from {low} to {high}; "
            f"with {n_classes} classes they must lie in 0 ... {n_classes - 1}"
        )
    return array.astype(np.int64)


def check_binary(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray]:
    """Return labels as bool (N,) and scores as float64 (N,), or raise as `check_labels` does."""
    truth = check_labels(labels, 2)
    values = check_finite(scores)
    check_same_length(truth, values)
    if values.ndim != 1:
        raise ShapeError(f"scores has shape {values.shape}; expected (N,), one score per example")
    return truth.astype(bool), values


def check_finite(scores: ArrayLike, name: str = "scores") -> NDArray[np.float64]:
    """Return scores as float64, or raise ArgumentError where one is NaN or infinite."""
    values = np.asarray(scores, dtype=np.float64)
    bad = int(values.size - np.isfinite(values).sum())
    if bad:
        raise ArgumentError(
            f"{name} has {bad} of {values.size} values that are NaN or infinite; "
            f"a ranking needs finite numbers: look at the model that produced them"
        )
    return values


def check_same_length(labels: NDArray, scores: NDArray, name: str = "scores") -> None:
    """Check that there is one row of scores per label."""
    if len(labels) != len(scores):
        raise ShapeError(
            f"{name} has {len(scores)} rows but labels has {len(labels)}; "
            f"expected one row per example"
        )
