"""Beyond the headline: operating points, predictive values, averages, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.evaluation import averages, intervals, metrics, operating
from minicnn.evaluation.calibrated import measure_calibration
from minicnn.evaluation.checks import check_labels
from minicnn.evaluation.chosen import TARGET, Chosen, questions, to_metrics
from minicnn.evaluation.jsonable import to_json
from minicnn.evaluation.operating import PREVALENCES
from minicnn.evaluation.scores import decide, margins, probabilities, sigmoid

Floats = NDArray[np.float64]
DEFAULT = "0.5"


def assess(
    labels: ArrayLike,
    scores: ArrayLike,
    classes: Sequence[str],
    *,
    multilabel: bool = False,
    ids: Sequence[str] | NDArray | None = None,
    chosen: Chosen | None = None,
    target: float = TARGET,
    thresholds: Sequence[float] = (),
    resamples: int = intervals.RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure what `minicnn.evaluation.summary.summarize` leaves out.

    Parameters
    ----------
    labels, scores, classes, multilabel, ids, resamples, seed
        As there.
    chosen
        Thresholds and temperature chosen on other images; None: neither is measured.
    target
        The target sensitivity they were chosen for.
    thresholds
        More thresholds on the probability, in [0, 1].

    Returns
    -------
    dict
        Fit for JSON: ``averages`` (per class, micro and macro), ``operating_points`` (of
        each two-way question a list, see `_points`), ``calibration`` and ``chosen``.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If labels and scores do not fit, or a threshold lies outside [0, 1].
    """
    truth = np.asarray(labels)
    if multilabel:
        check_labels(truth.ravel(), 2)
    else:
        truth = check_labels(truth, len(classes))
    table = np.asarray(scores, dtype=np.float64)
    out = {
        "averages": _averages(truth, table, classes, multilabel),
        "operating_points": _points(
            truth, table, classes, multilabel, ids, chosen, thresholds, resamples, seed
        ),
        "calibration": measure_calibration(
            truth, table, classes, multilabel, ids, chosen, resamples, seed
        ),
        "chosen": None if chosen is None else to_metrics(chosen, target),
    }
    result: dict[str, Any] = to_json(out)
    return result


def _averages(
    truth: NDArray, scores: Floats, classes: Sequence[str], multilabel: bool
) -> dict[str, Any]:
    called = decide(probabilities(scores, multilabel), multilabel)
    if multilabel:
        tp = ((truth == 1) & (called == 1)).sum(axis=0)  # (L,)
        fp = ((truth == 0) & (called == 1)).sum(axis=0)
        fn = ((truth == 1) & (called == 0)).sum(axis=0)
        counted = tp + fn > 0
    else:
        matrix = metrics.confusion_matrix(truth, called, len(classes))
        tp, fp, fn = averages.outcomes(matrix)
        counted = np.ones(len(classes), dtype=bool)
    each = averages.precision_recall_f1(tp, fp, fn)
    return {
        "per_class": {
            name: {
                **{figure: each[figure][c] for figure in averages.FIGURES},
                "support": int(tp[c] + fn[c]),
            }
            for c, name in enumerate(classes)
        },
        "micro": averages.precision_recall_f1(tp, fp, fn, "micro"),
        # Labels without positives say nothing about the model, and have no part in the mean.
        "macro": averages.precision_recall_f1(tp[counted], fp[counted], fn[counted], "macro"),
    }


