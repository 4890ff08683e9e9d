"""Metrics of decisions: what share was right, and of which kind were the mistakes.

All of them are ratios of entries of the confusion matrix. With two classes, class 1 is
the positive one:

    precision = TP / (TP + FP)      of those called positive, how many are
    recall    = TP / (TP + FN)      of the positives, how many were found (sensitivity)
    F1        = 2 TP / (2 TP + FP + FN), their harmonic mean

With more classes each class is the positive one in turn and the mean is taken (macro).

A ratio 0 / 0 is undefined and comes back as NaN: precision where nothing was called
positive, recall where there are no positives. In a macro mean an undefined precision or
recall counts as 0, as in scikit-learn, since leaving it out would reward a classifier for
never naming a class; a class absent from labels and predictions alike is left out.

The functions ending in ``_of`` take confusion matrices (..., C, C) with any leading axes,
so that the bootstrap computes 2,000 of them at once by the same lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ShapeError
from minicnn.evaluation.checks import check_finite, check_labels, check_same_length

Floats = NDArray[np.float64]


def confusion_matrix(
    labels: ArrayLike, predictions: ArrayLike, n_classes: int
) -> NDArray[np.int64]:
    """Count examples by true class (row) and predicted class (column).

    Parameters
    ----------
    labels, predictions
        (N,) class numbers in 0 ... n_classes - 1.

    Returns
    -------
    NDArray
        (C, C) int64; entry [t, p] counts the examples of class t that were called p.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If the two are not (N,) integers in range.
    """
    truth = check_labels(labels, n_classes)
    called = check_labels(predictions, n_classes, "predictions")
    check_same_length(truth, called, "predictions")
    codes = truth * n_classes + called  # (N,)
    return np.bincount(codes, minlength=n_classes**2).reshape(n_classes, n_classes)


def accuracy(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 2) -> float:
    """Share of examples that were called by their own class."""
    return float(accuracy_of(confusion_matrix(labels, predictions, n_classes)))


def precision(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 2) -> float:
    """TP / (TP + FP) of class 1, or the macro mean; NaN where nothing was called positive."""
    return float(precision_of(confusion_matrix(labels, predictions, n_classes)))


def recall(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 2) -> float:
    """TP / (TP + FN) of class 1, or the macro mean; NaN where there are no positives."""
    return float(recall_of(confusion_matrix(labels, predictions, n_classes)))


def f1(labels: ArrayLike, predictions: ArrayLike, n_classes: int = 2) -> float:
    """2 TP / (2 TP + FP + FN) of class 1, or the macro mean; NaN where all three are 0."""
    return float(f1_of(confusion_matrix(labels, predictions, n_classes)))


def accuracy_of(confusion: NDArray) -> Floats:
    """Accuracy of each confusion matrix (..., C, C) -> (...)."""
    return _ratio(_diagonal(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def precision_of(confusion: NDArray) -> Floats:
    """Precision of each confusion matrix (..., C, C) -> (...)."""
    return _positive_or_macro(_ratio(_diagonal(confusion), _called(confusion)), confusion)


def recall_of(confusion: NDArray) -> Floats:
    """Recall of each confusion matrix (..., C, C) -> (...)."""
    return _positive_or_macro(_ratio(_diagonal(confusion), _true(confusion)), confusion)


def f1_of(confusion: NDArray) -> Floats:
    """F1 of each confusion matrix (..., C, C) -> (...)."""
    either = _called(confusion) + _true(confusion)  # 2 TP + FP + FN
    return _positive_or_macro(_ratio(2 * _diagonal(confusion), either), confusion)


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of -log p(true class), in nats.

    Parameters
    ----------
    labels
        (N,) class numbers.
    probabilities
        (N, C) rows that add up to 1, or (N,) the probability of class 1. They are held
        above 2.2e-16, so that one certain mistake costs 36 nats and not infinity.
    """
    p = check_finite(probabilities, "probabilities")
    if p.ndim == 1:
        p = np.stack([1.0 - p, p], axis=1)
    if p.ndim != 2:
        raise ShapeError(f"probabilities has shape {p.shape}; expected (N, C) or (N,)")
    truth = check_labels(labels, p.shape[1])
    check_same_length(truth, p, "probabilities")
    tiny = np.finfo(np.float64).eps
    chosen = np.clip(p[np.arange(len(truth)), truth], tiny, 1.0 - tiny)
    return float(-np.log(chosen).mean())


def _diagonal(confusion: NDArray) -> NDArray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)  # (..., C)


def _called(confusion: NDArray) -> NDArray:
    return confusion.sum(axis=-2)  # (..., C), how often each class was predicted


def _true(confusion: NDArray) -> NDArray:
    return confusion.sum(axis=-1)  # (..., C), how often each class is true


def _ratio(part: NDArray, whole: NDArray) -> Floats:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _positive_or_macro(per_class: Floats, confusion: NDArray) -> Floats:
    if confusion.shape[-1] == 2:
        return per_class[..., 1]
    present = (_called(confusion) + _true(confusion)) > 0  # (..., C)
    total = np.where(present, np.nan_to_num(per_class), 0.0).sum(axis=-1)
    return _ratio(total, present.sum(axis=-1))
