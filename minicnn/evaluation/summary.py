"""All the figures of one evaluation, in the shape ``metrics.json`` has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import DtypeError, ShapeError
from minicnn.evaluation import intervals, metrics, ranking
from minicnn.evaluation.checks import check_finite, check_labels, check_same_length
from minicnn.evaluation.jsonable import to_json
from minicnn.evaluation.notes import count_units, on_classes, on_labels, on_rough_intervals
from minicnn.evaluation.resampled import DECISIONS, MEASURED, of_classes, of_labels
from minicnn.evaluation.scores import decide, margins, probabilities

Summary = dict[str, Any]
Floats = NDArray[np.float64]
# Proportions of a known number of examples: at 0 and 1 Wilson's interval replaces the bootstrap's.
PROPORTIONS = ("accuracy", "precision", "recall")


def summarize(
    labels: ArrayLike,
    scores: ArrayLike,
    classes: Sequence[str],
    *,
    multilabel: bool = False,
    ids: Sequence[str] | NDArray | None = None,
    resamples: int = intervals.RESAMPLES,
    seed: int = 0,
) -> Summary:
    """Measure a model's scores against the truth.

    Parameters
    ----------
    labels
        (N,) class numbers, or with several labels (N, L) of 0 and 1.
    scores
        Logits: (N, C) for exclusive classes, (N, L) for several labels.
    classes
        Names of the C classes or L labels.
    multilabel
        Whether an image may have several labels at once.
    ids
        (N,) patient ids; where given, the bootstrap draws patients.
    resamples, seed
        Of the bootstrap. 0 resamples: no intervals.

    Returns
    -------
    dict
        Fit for JSON: ``n``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``auc``,
        ``average_precision``, ``log_loss``, ``baseline_accuracy``, ``confusion``,
        ``intervals`` (name to [low, high]), ``interval_method``, ``classes`` and ``notes``,
        a list of sentences on whatever is undefined. Undefined numbers are None. With
        several labels the figures are means over the labels that have positives (accuracy
        too), and ``labels`` holds the same per label.

        ``baseline_accuracy`` is what always giving the commonest answer would score.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If labels, scores and classes do not fit together, or a score is not finite.
    """
    values = check_finite(scores)
    if values.ndim != 2 or values.shape[1] != len(classes):
        raise ShapeError(
            f"scores has shape {values.shape}; expected (N, {len(classes)}), "
            f"one column for each of {len(classes)} {'labels' if multilabel else 'classes'}"
        )
    summary = (
        _several_labels(labels, values, classes, ids, resamples, seed)
        if multilabel
        else _exclusive_classes(labels, values, classes, ids, resamples, seed)
    )
    if resamples:
        units = "images" if ids is None else "patients"
        how = "" if multilabel else "stratified "
        method = f"95 % percentile interval of {resamples:,} {how}bootstrap resamples of {units}"
        if _any_wilson(summary):
            method += "; Wilson's interval for a proportion of exactly 0 or 1"
        summary["interval_method"] = method
    return to_json(summary)


def _exclusive_classes(
    labels: ArrayLike,
    scores: Floats,
    classes: Sequence[str],
    ids: Sequence[str] | NDArray | None,
    resamples: int,
    seed: int,
) -> Summary:
    n_classes = len(classes)
    truth = check_labels(labels, n_classes)
    check_same_length(truth, scores)
    p = probabilities(scores, multilabel=False)
    # Rankings come from margins, which do not tie where probabilities round to 1.
    m = margins(scores, multilabel=False)
    called = decide(p, multilabel=False)
    confusion = metrics.confusion_matrix(truth, called, n_classes)
    columns = [1] if n_classes == 2 else list(range(n_classes))
    sizes = confusion.sum(axis=1)
    summary: Summary = {
        "n": len(truth),
        **_decisions_of(confusion),
        "auc": ranking.macro_roc_auc(truth, m),
        "average_precision": _mean(
            [ranking.average_precision(truth == c, m[:, c]) for c in columns]
        ),
        "log_loss": metrics.log_loss(truth, p),
        "baseline_accuracy": sizes.max() / len(truth),
        "confusion": confusion.tolist(),
        "intervals": {},
        "interval_method": None,
        "classes": list(classes),
        "notes": on_classes(confusion, classes),
    }
    if resamples:
        statistic = of_classes(truth, m, called)
        found = intervals.bootstrap(statistic, truth, ids, resamples=resamples, seed=seed)
        if n_classes == 2:
            found = _with_wilson(found, confusion)
            if min(count_units(truth == c, ids) for c in (0, 1)) < 2:
                found["auc"] = found["average_precision"] = intervals.UNDEFINED
        summary["intervals"] = {name: list(found[name]) for name in MEASURED}
        counts = {name: count_units(truth == c, ids) for c, name in enumerate(classes)}
        summary["notes"] += on_rough_intervals(counts, ids)
    return summary


def _several_labels(
    labels: ArrayLike,
    scores: Floats,
    classes: Sequence[str],
    ids: Sequence[str] | NDArray | None,
    resamples: int,
    seed: int,
) -> Summary:
    truth = _check_label_table(labels, scores)  # (N, L)
    p = probabilities(scores, multilabel=True)
    called = decide(p, multilabel=True)
    n = len(truth)
    present = truth.sum(axis=0) > 0  # (L,)
    each: dict[str, Summary] = {}
    for j, name in enumerate(classes):
        confusion = metrics.confusion_matrix(truth[:, j], called[:, j], 2)
        positives = int(truth[:, j].sum())
        each[name] = {
            "positives": positives,
            **_decisions_of(confusion),
            "auc": ranking.roc_auc(truth[:, j], scores[:, j]),
            "average_precision": ranking.average_precision(truth[:, j], scores[:, j]),
            "log_loss": metrics.log_loss(truth[:, j], p[:, j]),
            "baseline_accuracy": max(positives, n - positives) / n,
            "confusion": confusion.tolist(),
            "intervals": {},
        }
    counted = [each[name] for name, there in zip(classes, present, strict=True) if there]
    summary: Summary = {
        "n": n,
        **{
            # Never calling a label that exists is a failure, not a gap: precision counts as 0.
            name: _mean([0.0 if math.isnan(m[name]) else m[name] for m in counted])
            for name in DECISIONS
        },
        **{
            name: _mean([m[name] for m in counted])
            for name in ("auc", "average_precision", "log_loss", "baseline_accuracy")
        },
        "intervals": {},
        "interval_method": None,
        "classes": list(classes),
        "labels": each,
        "labels_without_positives": [
            name for name, there in zip(classes, present, strict=True) if not there
        ],
        "notes": on_labels(each),
    }
    if resamples:
        statistic = of_labels(truth, scores, called)
        strata = np.zeros(n, dtype=np.int64)
        found = intervals.bootstrap(statistic, strata, ids, resamples=resamples, seed=seed)
        summary["intervals"] = {name: list(found[name]) for name in MEASURED}
        for j, name in enumerate(classes):
            own = {key: found[f"{j} {key}"] for key in MEASURED}
            own = _with_wilson(own, np.array(each[name]["confusion"]))
            if min(count_units(truth[:, j] == c, ids) for c in (0, 1)) < 2:
                own["auc"] = own["average_precision"] = intervals.UNDEFINED
            each[name]["intervals"] = {key: list(v) for key, v in own.items()}
        holders = {name: count_units(truth[:, j] == 1, ids) for j, name in enumerate(classes)}
        summary["notes"] += on_rough_intervals(holders, ids)
    return summary


def _check_label_table(labels: ArrayLike, scores: Floats) -> NDArray[np.int64]:
    table = np.asarray(labels)
    if table.shape != scores.shape or len(table) == 0:
        raise ShapeError(
            f"labels has shape {table.shape} and scores {scores.shape}; "
            f"with several labels both must be (N, L) with N at least 1"
        )
    if table.dtype.kind not in "iub":
        raise DtypeError(f"labels has dtype {table.dtype}; expected 0 and 1 as integers")
    return check_labels(table.ravel(), 2).reshape(table.shape)


def _decisions_of(confusion: NDArray) -> dict[str, float]:
    return {
        "accuracy": float(metrics.accuracy_of(confusion)),
        "precision": float(metrics.precision_of(confusion)),
        "recall": float(metrics.recall_of(confusion)),
        "f1": float(metrics.f1_of(confusion)),
    }


def _with_wilson(
    found: dict[str, intervals.Interval], confusion: NDArray
) -> dict[str, intervals.Interval]:
    # Where all examples agree, so do all resamples, and [1, 1] would claim certainty.
    (tn, fp), (fn, tp) = confusion
    shares = {
        "accuracy": (tn + tp, confusion.sum()),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
    }
    fixed = dict(found)
    for name in PROPORTIONS:
        part, whole = (int(v) for v in shares[name])
        if whole and part in (0, whole):
            fixed[name] = intervals.wilson(part, whole)
    return fixed


def _any_wilson(summary: Summary) -> bool:
    measured = summary["labels"].values() if "labels" in summary else [summary]
    applies = "labels" in summary or len(summary["classes"]) == 2
    return applies and any(m[name] in (0.0, 1.0) for m in measured for name in PROPORTIONS)


def _mean(values: Sequence[float]) -> float:
    defined = [v for v in values if not math.isnan(v)]
    return sum(defined) / len(defined) if defined else float("nan")
