"""Metrics of decisions, against scikit-learn and by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.evaluation import metrics

OURS = {"precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1}
THEIRS = {
    "precision": oracle.precision_score,
    "recall": oracle.recall_score,
    "f1": oracle.f1_score,
}


def test_by_hand() -> None:
    truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    called = [1, 1, 1, 0, 1, 0, 0, 0, 0, 0]
    assert metrics.confusion_matrix(truth, called, 2).tolist() == [[5, 1], [1, 3]]
    assert metrics.accuracy(truth, called) == 0.8
    assert metrics.precision(truth, called) == 0.75
    assert metrics.recall(truth, called) == 0.75
    assert metrics.f1(truth, called) == 0.75


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", OURS)
def test_equal_scikit_learn(n_classes: int, seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    # Uneven classes, some of them perhaps never predicted or never true.
    truth = rng.integers(n_classes, size=40) * (rng.random(40) < 0.7)
    called = rng.integers(n_classes, size=40) * (rng.random(40) < 0.5)
    average = "binary" if n_classes == 2 else "macro"
    expected = THEIRS[name](truth, called, average=average, zero_division=0)
    assert OURS[name](truth, called, n_classes) == pytest.approx(expected, abs=1e-12)
    labels = list(range(n_classes))
    assert np.array_equal(
        metrics.confusion_matrix(truth, called, n_classes),
        oracle.confusion_matrix(truth, called, labels=labels),
    )
    assert metrics.accuracy(truth, called, n_classes) == pytest.approx(
        oracle.accuracy_score(truth, called), abs=1e-12
    )


@pytest.mark.parametrize("name", OURS)
def test_macro_with_a_class_never_predicted_one_never_true_and_one_absent(name: str) -> None:
    truth = [0, 0, 1, 1, 2, 2]
    called = [0, 3, 1, 0, 0, 1]  # 2 is never predicted, 3 never true, 4 neither
    expected = THEIRS[name](truth, called, average="macro", zero_division=0)
    assert OURS[name](truth, called, 5) == pytest.approx(expected, abs=1e-12)


def test_undefined_ratios_are_nan() -> None:
    assert math.isnan(metrics.precision([1, 1, 0], [0, 0, 0]))
    assert metrics.recall([1, 1, 0], [0, 0, 0]) == 0
    assert metrics.f1([1, 1, 0], [0, 0, 0]) == 0
    assert math.isnan(metrics.recall([0, 0, 0], [0, 1, 0]))
    assert metrics.precision([0, 0, 0], [0, 1, 0]) == 0
    assert math.isnan(metrics.f1([0, 0, 0], [0, 0, 0]))
    assert metrics.accuracy([0, 0, 0], [0, 0, 0]) == 1


def test_stacked_confusion_matrices_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 4, size=(6, 5, 3, 3))
    for function in (metrics.accuracy_of, metrics.precision_of, metrics.recall_of, metrics.f1_of):
        together = function(stack)
        assert together.shape == (6, 5)
        alone = [[float(function(stack[i, j])) for j in range(5)] for i in range(6)]
        np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_log_loss_equals_scikit_learn(n_classes: int) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(n_classes), size=30)
    truth = rng.integers(n_classes, size=30)
    expected = oracle.log_loss(truth, p, labels=list(range(n_classes)))
    assert metrics.log_loss(truth, p) == pytest.approx(expected, abs=1e-12)
    if n_classes == 2:
        assert metrics.log_loss(truth, p[:, 1]) == pytest.approx(expected, abs=1e-12)


def test_log_loss_of_a_certain_mistake_is_finite_and_equals_scikit_learn() -> None:
    p = np.array([[1.0, 0.0], [0.0, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = oracle.log_loss([1, 1], p, labels=[0, 1])
    assert metrics.log_loss([1, 1], p) == pytest.approx(expected, abs=1e-12)


def test_log_loss_of_guessing_is_log_of_the_classes() -> None:
    assert metrics.log_loss([0, 1, 2], np.full((3, 3), 1 / 3)) == pytest.approx(math.log(3))


@pytest.mark.parametrize(
    ("labels", "predictions", "error", "words"),
    [
        ([0, 1, 2], [0, 1, 1], ArgumentError, "labels holds values from 0 to 2.*0 ... 1"),
        ([0, 1, 1], [0, -1, 1], ArgumentError, "predictions holds values from -1 to 1"),
        ([0, 1], [0, 1, 1], ShapeError, "3 rows but labels has 2"),
        ([], [], ShapeError, "labels is empty"),
        ([[0, 1]], [[0, 1]], ShapeError, r"shape \(1, 2\)"),
        ([0.0, 1.0], [0, 1], DtypeError, "dtype float64"),
    ],
)
def test_bad_input(labels: list, predictions: list, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        metrics.confusion_matrix(labels, predictions, 2)


def test_log_loss_of_nan_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="1 of 2 values that are NaN"):
        metrics.log_loss([0, 1], [0.5, np.nan])
