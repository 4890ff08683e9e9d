"""Do intervals that say 95 % hold the truth in 95 of 100 test sets? A simulation.

Scores are normal in both classes, so the true area, sensitivity and specificity are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from minicnn.evaluation import intervals, operating
from minicnn.evaluation.comparison import compare
from minicnn.evaluation.delong import delong_covariance, delong_test

SHIFT = 1.2
AREA = stats.norm.cdf(SHIFT / math.sqrt(2))
SENSITIVITY, SPECIFICITY = stats.norm.cdf(SHIFT - 0.6), stats.norm.cdf(0.6)
Hit = Callable[[np.random.Generator, int], dict[str, bool]]


def covered(trial: Hit, trials: int) -> dict[str, float]:
    rng = np.random.default_rng(2026)
    hits: dict[str, list[bool]] = {}
    for k in range(trials):
        for name, hit in trial(rng, k).items():
            hits.setdefault(name, []).append(hit)
    return {name: float(np.mean(values)) for name, values in hits.items()}


def image_by_image(rng: np.random.Generator, seed: int) -> dict[str, bool]:
    labels = np.repeat([0, 1], [70, 90])
    scores = rng.normal(size=160) + SHIFT * labels
    called = (scores > 0.6).astype(int)

    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        rates = operating.rates_of(intervals.resampled_confusion(labels, called, 2, counts))
        ppv, _ = operating.predictive_values(rates["sensitivity"], rates["specificity"], 0.1)
        return {**rates, "ppv10": ppv, "auc": intervals.resampled_auc(labels, scores, counts)}

    found = intervals.bootstrap(statistic, labels, resamples=300, seed=seed)
    ppv = float(operating.predictive_values(SENSITIVITY, SPECIFICITY, 0.1)[0])
    truth = {
        "auc": AREA,
        "sensitivity": SENSITIVITY,
        "specificity": SPECIFICITY,
        "ppv10": ppv,
    }
    hits = {name: found[name][0] <= value <= found[name][1] for name, value in truth.items()}
    areas, variance = delong_covariance(labels, scores)
    hits["delong"] = abs(areas[0] - AREA) <= 1.959964 * math.sqrt(variance[0, 0])
    return hits


def by_patient(rng: np.random.Generator, seed: int) -> dict[str, bool]:
    # Four images of each patient share most of what makes them hard.
    person = np.repeat(np.arange(80), 4)
    labels = np.repeat(np.arange(80) % 2, 4)
    own, shared = rng.normal(size=320), np.repeat(rng.normal(size=80), 4)
    scores = math.sqrt(0.8) * shared + math.sqrt(0.2) * own + SHIFT * labels

    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        return {"auc": intervals.resampled_auc(labels, scores, counts)}

    def holds(ids: np.ndarray | None) -> bool:
        low, high = intervals.bootstrap(statistic, labels, ids, resamples=300, seed=seed)["auc"]
        return low <= AREA <= high

    return {"by patient": holds(person), "by image": holds(None)}


def paired(rng: np.random.Generator, seed: int) -> dict[str, bool]:
    labels = np.repeat([0, 1], [70, 90])
    hard = rng.normal(size=160)
    margins = [
        math.sqrt(0.7) * hard + math.sqrt(0.3) * rng.normal(size=160) + shift * labels
        for shift in (SHIFT, 1.5)
    ]
    truth = stats.norm.cdf(1.5 / math.sqrt(2)) - AREA
    tables = [np.stack([0 * m, m], axis=1) for m in margins]
    found = compare(labels, tables[0], tables[1], ("no", "yes"), resamples=300, seed=seed)
    low, high = found["differences"]["auc"]["interval"]
    test = delong_test(labels, margins[0], margins[1]).interval
    return {"bootstrap": low <= truth <= high, "delong": test[0] <= truth <= test[1]}


@pytest.mark.parametrize("trial", [image_by_image, by_patient, paired], ids=lambda f: f.__name__)
def test_intervals_hold_the_truth_as_often_as_they_say(trial: Hit) -> None:
    found = covered(trial, 400)
    # Images of one patient taken as strangers make an interval that promises too much.
    assert found.pop("by image", 0) < 0.8
    for name, share in found.items():
        assert 0.92 <= share <= 0.98, (name, share)
