"""Curves and areas, against scikit-learn, with ties and absent classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation import ranking


def cases() -> list:
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=200)
    return [
        pytest.param(y, rng.normal(size=200) + y, id="no ties"),
        pytest.param(y, np.round(rng.normal(size=200) + y), id="many ties"),
        pytest.param(y, np.zeros(200), id="all tied"),
        pytest.param(y, y.astype(float), id="perfect"),
        pytest.param(y, -y.astype(float), id="reversed"),
        pytest.param(np.arange(50) == 7, rng.normal(size=50), id="one positive"),
        pytest.param(np.arange(50) != 7, rng.normal(size=50), id="one negative"),
        pytest.param([0, 1], [0.3, 0.3], id="two, tied"),
        pytest.param(y, (rng.normal(size=200) + y).astype(np.float32), id="float32"),
    ]


@pytest.mark.parametrize(("labels", "scores"), cases())
def test_equal_scikit_learn(labels: np.ndarray, scores: np.ndarray) -> None:
    assert ranking.roc_auc(labels, scores) == pytest.approx(
        oracle.roc_auc_score(labels, scores), abs=1e-12
    )
    assert ranking.average_precision(labels, scores) == pytest.approx(
        oracle.average_precision_score(labels, scores), abs=1e-12
    )
    ours, theirs = (
        ranking.roc_curve(labels, scores),
        oracle.roc_curve(labels, scores, drop_intermediate=False),
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    precision, recall, thresholds = ranking.precision_recall_curve(labels, scores)
    p, r, t = oracle.precision_recall_curve(labels, scores)
    # scikit-learn walks upwards and leaves out the threshold of its last point.
    np.testing.assert_allclose(precision, p[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(recall, r[::-1], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(thresholds[1:], t[::-1])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    positives = [s for y, s in rows if y]
    negatives = [s for y, s in rows if not y]
    area = ranking.roc_auc([int(y) for y, _ in rows], [s for _, s in rows])
    if not positives or not negatives:
        assert math.isnan(area)
        return
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    assert area == pytest.approx(wins / len(positives) / len(negatives), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_the_area_is_the_integral_of_the_curve(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.arange(30) % 2
    scores = rng.integers(8, size=30)
    fpr, tpr, _ = ranking.roc_curve(labels, scores)
    trapezoids = (np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2).sum()
    assert ranking.roc_auc(labels, scores) == pytest.approx(trapezoids, abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_undefined(label: int) -> None:
    labels, scores = np.full(5, label), np.arange(5.0)
    assert math.isnan(ranking.roc_auc(labels, scores))
    fpr, tpr, _ = ranking.roc_curve(labels, scores)
    assert np.isnan(fpr).all() == (label == 1)
    assert np.isnan(tpr).all() == (label == 0)
    area = ranking.average_precision(labels, scores)
    assert math.isnan(area) if label == 0 else area == 1.0


def test_macro_auc_equals_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(4, size=80)
    p = rng.dirichlet(np.ones(4), size=80)
    expected = oracle.roc_auc_score(labels, p, multi_class="ovr", average="macro")
    assert ranking.macro_roc_auc(labels, p) == pytest.approx(expected, abs=1e-12)
    two = rng.dirichlet(np.ones(2), size=80)
    expected = oracle.roc_auc_score(labels > 1, two[:, 1])
    assert ranking.macro_roc_auc((labels > 1).astype(int), two) == pytest.approx(expected)


def test_macro_auc_leaves_out_a_class_without_examples() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(2, size=30) * 2  # classes 0 and 2; class 1 has none
    p = rng.dirichlet(np.ones(3), size=30)
    expected = (ranking.roc_auc(labels == 0, p[:, 0]) + ranking.roc_auc(labels == 2, p[:, 2])) / 2
    assert ranking.macro_roc_auc(labels, p) == pytest.approx(expected, abs=1e-12)
    assert math.isnan(ranking.macro_roc_auc(np.ones(30, int), p))


@pytest.mark.parametrize(
    ("labels", "scores", "error", "words"),
    [
        ([0, 1], [0.1, np.nan], ArgumentError, "1 of 2 values that are NaN or infinite"),
        ([0, 1], [0.1, np.inf], ArgumentError, "NaN or infinite"),
        ([0, 2], [0.1, 0.2], ArgumentError, "values from 0 to 2"),
        ([0, 1], [0.1, 0.2, 0.3], ShapeError, "3 rows but labels has 2"),
        ([0, 1], [[0.1, 0.2], [0.3, 0.4]], ShapeError, "one score per example"),
        ([], [], ShapeError, "empty"),
    ],
)
def test_bad_input(labels: list, scores: list, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        ranking.roc_auc(labels, scores)
