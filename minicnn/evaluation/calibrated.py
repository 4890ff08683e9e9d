"""The calibration of one model on one set of images, as trained and after temperature scaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.evaluation import calibration, intervals, metrics
from minicnn.evaluation.chosen import Chosen
from minicnn.evaluation.scores import probabilities
from minicnn.evaluation.temperature import scale

Floats = NDArray[np.float64]


def measure_calibration(
    truth: NDArray,
    scores: Floats,
    classes: Sequence[str],
    multilabel: bool,
    ids: Sequence[str] | NDArray | None,
    chosen: Chosen | None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Measure probabilities as they are, and divided by the temperature.

    With two classes the probability of class 1 is compared with how often class 1 is true;
    with more, that of the class named with how often it is right; with several labels, all
    probabilities of all labels together.

    Parameters
    ----------
    truth, scores
        (N,) class numbers and (N, C) logits, or (N, L) of 0 and 1 and (N, L) logits.
    classes, multilabel, ids, chosen, resamples, seed
        As for `minicnn.evaluation.assessment.assess`.

    Returns
    -------
    dict
        ``of`` (whose probabilities: ``"class 1"``, ``"class named"`` or ``"labels"``),
        ``brier``, ``ece``, ``largest_gap``, ``log_loss``, ``bins`` and ``intervals``; and
        under ``scaled`` the same with the temperature, where one was chosen.
    """
    out: dict[str, Any] = {
        "of": "labels" if multilabel else "class 1" if len(classes) == 2 else "class named",
        **_calibrated(truth, scores, classes, multilabel),
    }
    if resamples:
        errors = _squared_errors(truth, probabilities(scores, multilabel))  # (N,)
        strata = np.zeros(len(truth), dtype=np.int64) if multilabel else truth

        def statistic(counts: intervals.Counts) -> dict[str, Floats]:
            return {"brier": errors @ counts / counts.sum(axis=0)}

        found = intervals.bootstrap(statistic, strata, ids, resamples=resamples, seed=seed)
        out["intervals"] = {"brier": list(found["brier"])}
    if chosen is not None:
        fitted = chosen.temperature
        out["scaled"] = {
            "temperature": fitted.value,
            "at_limit": fitted.at_limit,
            "fitted_on": chosen.source,
            **_calibrated(truth, scale(scores, fitted.value), classes, multilabel),
        }
    return out


def _calibrated(
    truth: NDArray, scores: Floats, classes: Sequence[str], multilabel: bool
) -> dict[str, Any]:
    p = probabilities(scores, multilabel)
    if multilabel:
        came_true, promised = truth.ravel(), p.ravel()
        loss = metrics.log_loss(truth.ravel().astype(np.int64), p.ravel())
    else:
        loss = metrics.log_loss(truth, p)
        if len(classes) == 2:
            came_true, promised = truth, p[:, 1]
        else:
            came_true = (p.argmax(axis=1) == truth).astype(np.int64)
            promised = p.max(axis=1)
    diagram = calibration.reliability(came_true.astype(np.int64), promised)
    bins = [
        {
            "low": diagram.edges[b],
            "high": diagram.edges[b + 1],
            "n": int(n),
            "predicted": diagram.predicted[b],
            "observed": diagram.observed[b],
        }
        for b, n in enumerate(diagram.counts)
    ]
    return {
        "brier": float(_squared_errors(truth, p).mean()),
        "ece": diagram.ece,
        "largest_gap": diagram.largest_gap,
        "log_loss": loss,
        "bins": bins,
    }


def _squared_errors(truth: NDArray, p: Floats) -> Floats:
    """Each image's term of the Brier score (N,), over its labels the mean."""
    if truth.ndim == 2:
        squares: Floats = ((p - truth) ** 2).mean(axis=1)
        return squares
    return calibration.squared_errors(truth, p[:, 1] if p.shape[1] == 2 else p)
