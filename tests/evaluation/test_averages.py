"""Precision, recall and F1 per class, micro and macro: against scikit-learn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.averages import outcomes, precision_recall_f1
from minicnn.evaluation.metrics import confusion_matrix


def theirs(labels: np.ndarray, called: np.ndarray, average: str | None, names: list[int]) -> list:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = oracle.precision_recall_fscore_support(
            labels, called, labels=names, average=average, zero_division=0
        )
    return list(found[:3])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_exclusive_classes_equal_scikit_learn(seed: int, n_classes: int) -> None:
    rng = np.random.default_rng(seed)
    # Few examples: some classes are absent, some never called, some both.
    labels = rng.integers(rng.integers(1, n_classes + 1), size=9)
    called = rng.integers(rng.integers(1, n_classes + 1), size=9)
    counts = outcomes(confusion_matrix(labels, called, n_classes))
    each = precision_recall_f1(*counts)
    for got, expected in zip(
        each.values(), theirs(labels, called, None, list(range(n_classes))), strict=True
    ):
        np.testing.assert_allclose(np.nan_to_num(got), expected, atol=1e-12)
    present = sorted(set(labels) | set(called))
    for average in ("micro", "macro"):
        got = list(precision_recall_f1(*counts, average).values())
        assert got == pytest.approx(theirs(labels, called, average, present), abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_several_labels_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = (rng.random((15, 4)) < [0.5, 0.2, 0.05, 0.0]).astype(int)
    called = (rng.random((15, 4)) < [0.5, 0.2, 0.05, 0.3]).astype(int)
    tp = (labels & called).sum(axis=0)
    fp, fn = called.sum(axis=0) - tp, labels.sum(axis=0) - tp
    there = [j for j in range(4) if tp[j] + fp[j] + fn[j]]
    for average in ("micro", "macro"):
        got = list(precision_recall_f1(tp, fp, fn, average).values())
        assert got == pytest.approx(theirs(labels, called, average, there), abs=1e-12)


def test_micro_of_exclusive_classes_is_the_accuracy() -> None:
    rng = np.random.default_rng(0)
    labels, called = rng.integers(5, size=50), rng.integers(5, size=50)
    micro = precision_recall_f1(*outcomes(confusion_matrix(labels, called, 5)), "micro")
    assert list(micro.values()) == pytest.approx([(labels == called).mean()] * 3, abs=1e-15)


def test_what_is_undefined_is_nan() -> None:
    each = precision_recall_f1([0, 0], [0, 2], [3, 0])
    assert math.isnan(each["precision"][0]) and each["recall"][0] == 0
    assert each["precision"][1] == 0 and math.isnan(each["recall"][1])
    assert math.isnan(precision_recall_f1([0], [0], [0], "macro")["f1"])


def test_refuses() -> None:
    with pytest.raises(ShapeError, match=r"\(2,\), \(3,\) and \(2,\)"):
        precision_recall_f1([1, 2], [1, 2, 3], [1, 2])
    with pytest.raises(ArgumentError, match="negative"):
        precision_recall_f1([1], [-1], [0])
    with pytest.raises(ArgumentError, match="'weighted'.*'micro'"):
        precision_recall_f1([1], [1], [0], "weighted")
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        outcomes(np.zeros((2, 3)))
