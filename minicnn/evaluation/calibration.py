"""Calibration: whether a probability of 0.8 comes true in 8 of 10 cases.

A ranking can be perfect and its probabilities useless. The Brier score is the mean squared
distance from the truth; a reliability diagram compares the mean probability with the share
that came true, bin by bin; the expected calibration error is their mean distance,

    ECE = sum_b n_b / N |frequency_b - mean probability_b|

over 15 bins of equal width (Guo et al. 2017, arXiv 1706.04599, equation 3). Empty bins
weigh nothing. The ECE depends on the bins and is never quite 0 on finite data, even for
true probabilities; it is a summary of the diagram, not a substitute.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.arguments import check_count
from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.checks import check_binary, check_finite, check_labels, check_same_length

Floats = NDArray[np.float64]
BINS = 15


@dataclasses.dataclass(frozen=True)
class Reliability:
    """What was promised and what came true, bin by bin, (B,) each.

    Parameters
    ----------
    edges
        (B + 1,) of the bins, from 0 to 1; a bin holds its upper edge.
    counts
        How many probabilities lie in each.
    predicted, observed
        Their mean, and the share that came true; NaN in an empty bin.
    """

    edges: Floats
    counts: NDArray[np.int64]
    predicted: Floats
    observed: Floats

    @property
    def ece(self) -> float:
        """The expected calibration error."""
        full = self.counts > 0
        gap = np.abs(self.observed[full] - self.predicted[full])
        return float((self.counts[full] * gap).sum() / self.counts.sum())

    @property
    def largest_gap(self) -> float:
        """The maximum calibration error: the largest distance of all bins with images."""
        full = self.counts > 0
        return float(np.abs(self.observed[full] - self.predicted[full]).max())


def reliability(came_true: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> Reliability:
    """Sort probabilities into bins of equal width.

    Parameters
    ----------
    came_true
        (N,) of 0 and 1.
    probabilities
        (N,) in [0, 1].
    bins
        How many.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If the two do not fit, or a probability is NaN or outside [0, 1].
    """
    check_count("bins", bins)
    truth, p = check_binary(came_true, probabilities)
    _check_shares(p)
    edges = np.linspace(0, 1, bins + 1)
    which = np.searchsorted(edges[1:-1], p, side="left")  # (N,) bin number
    counts = np.bincount(which, minlength=bins)
    return Reliability(
        edges,
        counts,
        _mean(_sums(which, p, bins), counts),
        _mean(_sums(which, truth, bins), counts),
    )


def brier_score(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of probabilities from the truth (Brier 1950).

    Parameters
    ----------
    labels
        (N,) class numbers.
    probabilities
        (N,) of class 1: the mean of (p - y)^2, between 0 and 1; always saying 0.5 scores
        0.25. Or (N, C): the squares are summed over the classes, as in Brier's paper
        (doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2), between 0 and 2.
    """
    return float(squared_errors(labels, probabilities).mean())


def squared_errors(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Return each image's term (N,) of the Brier score."""
    p = check_finite(probabilities, "probabilities")
    if p.ndim not in (1, 2):
        raise ShapeError(f"probabilities has shape {p.shape}; expected (N,) or (N, C)")
    _check_shares(p)
    truth = check_labels(labels, 2 if p.ndim == 1 else p.shape[1])
    check_same_length(truth, p, "probabilities")
    if p.ndim == 1:
        return (p - truth) ** 2
    return ((p - np.eye(p.shape[1])[truth]) ** 2).sum(axis=1)


def _check_shares(p: Floats) -> None:
    if p.size and (p.min() < 0 or p.max() > 1):
        raise ArgumentError(
            f"probabilities reach from {p.min():g} to {p.max():g}; expected shares between 0 "
            f"and 1: turn scores into probabilities first"
        )


def _sums(which: NDArray[np.int64], values: NDArray, bins: int) -> Floats:
    return np.bincount(which, weights=values, minlength=bins).astype(np.float64)


def _mean(total: Floats, counts: NDArray[np.int64]) -> Floats:
    return np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0)