def _points(
    truth: NDArray,
    scores: Floats,
    classes: Sequence[str],
    multilabel: bool,
    ids: Sequence[str] | NDArray | None,
    chosen: Chosen | None,
    thresholds: Sequence[float],
    resamples: int,
    seed: int,
) -> dict[str, list[dict[str, Any]]]:
    """Measure each threshold of each question.

    A point has ``name``, ``chosen_on``, ``threshold`` on the probability and ``margin``, the
    same on the log-odds; ``sensitivity``, ``specificity``, ``ppv``, ``npv``, ``confusion``,
    their ``intervals``, and ``prevalence``: PPV and NPV for other shares of positives.
    """
    table = margins(scores, multilabel)
    default = decide(probabilities(scores, multilabel), multilabel)
    points: list[dict[str, Any]] = []
    decided: list[tuple[NDArray, NDArray]] = []  # truth and decision of each point, (N,)
    out: dict[str, list[dict[str, Any]]] = {}
    for name, column in questions(classes, multilabel):
        t = (truth[:, column] if multilabel else truth).astype(np.int64)
        limits = {DEFAULT: 0.0}
        limits |= {f"given {p:g}": operating.margin_of(p) for p in thresholds}
        rules = {} if chosen is None else chosen.thresholds.get(name, {})
        out[name] = []
        for rule, limit in {**limits, **rules}.items():
            if rule == DEFAULT:
                # The decisions of the headline figures, to the last rounding.
                called = default[:, column] if multilabel else default
            else:
                called = (table[:, column] > limit).astype(np.int64)
            point = {
                "name": rule,
                "chosen_on": chosen.source if chosen is not None and rule in rules else None,
                "threshold": float(sigmoid(limit)) if np.isfinite(limit) else float(limit > 0),
                "margin": limit,
                **_rates(metrics.confusion_matrix(t, called, 2)),
            }
            out[name].append(point)
            points.append(point)
            decided.append((t, called))
    if resamples and points:
        strata = np.zeros(len(truth), dtype=np.int64) if multilabel else truth
        _add_intervals(points, decided, strata, ids, resamples, seed)
    return out


def _rates(confusion: NDArray[np.int64]) -> dict[str, Any]:
    rates = {name: float(v) for name, v in operating.rates_of(confusion).items()}
    ppv, npv = operating.predictive_values(rates["sensitivity"], rates["specificity"], PREVALENCES)
    return {
        **rates,
        "confusion": confusion.tolist(),
        "intervals": {},
        "prevalence": [
            {"prevalence": share, "ppv": float(ppv[i]), "npv": float(npv[i])}
            for i, share in enumerate(PREVALENCES)
        ],
    }


def _add_intervals(
    points: list[dict[str, Any]],
    decided: list[tuple[NDArray, NDArray]],
    strata: NDArray,
    ids: Sequence[str] | NDArray | None,
    resamples: int,
    seed: int,
) -> None:
    def statistic(counts: intervals.Counts) -> dict[str, Floats]:
        values: dict[str, Floats] = {}
        for k, (t, called) in enumerate(decided):
            rates = operating.rates_of(intervals.resampled_confusion(t, called, 2, counts))
            values |= {f"{k} {name}": v for name, v in rates.items()}
            for i, share in enumerate(PREVALENCES):
                values[f"{k} {i}"], _ = operating.predictive_values(
                    rates["sensitivity"], rates["specificity"], share
                )
        return values

    found = intervals.bootstrap(statistic, strata, ids, resamples=resamples, seed=seed)
    for k, point in enumerate(points):
        (tn, fp), (fn, tp) = point["confusion"]
        shares = {
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "ppv": (tp, tp + fp),
            "npv": (tn, tn + fn),
        }
        for name, (part, whole) in shares.items():
            # Where all agree so do all resamples, and [1, 1] would claim certainty.
            sure = whole and part in (0, whole)
            interval = intervals.wilson(part, whole) if sure else found[f"{k} {name}"]
            point["intervals"][name] = list(interval)
        for i, entry in enumerate(point["prevalence"]):
            entry["ppv_interval"] = list(found[f"{k} {i}"])


def on_choice(metrics_: Mapping[str, Any], same_images: bool) -> list[str]:
    """Say what the choice of thresholds and temperature cannot promise."""
    notes = []
    if metrics_.get("chosen") and same_images:
        notes.append(
            "Thresholds and temperature were chosen on images that are measured here too; "
            "their figures are too good."
        )
    scaled = metrics_.get("calibration", {}).get("scaled")
    if scaled and scaled["at_limit"]:
        notes.append(
            f"The temperature stopped at its limit {scaled['temperature']:g}: the val images "
            f"are told apart without a mistake, or the scores say nothing about them."
        )
    missing = [
        name
        for name, points in metrics_.get("operating_points", {}).items()
        if metrics_.get("chosen") and all(p["chosen_on"] is None for p in points)
    ]
    if missing:
        notes.append(
            f"No threshold could be chosen for {', '.join(missing)}: the val images have no "
            f"positive, or no negative of it."
        )
    return notes
