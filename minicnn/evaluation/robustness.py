"""How much worse a model gets as images do.

The measure is the balanced error, 1 - mean of the classes' recalls, so that calling
everything by the commonest class scores 0.5 and not a flattering 0.26. As in MedMNIST-C
(arXiv 2406.17536) it is taken at the operating point chosen on clean validation images;
where none was chosen, at 0.5. With several labels it is the mean over those that have
positives and negatives. Beside it stands the AUC, which needs no threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.evaluation import metrics, ranking
from minicnn.evaluation.checks import check_labels
from minicnn.evaluation.chosen import YOUDEN, Chosen, questions
from minicnn.evaluation.jsonable import to_json
from minicnn.evaluation.scores import margins

Floats = NDArray[np.float64]


def balanced_error(
    labels: ArrayLike,
    scores: ArrayLike,
    classes: Sequence[str],
    *,
    multilabel: bool = False,
    limits: Mapping[str, float] | None = None,
) -> float:
    """1 - mean over the classes of the share that was called right.

    Parameters
    ----------
    labels
        (N,) class numbers or (N, L) of 0 and 1.
    scores
        (N, C) or (N, L) logits.
    classes
        Names of the classes or labels.
    multilabel
        Whether each column is a label of its own.
    limits
        Thresholds on the log-odds, by the name of the positive class or label; 0 (a
        probability of 0.5) where there is none. More than two classes need none.

    Returns
    -------
    float
        Between 0 and 1. Classes without images are left out, and labels without positives
        or without negatives; NaN where nothing is left.
    """
    table = margins(scores, multilabel)
    truth = np.asarray(labels)
    asked = questions(classes, multilabel)
    given = limits or {}
    errors = []
    for name, column in asked:
        t = check_labels(truth[:, column] if multilabel else truth, 2)
        called = (table[:, column] > given.get(name, 0.0)).astype(np.int64)
        recalls = _recalls(metrics.confusion_matrix(t, called, 2))
        if not (multilabel and np.isnan(recalls).any()):
            errors.append(1 - _mean(recalls))
    if not asked:
        called = np.asarray(scores).argmax(axis=1)
        errors.append(1 - _mean(_recalls(metrics.confusion_matrix(truth, called, len(classes)))))
    return _mean(errors)


def area(
    labels: ArrayLike, scores: ArrayLike, classes: Sequence[str], *, multilabel: bool = False
) -> float:
    """Area under the ROC curve: of class 1 of two, else the mean of what is defined."""
    table, truth = margins(scores, multilabel), np.asarray(labels)
    if not multilabel:
        return ranking.macro_roc_auc(truth, table)
    return _mean([ranking.roc_auc(truth[:, j], table[:, j]) for j in range(len(classes))])


def measure_robustness(
    labels: ArrayLike,
    clean_scores: ArrayLike,
    classes: Sequence[str],
    spoiled: Iterable[tuple[str, int, Callable[[], NDArray]]],
    *,
    multilabel: bool = False,
    chosen: Chosen | None = None,
) -> dict[str, Any]:
    """Measure a model on clean and on spoiled images.

    Parameters
    ----------
    labels, classes, multilabel
        As for `minicnn.evaluation.summary.summarize`.
    clean_scores
        (N, K) logits of the images as they are.
    spoiled
        Name of a corruption, severity, and a function that returns the logits (N, K) of the
        images so corrupted.
    chosen
        Thresholds chosen on clean images.

    Returns
    -------
    dict
        Fit for JSON: ``clean`` and ``mean`` with ``balanced_error`` and ``auc``; ``relative``,
        the mean balanced error minus the clean one; ``corruptions``: for each name the two
        as lists over the ``severities``, the ``mean`` balanced error and what it is
        ``relative`` to the clean one; ``thresholds``, where they were chosen, or None.
    """
    limits = {}
    if chosen is not None:
        limits = {
            name: rules[YOUDEN] for name, rules in chosen.thresholds.items() if YOUDEN in rules
        }

    def measure(scores: ArrayLike) -> tuple[float, float]:
        error = balanced_error(labels, scores, classes, multilabel=multilabel, limits=limits)
        return error, area(labels, scores, classes, multilabel=multilabel)

    clean, clean_area = measure(clean_scores)
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for name, severity, score in spoiled:
        found.setdefault(name, {})[severity] = measure(score())
    corruptions: dict[str, dict[str, Any]] = {}
    for name, by_severity in found.items():
        pairs = [by_severity[s] for s in sorted(by_severity)]
        errors = [pair[0] for pair in pairs]
        corruptions[name] = {
            "severities": sorted(by_severity),
            "balanced_error": errors,
            "auc": [pair[1] for pair in pairs],
            "mean": _mean(errors),
            "relative": _mean(errors) - clean,
        }
    mean = _mean([c["mean"] for c in corruptions.values()])
    out = {
        "clean": {"balanced_error": clean, "auc": clean_area},
        "mean": {
            "balanced_error": mean,
            "auc": _mean([_mean(c["auc"]) for c in corruptions.values()]),
        },
        "relative": mean - clean,
        "corruptions": corruptions,
        "thresholds": chosen.source if limits and chosen is not None else None,
    }
    result: dict[str, Any] = to_json(out)
    return result


def _recalls(confusion: NDArray) -> Floats:
    sizes = confusion.sum(axis=1)
    right = np.diagonal(confusion).astype(np.float64)
    return np.divide(right, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)


def _mean(values: Sequence[float] | Floats) -> float:
    defined = [v for v in np.asarray(values, dtype=np.float64) if not np.isnan(v)]
    return float(np.mean(defined)) if defined else float("nan")
