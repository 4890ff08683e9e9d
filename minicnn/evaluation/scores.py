"""From a model's raw scores (logits) to probabilities and decisions, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ShapeError
from minicnn.evaluation.checks import check_finite

THRESHOLD = 0.5


def softmax(scores: ArrayLike) -> NDArray[np.float64]:
    """Probabilities of exclusive classes: p_c = exp(s_c) / sum_k exp(s_k), rows (N, C)."""
    s = check_finite(scores)  # (N, C)
    # Subtracting the row's largest score changes nothing but keeps exp from overflowing.
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(scores: ArrayLike) -> NDArray[np.float64]:
    """Probability of each label by itself: p = 1 / (1 + exp(-s)), any shape."""
    s = check_finite(scores)
    e = np.exp(-np.abs(s))  # never above 1
    return np.where(s >= 0, 1.0, e) / (1.0 + e)


def margins(scores: ArrayLike, multilabel: bool) -> NDArray[np.float64]:
    """Turn logits into log-odds of each class against the rest: log p_c / (1 - p_c).

    They order images as the probabilities do, but never tie where those round to 1: a
    softmax says exactly 1.0 from a lead of 37 on, a margin of 40 still beats one of 38.
    Rankings (ROC, AUC, average precision, thresholds) are therefore taken from margins.

    Parameters
    ----------
    scores
        (N, C) logits of exclusive classes: m_c = s_c - log sum_{k != c} exp(s_k), which is
        s_1 - s_0 for class 1 of two; or (N, L) logits of labels, whose log-odds they are.

    Returns
    -------
    NDArray
        (N, C) or (N, L); sigmoid(margins) are the probabilities.

    Raises
    ------
    ShapeError, ArgumentError
        As `probabilities`.
    """
    s = _check_table(scores, multilabel)
    if multilabel:
        return s
    if s.shape[1] == 2:
        lead = s[:, 1] - s[:, 0]  # (N,)
        return np.stack([-lead, lead], axis=1)
    out = np.empty_like(s)
    for c in range(s.shape[1]):
        # Sorted, so that the order of the other classes cannot break a tie by rounding.
        rest = np.sort(np.delete(s, c, axis=1), axis=1)  # (N, C - 1)
        top = rest[:, -1]
        out[:, c] = (s[:, c] - top) - np.log(np.exp(rest - top[:, None]).sum(axis=1))
    return out


def probabilities(scores: ArrayLike, multilabel: bool) -> NDArray[np.float64]:
    """Turn logits into probabilities: softmax over (N, C), or a sigmoid per label (N, L).

    Raises
    ------
    ShapeError
        If the scores are not one row per example.
    ArgumentError
        If a score is NaN or infinite.
    """
    table = _check_table(scores, multilabel)
    return sigmoid(table) if multilabel else softmax(table)


def decide(probabilities: NDArray, multilabel: bool) -> NDArray[np.int64]:
    """Return the most probable class (N,), or for several labels p > 0.5 as 0 / 1 (N, L).

    With two classes the most probable one is class 1 exactly where p_1 > 0.5.
    """
    if multilabel:
        return (probabilities > THRESHOLD).astype(np.int64)
    return probabilities.argmax(axis=1).astype(np.int64)


def _check_table(scores: ArrayLike, multilabel: bool) -> NDArray[np.float64]:
    array = np.asarray(scores)
    if array.ndim != 2 or array.shape[1] < (1 if multilabel else 2):
        wanted = "(N, L), one score per label" if multilabel else "(N, C) with at least 2 classes"
        raise ShapeError(f"scores has shape {array.shape}; expected {wanted}")
    return check_finite(array)
