"""Thresholds and what they bring: against scikit-learn and by counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError
from minicnn.evaluation import operating
from minicnn.evaluation.metrics import confusion_matrix


def sample(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(int)
    labels[:2] = [0, 1]
    # Rounded, so that many scores tie.
    return labels, np.round(rng.normal(size=n) + 1.2 * labels, 1)


def rates_at(labels: np.ndarray, scores: np.ndarray, threshold: float) -> tuple[float, float]:
    called = scores > threshold
    return called[labels == 1].mean(), (~called[labels == 0]).mean()


def test_rates_are_those_of_the_four_counts() -> None:
    rates = operating.rates_of(np.array([[50, 10], [3, 37]]))
    assert rates["sensitivity"] == pytest.approx(37 / 40)
    assert rates["specificity"] == pytest.approx(50 / 60)
    assert rates["ppv"] == pytest.approx(37 / 47)
    assert rates["npv"] == pytest.approx(50 / 53)


@pytest.mark.parametrize("seed", range(6))
def test_rates_equal_scikit_learn(seed: int) -> None:
    labels, scores = sample(seed)
    called = (scores > 0.5).astype(int)
    rates = operating.rates_of(confusion_matrix(labels, called, 2))
    expected = {
        "sensitivity": oracle.recall_score(labels, called),
        "specificity": oracle.recall_score(labels, called, pos_label=0),
        "ppv": oracle.precision_score(labels, called),
        "npv": oracle.precision_score(labels, called, pos_label=0),
    }
    assert {k: float(v) for k, v in rates.items()} == pytest.approx(expected, abs=1e-12)


def test_rates_of_many_at_once_and_of_nothing() -> None:
    tables = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 2]]])
    rates = operating.rates_of(tables)
    assert rates["specificity"][0] == 1 and math.isnan(rates["specificity"][1])
    assert math.isnan(rates["sensitivity"][0]) and rates["sensitivity"][1] == 1
    assert math.isnan(rates["ppv"][0]) and rates["npv"][0] == 1


@pytest.mark.parametrize("seed", range(10))
def test_youden_is_the_best_of_all_thresholds(seed: int) -> None:
    labels, scores = sample(seed)
    threshold = operating.youden_threshold(labels, scores)
    fpr, tpr, _ = oracle.roc_curve(labels, scores, drop_intermediate=False)
    assert sum(rates_at(labels, scores, threshold)) - 1 == pytest.approx((tpr - fpr).max())
    # Half-way between two scores: nobody sits on it.
    assert not (scores == threshold).any()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("target", [0.05, 0.5, 0.7, 0.9, 0.95, 1.0])
def test_the_target_is_reached_and_no_higher_threshold_reaches_it(seed: int, target: float) -> None:
    labels, scores = sample(seed)
    threshold = operating.sensitivity_threshold(labels, scores, target)
    assert rates_at(labels, scores, threshold)[0] >= target
    higher = scores[scores > threshold].min()
    assert rates_at(labels, scores, higher)[0] < target


def test_a_target_that_is_met_exactly_is_met() -> None:
    # 0.7 of 10 is 7.000000000000001 where it is worked out in floats as 0.1 + 0.6.
    labels, scores = np.ones(10, int), np.arange(10.0)
    threshold = operating.sensitivity_threshold(labels, scores, 0.1 + 0.6)
    assert (scores > threshold).sum() == 7


def test_the_lowest_threshold_lets_everything_pass() -> None:
    labels, scores = np.array([1, 0, 0]), np.array([-5.0, 1.0, 2.0])
    assert (scores > operating.sensitivity_threshold(labels, scores, 1.0)).all()


@pytest.mark.parametrize("low", [1.0, np.nextafter(1.0, 2), 0.0, -5e-324])
def test_neighbouring_floats_are_told_apart(low: float) -> None:
    # Half-way between two neighbours rounds to one of them, now the lower, now the upper.
    scores = np.array([low, np.nextafter(low, 2)])
    threshold = operating.youden_threshold([0, 1], scores)
    assert (scores > threshold).tolist() == [False, True]


def test_huge_scores_do_not_overflow() -> None:
    scores = np.array([1.5e308, 1.7e308])
    assert (scores > operating.youden_threshold([0, 1], scores)).tolist() == [False, True]


def test_without_both_classes_there_is_no_threshold() -> None:
    assert math.isnan(operating.youden_threshold([1, 1], [0.0, 1.0]))
    assert math.isnan(operating.youden_threshold([0, 0], [0.0, 1.0]))
    assert math.isnan(operating.sensitivity_threshold([0, 0], [0.0, 1.0], 0.9))


def test_trade_off_equals_scikit_learn() -> None:
    labels, scores = sample(3)
    thresholds, sensitivity, specificity = operating.trade_off(labels, scores)
    fpr, tpr, theirs = oracle.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(thresholds, theirs[1:])
    np.testing.assert_allclose(sensitivity, tpr[1:], atol=1e-12)
    np.testing.assert_allclose(specificity, 1 - fpr[1:], atol=1e-12)


def test_predictive_values_are_shares_of_a_population() -> None:
    # Of 1000 people 20 are ill; 18 of them are found, and 98 of the 980 healthy are called.
    ppv, npv = operating.predictive_values(0.9, 0.9, 0.02)
    assert float(ppv) == pytest.approx(18 / (18 + 98), abs=1e-12)
    assert float(npv) == pytest.approx(882 / (882 + 2), abs=1e-12)


def test_at_the_prevalence_of_the_sample_they_are_those_of_the_sample() -> None:
    labels, scores = sample(1)
    rates = operating.rates_of(confusion_matrix(labels, (scores > 0.5).astype(int), 2))
    ppv, npv = operating.predictive_values(
        rates["sensitivity"], rates["specificity"], labels.mean()
    )
    assert float(ppv) == pytest.approx(float(rates["ppv"]), abs=1e-12)
    assert float(npv) == pytest.approx(float(rates["npv"]), abs=1e-12)


def test_predictive_values_of_nobody_are_nan() -> None:
    ppv, npv = operating.predictive_values([0.0, 1.0, np.nan], [1.0, 0.0, 0.5], 0.1)
    assert math.isnan(ppv[0]) and math.isnan(npv[1]) and math.isnan(ppv[2])


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_shares_outside_0_and_1_are_refused(value: float) -> None:
    with pytest.raises(ArgumentError, match="prevalence reaches.*between 0 and 1"):
        operating.predictive_values(0.5, 0.5, value)
    with pytest.raises(ArgumentError, match="sensitivity reaches"):
        operating.predictive_values([0.5, value], 0.5, 0.5)
    with pytest.raises(ArgumentError, match="threshold is"):
        operating.margin_of(value)
    with pytest.raises(ArgumentError, match="target sensitivity is"):
        operating.sensitivity_threshold([0, 1], [0.0, 1.0], value)


def test_margins_of_thresholds() -> None:
    assert operating.margin_of(0.5) == 0
    assert operating.margin_of(0.9) == pytest.approx(math.log(9))
    assert operating.margin_of(0) == -math.inf and operating.margin_of(1) == math.inf
