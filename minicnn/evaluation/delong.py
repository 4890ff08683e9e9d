"""DeLong's test: whether two areas under the ROC curve, of the same images, differ.

The area is a mean over pairs of a positive and a negative, so its variance comes from how
much single images move it. With X_i the positives' and Y_j the negatives' scores, m and n
of them, and psi(x, y) = 1, 1/2 or 0 where x is above, equal to or below y:

    V10_i = 1/n sum_j psi(X_i, Y_j)        how well positive i is placed
    V01_j = 1/m sum_i psi(X_i, Y_j)        how well negative j is placed
    AUC   = mean V10 = mean V01
    Var   = var(V10) / m + var(V01) / n    and covariances of two models likewise

(DeLong, DeLong and Clarke-Pearson 1988, doi 10.2307/2531595.) Both placements follow from
mid-ranks in O(N log N): V10_i = (rank of X_i among all - rank among the positives) / n
(Sun and Xu 2014, doi 10.1109/LSP.2014.2337313). Images are taken as independent; where a
patient has several, the bootstrap by patient is the honest one.
"""

from __future__ import annotations

import dataclasses
import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ShapeError
from minicnn.evaluation.checks import check_finite, check_labels

Floats = NDArray[np.float64]
NAN = float("nan")


@dataclasses.dataclass(frozen=True)
class AreaTest:
    """Two areas under the ROC curve and their difference.

    Parameters
    ----------
    a, b
        The areas of the two models.
    difference
        b - a.
    interval
        95 % of the difference, from its normal approximation.
    z, p
        The difference divided by its standard error, and the two-sided p-value. NaN where
        a class has fewer than two images; p is 1 where the two rank exactly alike.
    """

    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    z: float
    p: float


def delong_covariance(labels: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """Areas of K models on the same images, and the covariance of these areas.

    Parameters
    ----------
    labels
        (N,) of 0 and 1.
    scores
        (K, N), one row per model; or (N,) for one.

    Returns
    -------
    areas, covariance
        (K,) and (K, K). Areas are NaN where a class is absent, the covariance where one has
        fewer than two images.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If they do not fit together or a score is not finite.
    """
    truth = check_labels(labels, 2).astype(bool)
    values = np.atleast_2d(check_finite(scores))  # (K, N)
    if values.ndim != 2 or values.shape[1] != len(truth):
        raise ShapeError(
            f"scores has shape {values.shape}; expected (K, {len(truth)}), one score of each "
            f"model for each label"
        )
    k, m, n = len(values), int(truth.sum()), int((~truth).sum())
    if m == 0 or n == 0:
        return np.full(k, NAN), np.full((k, k), NAN)
    of_positives, of_negatives = np.empty((k, m)), np.empty((k, n))
    for row, v in enumerate(values):
        ranks = mid_ranks(v)  # (N,)
        of_positives[row] = (ranks[truth] - mid_ranks(v[truth])) / n
        of_negatives[row] = 1 - (ranks[~truth] - mid_ranks(v[~truth])) / m
    areas = of_positives.mean(axis=1)  # (K,)
    if min(m, n) < 2:
        return areas, np.full((k, k), NAN)
    covariance = np.atleast_2d(np.cov(of_positives)) / m + np.atleast_2d(np.cov(of_negatives)) / n
    return areas, covariance


def delong_test(labels: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike) -> AreaTest:
    """Compare two models on the same images.

    Parameters
    ----------
    labels, scores_a, scores_b
        (N,) of 0 and 1, and (N,) scores of each model, larger for positives.
    """
    a_scores, b_scores = np.asarray(scores_a), np.asarray(scores_b)
    if a_scores.shape != b_scores.shape or a_scores.ndim != 1:
        raise ShapeError(
            f"the two models have scores of shapes {a_scores.shape} and {b_scores.shape}; "
            f"expected (N,) both, of the same images"
        )
    (a, b), covariance = delong_covariance(labels, np.stack([a_scores, b_scores]))
    difference = b - a
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if math.isnan(variance):
        return AreaTest(float(a), float(b), float(difference), (NAN, NAN), NAN, NAN)
    # Two models that rank alike leave only rounding here.
    error = math.sqrt(variance) if variance > 1e-16 else 0.0
    if error == 0:
        same = abs(difference) < 1e-12
        return AreaTest(
            float(a),
            float(b),
            float(difference),
            (float(difference), float(difference)) if same else (NAN, NAN),
            0.0 if same else NAN,
            1.0 if same else NAN,
        )
    z = float(difference / error)
    half = NormalDist().inv_cdf(0.975) * error
    p = math.erfc(abs(z) / math.sqrt(2))
    interval = (float(difference - half), float(difference + half))
    return AreaTest(float(a), float(b), float(difference), interval, z, p)


def mid_ranks(values: NDArray) -> Floats:
    """Rank numbers 1 ... N (N,), equal ones sharing the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[which]
