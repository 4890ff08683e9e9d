"""Metrics of rankings: how well a score separates positives from negatives.

They need no threshold. A curve walks down the thresholds, from "nobody is positive" to
"everybody is"; examples with equal scores are passed in one step. With one class absent
the curve and its area are undefined and come back as NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ShapeError
from minicnn.evaluation.checks import check_binary, check_finite, check_labels, check_same_length

Floats = NDArray[np.float64]


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Receiver operating characteristic.

    Parameters
    ----------
    labels
        (N,) of 0 and 1.
    scores
        (N,), larger means more likely positive.

    Returns
    -------
    fpr, tpr, thresholds
        False and true positive rate where everything with score >= threshold is called
        positive; the first threshold is infinity, where nothing is. A rate whose class is
        absent is NaN.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If the arrays do not fit, or a score is NaN.
    """
    true_positives, called, thresholds = _walk(labels, scores)
    false_positives = called - true_positives
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN here, on purpose
        fpr = false_positives / false_positives[-1]
        tpr = true_positives / true_positives[-1]
    return fpr, tpr, thresholds


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: P(score of a positive > score of a negative).

    Equal scores count one half. Computed as the Mann-Whitney statistic from mid-ranks,
    AUC = (R - n_1 (n_1 + 1) / 2) / (n_1 n_0) with R the sum of the positives' ranks
    (Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747). NaN where the labels
    are all positive or all negative.
    """
    truth, values = check_binary(labels, scores)
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    # A group of equal scores shares the mean of the ranks it covers.
    mid_ranks = counts.cumsum() - (counts - 1) / 2
    rank_sum = mid_ranks[which][truth].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def macro_roc_auc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean over the classes of the AUC of each class against all others.

    Parameters
    ----------
    labels
        (N,) class numbers.
    probabilities
        (N, C). With two columns this is the AUC of column 1.

    Returns
    -------
    float
        The mean over the classes that have examples; NaN where only one has.
    """
    p = check_finite(probabilities, "probabilities")
    if p.ndim != 2:
        raise ShapeError(f"probabilities has shape {p.shape}; expected (N, C)")
    truth = check_labels(labels, p.shape[1])
    check_same_length(truth, p, "probabilities")
    columns = [1] if p.shape[1] == 2 else range(p.shape[1])
    areas = np.array([roc_auc(truth == c, p[:, c]) for c in columns])
    defined = areas[~np.isnan(areas)]
    return float(defined.mean()) if len(defined) else float("nan")


def precision_recall_curve(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Precision against recall.

    Returns
    -------
    precision, recall, thresholds
        Both rates where everything with score >= threshold is called positive. The curve
        starts at threshold infinity with recall 0, where precision is set to 1. Without
        positives recall is NaN.
    """
    true_positives, called, thresholds = _walk(labels, scores)
    precision = np.divide(true_positives, called, out=np.ones(len(called)), where=called > 0)
    with np.errstate(invalid="ignore"):
        recall = true_positives / true_positives[-1]
    return precision, recall, thresholds


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve as a sum of steps: sum_k (R_k - R_{k-1}) P_k.

    Straight lines between the points would be too optimistic (Davis and Goadrich 2006,
    doi 10.1145/1143844.1143874). NaN where there are no positives.
    """
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float((np.diff(recall) * precision[1:]).sum())


def _walk(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Count true positives and all called positive at each distinct score, from the top."""
    truth, values = check_binary(labels, scores)
    order = np.argsort(-values, kind="stable")
    truth, values = truth[order], values[order]
    # The last example of each run of equal scores: only there is a threshold possible.
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    true_positives = truth.cumsum()[ends]
    start = np.zeros(1)
    return (
        np.concatenate([start, true_positives]),
        np.concatenate([start, ends + 1.0]),
        np.concatenate([[np.inf], values[ends]]),
    )
