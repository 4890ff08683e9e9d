"""Two models on the same images: differences with intervals, and tests.

The images are the same, so what makes an image hard is hard for both and cancels in the
difference. Each bootstrap resample is measured by both models (paired), DeLong's test
compares the areas under the ROC curve, McNemar's the decisions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ShapeError
from minicnn.evaluation import intervals
from minicnn.evaluation.checks import check_labels
from minicnn.evaluation.delong import delong_test
from minicnn.evaluation.jsonable import to_json
from minicnn.evaluation.mcnemar import mcnemar_test
from minicnn.evaluation.resampled import MEASURED, of_classes, of_labels
from minicnn.evaluation.scores import decide, margins, probabilities

Floats = NDArray[np.float64]


def compare(
    labels: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    classes: Sequence[str],
    *,
    multilabel: bool = False,
    ids: Sequence[str] | NDArray | None = None,
    resamples: int = intervals.RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare the scores of two models.

    Parameters
    ----------
    labels, classes, multilabel, ids, resamples, seed
        As for `minicnn.evaluation.summary.summarize`.
    scores_a, scores_b
        Logits (N, C) or (N, L) of the two models, in the same order of images and classes.

    Returns
    -------
    dict
        Fit for JSON. ``differences``: for accuracy, precision, recall, F1, AUC and average
        precision ``a``, ``b``, ``difference`` (b - a) and its ``interval``; ``delong``: for
        the positive class of two, for each class of more, for each label, the two areas and
        the test; ``mcnemar``: for the decisions, or for those on each label; ``method`` and
        ``notes``.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If the scores do not fit each other or the labels, or one is not finite.
    """
    tables = [margins(s, multilabel) for s in (scores_a, scores_b)]  # (N, C) each
    if tables[0].shape != tables[1].shape or tables[0].shape[1] != len(classes):
        raise ShapeError(
            f"the two models have scores of shapes {tables[0].shape} and {tables[1].shape}; "
            f"expected (N, {len(classes)}) both, of the same images in the same order"
        )
    truth = np.asarray(labels)
    if multilabel:
        check_labels(truth.ravel(), 2)
    else:
        truth = check_labels(truth, len(classes))
    if len(truth) != len(tables[0]):
        raise ShapeError(
            f"there are {len(truth)} labels and scores of {len(tables[0])} images; expected "
            f"one row of scores per label"
        )
    called = [
        decide(probabilities(np.asarray(s, dtype=np.float64), multilabel), multilabel)
        for s in (scores_a, scores_b)
    ]
    out: dict[str, Any] = {
        "n": len(truth),
        "differences": _differences(truth, tables, called, multilabel, ids, resamples, seed),
        "delong": _areas(truth, tables, classes, multilabel),
        "mcnemar": _decisions(truth, called, classes, multilabel),
        "method": None,
        "notes": _notes(ids, multilabel, len(classes)),
    }
    if resamples:
        units = "images" if ids is None else "patients"
        out["method"] = (
            f"95 % percentile interval of {resamples:,} paired bootstrap resamples of {units}"
        )
    result: dict[str, Any] = to_json(out)
    return result


def _differences(
    truth: NDArray,
    tables: Sequence[Floats],
    called: Sequence[NDArray],
    multilabel: bool,
    ids: Sequence[str] | NDArray | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    make = of_labels if multilabel else of_classes
    a, b = (make(truth, m, c) for m, c in zip(tables, called, strict=True))
    # Every image drawn once is the test set itself.
    once = np.ones((len(truth), 1), dtype=np.int32)
    measured = [statistic(once) for statistic in (a, b)]
    out = {
        name: {
            "a": measured[0][name][0],
            "b": measured[1][name][0],
            "difference": measured[1][name][0] - measured[0][name][0],
            "interval": [None, None],
        }
        for name in MEASURED
    }
    if resamples:

        def difference(counts: intervals.Counts) -> dict[str, Floats]:
            of_a, of_b = a(counts), b(counts)
            return {name: of_b[name] - of_a[name] for name in MEASURED}

        strata = np.zeros(len(truth), dtype=np.int64) if multilabel else truth
        found = intervals.bootstrap(difference, strata, ids, resamples=resamples, seed=seed)
        for name in MEASURED:
            out[name]["interval"] = list(found[name])
    return out


def _areas(
    truth: NDArray, tables: Sequence[Floats], classes: Sequence[str], multilabel: bool
) -> dict[str, Any]:
    columns = [1] if len(classes) == 2 and not multilabel else range(len(classes))
    out = {}
    for j in columns:
        t = truth[:, j] if multilabel else (truth == j)
        test = delong_test(t.astype(np.int64), tables[0][:, j], tables[1][:, j])
        out[classes[j]] = {**dataclasses.asdict(test), "interval": list(test.interval)}
    return out


def _decisions(
    truth: NDArray, called: Sequence[NDArray], classes: Sequence[str], multilabel: bool
) -> dict[str, Any]:
    right = [c == truth for c in called]
    if not multilabel:
        return {"all": dataclasses.asdict(mcnemar_test(*right))}
    return {
        name: dataclasses.asdict(mcnemar_test(right[0][:, j], right[1][:, j]))
        for j, name in enumerate(classes)
    }


def _notes(ids: Sequence[str] | NDArray | None, multilabel: bool, n_classes: int) -> list[str]:
    notes = []
    if ids is not None and len(np.unique(np.asarray(ids))) < len(ids):
        notes.append(
            "Some patients have several images; the tests of DeLong and McNemar take images as "
            "independent and are too sure. The intervals are drawn by patient."
        )
    if multilabel or n_classes > 2:
        notes.append(
            f"{n_classes} comparisons were made; of so many, one in twenty is below p = 0.05 "
            f"by chance."
        )
    return notes
