"""Which images the model got most wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from minicnn.evaluation.scores import decide


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One wrong decision.

    Parameters
    ----------
    index
        Of the image in its data set.
    truth, called
        What it is, and what the model called it.
    probability
        The model's probability of what it called it, between 0.5 and 1 for two classes.
    """

    index: int
    truth: str
    called: str
    probability: float


def worst_mistakes(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str], count: int = 12
) -> list[Mistake]:
    """Return the wrong decisions the model was surest of, surest first.

    Parameters
    ----------
    labels
        (N,) class numbers, or (N, L) of 0 and 1; of an image's several labels only the
        worst is listed.
    probabilities
        (N, C) or (N, L).
    classes
        Names of the C classes or L labels.
    count
        At most so many.
    """
    truth, p = np.asarray(labels), np.asarray(probabilities)
    several = truth.ndim == 2
    called = decide(p, multilabel=several)
    rows = np.arange(len(truth))
    if several:
        given = np.where(truth == 1, p, 1 - p)  # (N, L) probability of the truth
        column = given.argmin(axis=1)  # below 0.5 wherever a label is wrong at all
        of_truth = given[rows, column]
        wrong = (called != truth).any(axis=1)
    else:
        of_truth = p[rows, truth]
        wrong = called != truth
    order = np.flatnonzero(wrong)
    order = order[np.argsort(of_truth[order], kind="stable")][:count]
    if several:
        return [
            Mistake(
                int(i),
                _with_or_without(classes[column[i]], truth[i, column[i]]),
                _with_or_without(classes[column[i]], called[i, column[i]]),
                float(1 - of_truth[i]),
            )
            for i in order
        ]
    return [
        Mistake(int(i), classes[truth[i]], classes[called[i]], float(p[i, called[i]]))
        for i in order
    ]


def _with_or_without(name: str, there: int) -> str:
    return name if there else f"no {name}"
