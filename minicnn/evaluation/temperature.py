"""Temperature scaling: one number that makes an over-confident network modest.

The logits are divided by T > 0 before the softmax (Guo et al. 2017, arXiv 1706.04599).
T > 1 pulls all probabilities towards the middle, T < 1 pushes them apart; no decision at
0.5 and no ranking changes. T is the one that gives validation images the smallest log
loss; test images are never used for it.

With a = 1 / T the log loss is convex in a, and its slope is the mean over the images of

    sum_k p_k(a) s_k - s_y        (for a label's sigmoid: (sigmoid(a s) - y) s)

which grows with a: where it crosses 0 is found by halving an interval.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ShapeError
from minicnn.evaluation.checks import check_labels, check_same_length
from minicnn.evaluation.scores import margins, probabilities

LOWEST, HIGHEST = 0.01, 100.0
STEPS = 200


@dataclasses.dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Parameters
    ----------
    value
        T, between 0.01 and 100.
    at_limit
        Whether the best T lies beyond: where the images it was fitted on are separated
        without a mistake the log loss falls for ever as T does; where the scores say
        nothing, or the contrary of the truth, T grows for ever. (Scores that are all equal
        keep T = 1.)
    """

    value: float
    at_limit: bool


def fit_temperature(labels: ArrayLike, scores: ArrayLike, multilabel: bool = False) -> Temperature:
    """Find the temperature with the smallest log loss.

    Parameters
    ----------
    labels
        (N,) class numbers, or (N, L) of 0 and 1.
    scores
        (N, C) or (N, L) logits of the same validation images.
    multilabel
        Whether each column is a label of its own. All share one T.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If the two do not fit together, or a score is not finite.
    """
    s = margins(scores, multilabel) if multilabel else np.asarray(scores, dtype=np.float64)
    if multilabel:
        table = np.asarray(labels)
        if table.shape != s.shape:
            raise ShapeError(
                f"labels has shape {table.shape} and scores {s.shape}; expected (N, L) both"
            )
        truth = check_labels(table.ravel(), 2).reshape(table.shape)
    else:
        margins(scores, False)  # checks shape and numbers
        truth = check_labels(labels, s.shape[1])
        check_same_length(truth, s)
        # Only differences matter; without the offset nothing cancels.
        s = s - s[np.arange(len(s)), truth][:, None]

    def slope(a: float) -> float:
        p = probabilities(a * s, multilabel)  # (N, K)
        if multilabel:
            return float(((p - truth) * s).mean())
        return float((p * s).sum(axis=1).mean())

    if not (s - s.mean(axis=-1, keepdims=True)).any() and not (multilabel and s.any()):
        return Temperature(1.0, True)  # nothing to scale
    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(low) >= 0:
        return Temperature(HIGHEST, True)
    if slope(high) <= 0:
        return Temperature(LOWEST, True)
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        if not low < middle < high:
            break
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    return Temperature(1 / middle, False)


def scale(scores: NDArray, temperature: float) -> NDArray[np.float64]:
    """Divide logits by a temperature."""
    return np.asarray(scores, dtype=np.float64) / temperature
