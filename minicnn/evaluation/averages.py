"""Precision, recall and F1 per class, and their two means: micro and macro.

Each class in turn is the positive one and has its own TP, FP and FN. Then

    macro   the mean of the classes' figures: a rare class counts as much as a common one
    micro   one figure from the summed TP, FP and FN: an image counts as much as another

With exclusive classes every mistake is one FP and one FN, so the three micro figures are
all the accuracy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ArgumentError, ShapeError

Floats = NDArray[np.float64]
FIGURES = ("precision", "recall", "f1")


def outcomes(confusion: ArrayLike) -> tuple[NDArray[np.int64], ...]:
    """Return TP, FP and FN of each class, (C,) each, of a confusion matrix (C, C)."""
    matrix = np.asarray(confusion)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(f"confusion has shape {matrix.shape}; expected (C, C)")
    right = np.diagonal(matrix)  # (C,)
    return right, matrix.sum(axis=0) - right, matrix.sum(axis=1) - right


def precision_recall_f1(
    tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, average: str | None = None
) -> dict[str, Any]:
    """Precision, recall and F1 from counts.

    Parameters
    ----------
    tp, fp, fn
        (C,) true positives, false positives and false negatives of each class.
    average
        None: the figures of each class, (C,). ``"micro"`` or ``"macro"``: one number.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1``. What is 0 / 0 is NaN; in a macro mean it counts as
        0, except for a class that is neither there nor predicted, which is left out.

    Raises
    ------
    ShapeError
        If the three have not one length.
    ArgumentError
        If a count is negative, or ``average`` is unknown.
    """
    found, alarms, missed = (np.asarray(v, dtype=np.float64) for v in (tp, fp, fn))
    if found.ndim != 1 or not found.shape == alarms.shape == missed.shape:
        raise ShapeError(
            f"tp, fp and fn have shapes {found.shape}, {alarms.shape} and {missed.shape}; "
            f"expected (C,) three times"
        )
    if min(found.min(initial=0), alarms.min(initial=0), missed.min(initial=0)) < 0:
        raise ArgumentError("a count is negative; expected numbers of images, 0 or more")
    if average not in (None, "micro", "macro"):
        raise ArgumentError(f"average is {average!r}; expected None, 'micro' or 'macro'")
    present = found + alarms + missed > 0  # (C,)
    if average == "micro":
        found, alarms, missed = (v.sum(keepdims=True) for v in (found, alarms, missed))
    figures = {
        "precision": _ratio(found, found + alarms),
        "recall": _ratio(found, found + missed),
        "f1": _ratio(2 * found, 2 * found + alarms + missed),
    }
    if average is None:
        return figures
    if average == "micro":
        return {name: float(v[0]) for name, v in figures.items()}
    return {
        name: float(np.nan_to_num(v[present]).mean()) if present.any() else float("nan")
        for name, v in figures.items()
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
