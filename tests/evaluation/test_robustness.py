"""The balanced error, and the table of it under corruptions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from minicnn.evaluation.chosen import Chosen
from minicnn.evaluation.robustness import area, balanced_error, measure_robustness
from minicnn.evaluation.temperature import Temperature

NAMES = ("no", "yes")


@pytest.mark.parametrize("seed", range(5))
def test_two_classes_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = (rng.random(80) < 0.8).astype(int)
    scores = rng.normal(size=(80, 2)) + np.eye(2)[labels]
    margin = scores[:, 1] - scores[:, 0]
    for limit in (0.0, 0.7):
        expected = 1 - oracle.balanced_accuracy_score(labels, margin > limit)
        got = balanced_error(labels, scores, NAMES, limits={"yes": limit})
        assert got == pytest.approx(expected, abs=1e-12)
    assert balanced_error(labels, scores, NAMES) == balanced_error(
        labels, scores, NAMES, limits={"yes": 0.0}
    )
    assert area(labels, scores, NAMES) == pytest.approx(oracle.roc_auc_score(labels, margin))


def test_more_classes_and_absent_ones() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=60)
    scores = rng.normal(size=(60, 4)) + np.eye(4)[labels]
    recalls = [(scores.argmax(axis=1)[labels == c] == c).mean() for c in range(3)]
    assert balanced_error(labels, scores, "abcd") == pytest.approx(1 - np.mean(recalls), abs=1e-12)


def test_labels_without_positives_or_negatives_are_left_out() -> None:
    rng = np.random.default_rng(1)
    labels = np.stack([rng.integers(2, size=50), np.zeros(50, int), np.ones(50, int)], axis=1)
    scores = rng.normal(size=(50, 3)) + labels
    expected = 1 - oracle.balanced_accuracy_score(labels[:, 0], scores[:, 0] > 0)
    got = balanced_error(labels, scores, "abc", multilabel=True)
    assert got == pytest.approx(expected, abs=1e-12)
    assert np.isnan(balanced_error(labels[:, 1:], scores[:, 1:], "bc", multilabel=True))


def test_calling_everything_alike_scores_a_half() -> None:
    labels = np.array([1] * 9 + [0])
    assert balanced_error(labels, np.tile([0.0, 5.0], (10, 1)), NAMES) == 0.5


def test_the_table() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(2, size=100)
    clean = rng.normal(size=(100, 2)) + 3 * np.eye(2)[labels]

    def spoiled(severity: int) -> np.ndarray:
        return clean * [1, 1] + severity * rng.normal(size=clean.shape)

    chosen = Chosen("50 val images", {"yes": {"youden": 0.3}}, Temperature(1.0, False))
    entries = [(name, s, lambda s=s: spoiled(s)) for name in ("fog", "dirt") for s in (1, 2, 3)]
    got = measure_robustness(labels, clean, NAMES, entries, chosen=chosen)
    limits = {"yes": 0.3}
    assert got["clean"]["balanced_error"] == balanced_error(labels, clean, NAMES, limits=limits)
    assert got["thresholds"] == "50 val images"
    assert list(got["corruptions"]) == ["fog", "dirt"]
    for c in got["corruptions"].values():
        assert c["severities"] == [1, 2, 3] and len(c["auc"]) == 3
        assert c["mean"] == pytest.approx(np.mean(c["balanced_error"]))
        assert c["relative"] == pytest.approx(c["mean"] - got["clean"]["balanced_error"])
    means = [c["mean"] for c in got["corruptions"].values()]
    assert got["mean"]["balanced_error"] == pytest.approx(np.mean(means))
    assert got["relative"] > 0
    json.dumps(got, allow_nan=False)


def test_without_a_choice_and_with_one_class() -> None:
    scores = np.zeros((4, 2))
    got = measure_robustness([1, 1, 1, 1], scores, NAMES, [("fog", 1, lambda: scores)])
    assert got["thresholds"] is None
    assert got["clean"] == {"balanced_error": 1.0, "auc": None}
    json.dumps(got, allow_nan=False)
