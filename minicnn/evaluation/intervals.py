"""How far a number may be trusted: bootstrap intervals, and Wilson's for proportions.

The bootstrap (Efron 1979, doi 10.1214/aos/1176344552) draws from the test set with
replacement, as many as there are, and computes the metric again; the middle 95 % of 2,000
such values is the interval. The draw is

- stratified: each class keeps its number of examples, since the share of positives in a
  test set is a choice of whoever made it;
- by patient where patients are known: images of one patient are alike, so they are drawn
  together or not at all.

A resample is held as counts: how often each example was drawn. One array (N, B) of counts
then gives B confusion matrices and B areas under the ROC curve without a Python loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation import metrics

Interval = tuple[float, float]
Counts = NDArray[np.int32]
Statistic = Callable[[Counts], dict[str, NDArray[np.float64]]]

RESAMPLES = 2000
CONFIDENCE = 0.95
UNDEFINED: Interval = (float("nan"), float("nan"))
# Examples times resamples held at once: 4 million int32 are 16 MB, whatever the test set.
CHUNK_ENTRIES = 4_000_000


def bootstrap(
    statistic: Statistic,
    strata: ArrayLike,
    groups: Sequence[str] | NDArray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval]:
    """Percentile intervals of everything ``statistic`` computes.

    Parameters
    ----------
    statistic
        Takes counts (N, B) and returns B values by name.
    strata
        (N,) integers; the draw keeps the size of each stratum. Constant: no strata.
    groups
        (N,) patient ids: a patient's images are drawn together. None: image by image.
    resamples, seed, confidence
        How many draws, from which seed, and the share of them inside the interval.

    Returns
    -------
    dict
        Name to (low, high); (NaN, NaN) where fewer than half of the resamples have the
        metric defined.

    Raises
    ------
    ArgumentError, ShapeError
        If ``confidence`` or ``resamples`` is out of range, or the lengths differ.
    """
    _check_confidence(confidence)
    if resamples < 1:
        raise ArgumentError(f"resamples is {resamples}; expected at least 1, usually 2000")
    rng = np.random.default_rng(seed)
    chunks: dict[str, list[NDArray]] = {}
    for counts in resample(strata, groups, resamples, rng):
        for name, values in statistic(counts).items():
            chunks.setdefault(name, []).append(values)
    return {name: _percentiles(np.concatenate(v), confidence) for name, v in chunks.items()}


def resample(
    strata: ArrayLike,
    groups: Sequence[str] | NDArray | None,
    resamples: int,
    rng: np.random.Generator,
) -> Iterator[Counts]:
    """Yield counts (N, B): how often each example is in each of B resamples, B in all chunks.

    A patient whose images lie in several strata belongs to one more stratum, the mixed one.
    """
    stratum = np.asarray(strata)  # (N,)
    if stratum.ndim != 1 or len(stratum) == 0:
        raise ShapeError(f"strata has shape {stratum.shape}; expected (N,) with N at least 1")
    if groups is None:
        unit = np.arange(len(stratum))
    else:
        ids = np.asarray(groups)
        if ids.shape != stratum.shape:
            raise ShapeError(
                f"groups has shape {ids.shape}; expected one id for each of {len(stratum)} examples"
            )
        _, unit = np.unique(ids, return_inverse=True)  # (N,) patient number
    _, code = np.unique(stratum, return_inverse=True)
    n_units = int(unit.max()) + 1
    lowest = np.full(n_units, code.max() + 1)
    highest = np.full(n_units, -1)
    np.minimum.at(lowest, unit, code)
    np.maximum.at(highest, unit, code)
    unit_stratum = np.where(lowest == highest, lowest, code.max() + 1)  # (U,)
    members = [np.flatnonzero(unit_stratum == s) for s in np.unique(unit_stratum)]

    at_once = max(1, min(resamples, CHUNK_ENTRIES // len(stratum)))
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = np.empty((n_units, size), dtype=np.int32)
        for units in members:
            picks = rng.integers(len(units), size=(len(units), size))
            cells = (picks * size + np.arange(size)).ravel()
            drawn[units] = np.bincount(cells, minlength=len(units) * size).reshape(-1, size)
        yield drawn if groups is None else drawn[unit]  # (N, B)


def resampled_confusion(
    labels: NDArray, predictions: NDArray, n_classes: int, counts: Counts
) -> NDArray[np.int64]:
    """Confusion matrices (B, C, C) of the resamples."""
    codes = labels * n_classes + predictions  # (N,)
    table = np.zeros((n_classes**2, counts.shape[1]), dtype=np.int64)
    for code in np.unique(codes):
        table[code] = counts[codes == code].sum(axis=0)
    return table.T.reshape(-1, n_classes, n_classes)


def resampled_auc(labels: NDArray, scores: NDArray, counts: Counts) -> NDArray[np.float64]:
    """Areas under the ROC curve (B,) of the resamples; NaN where a class was not drawn."""
    positive = labels.astype(bool)
    order = np.argsort(scores[~positive], kind="stable")
    negatives = scores[~positive][order]
    # below[k]: drawn negatives among the k lowest, in each resample.
    below = np.zeros((len(negatives) + 1, counts.shape[1]), dtype=np.int32)
    np.cumsum(counts[~positive][order], axis=0, out=below[1:])
    # A positive beats the negatives below it, and half of those equal to it.
    first = np.searchsorted(negatives, scores[positive], side="left")
    last = np.searchsorted(negatives, scores[positive], side="right")
    twice_wins = np.einsum(
        "pb,pb->b", counts[positive], below[first] + below[last], dtype=np.float64
    )
    pairs = counts[positive].sum(axis=0, dtype=np.float64) * below[-1]
    return np.divide(twice_wins, 2 * pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def resampled_average_precision(
    labels: NDArray, scores: NDArray, counts: Counts
) -> NDArray[np.float64]:
    """Average precisions (B,) of the resamples; NaN where no positive was drawn."""
    order = np.argsort(-scores, kind="stable")
    positive, values = labels.astype(bool)[order], scores[order]
    # Only after the last of equal scores can a threshold lie, and only those with a
    # positive among the equal ones add to the area.
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    found_by = positive.cumsum()[ends]  # (T,)
    adds = np.diff(found_by, prepend=0) > 0
    if not adds.any():
        return np.full(counts.shape[1], np.nan)
    ends, found_by = ends[adds], found_by[adds]  # (P,)
    starts = np.append(0, ends[:-1] + 1)
    drawn = np.add.reduceat(counts[order[: ends[-1] + 1]], starts, axis=0)  # (P, B)
    called = np.cumsum(drawn, axis=0)
    first_found = np.append(0, found_by[:-1])
    newly = np.add.reduceat(counts[order[positive]], first_found, axis=0)  # (P, B)
    found = np.cumsum(newly, axis=0)
    area = np.einsum("pb,pb->b", newly, found / np.maximum(called, 1))
    total = found[-1].astype(np.float64)
    return np.divide(area, total, out=np.full(len(total), np.nan), where=total > 0)


def decision_statistics(
    labels: NDArray, predictions: NDArray, n_classes: int, counts: Counts
) -> dict[str, NDArray[np.float64]]:
    """Accuracy, precision, recall and F1 of the resamples, (B,) each."""
    confusion = resampled_confusion(labels, predictions, n_classes, counts)
    return {
        "accuracy": metrics.accuracy_of(confusion),
        "precision": metrics.precision_of(confusion),
        "recall": metrics.recall_of(confusion),
        "f1": metrics.f1_of(confusion),
    }


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Unlike the bootstrap it stays honest at 0 and at 1, where every resample agrees.

    Raises
    ------
    ArgumentError
        If not 0 <= successes <= n, or ``confidence`` is not between 0 and 1.
    """
    from statistics import NormalDist

    _check_confidence(confidence)
    if not 0 <= successes <= n:
        raise ArgumentError(f"successes is {successes}; expected 0 ... n = {n}")
    if n == 0:
        return UNDEFINED
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _percentiles(values: NDArray, confidence: float) -> Interval:
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values):
        return UNDEFINED
    tail = 50 * (1 - confidence)
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence is {confidence}; expected a share such as 0.95")
