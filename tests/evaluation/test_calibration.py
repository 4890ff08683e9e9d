"""Brier score, reliability and calibration error: against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle
from sklearn.calibration import calibration_curve

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.calibration import brier_score, reliability


def sample(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 0.5, size=n)
    return (rng.random(n) < p**2).astype(int), p


@pytest.mark.parametrize("seed", range(5))
def test_brier_of_two_classes_equals_scikit_learn(seed: int) -> None:
    labels, p = sample(seed)
    assert brier_score(labels, p) == pytest.approx(oracle.brier_score_loss(labels, p), abs=1e-12)
    # The sum over both classes counts every error twice.
    both = brier_score(labels, np.stack([1 - p, p], axis=1))
    assert both == pytest.approx(2 * brier_score(labels, p), abs=1e-12)


def test_brier_of_several_classes_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1, 1], size=80)
    labels = rng.integers(3, size=80)  # class 3 is absent
    expected = oracle.brier_score_loss(labels, p, labels=[0, 1, 2, 3], scale_by_half=False)
    assert brier_score(labels, p) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bins", [1, 5, 15])
def test_reliability_equals_scikit_learn(seed: int, bins: int) -> None:
    labels, p = sample(seed)
    got = reliability(labels, p, bins)
    observed, predicted = calibration_curve(labels, p, n_bins=bins)
    full = got.counts > 0
    np.testing.assert_allclose(got.observed[full], observed, atol=1e-12)
    np.testing.assert_allclose(got.predicted[full], predicted, atol=1e-12)


def test_ece_by_hand() -> None:
    # Two bins of 10: promised 0.25 and 0.9, came true 0.5 and 0.8.
    p = np.repeat([0.25, 0.9], [4, 10])
    labels = np.array([1, 1, 0, 0] + [1] * 8 + [0] * 2)
    got = reliability(labels, p, 2)
    assert got.ece == pytest.approx((4 * 0.25 + 10 * 0.1) / 14, abs=1e-12)
    assert got.largest_gap == pytest.approx(0.25)


def test_empty_bins_weigh_nothing() -> None:
    got = reliability([1, 1, 0], [1.0, 1.0, 0.0], 10)
    assert got.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert math.isnan(got.observed[4]) and got.ece == 0


def test_edges_belong_to_the_bin_below() -> None:
    got = reliability([0, 0, 0], [0.0, 0.5, 1.0], 2)
    assert got.counts.tolist() == [2, 1]


def test_true_probabilities_are_calibrated_and_bent_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(20_000)
    labels = (rng.random(20_000) < p).astype(int)
    assert reliability(labels, p).ece < 0.02
    assert reliability(labels, p**3).ece > 0.1


@pytest.mark.parametrize(
    ("labels", "p", "error", "words"),
    [
        ([0, 1], [0.5, 1.5], ArgumentError, "from 0.5 to 1.5"),
        ([0, 1], [0.5, np.nan], ArgumentError, "1 of 2 values"),
        ([0, 1, 1], [0.5, 0.5], ShapeError, "2 rows but labels has 3"),
        ([0, 2], [0.5, 0.5], ArgumentError, "from 0 to 2"),
    ],
)
def test_refuses(labels: list, p: list, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        reliability(labels, p)
    with pytest.raises(error, match=words):
        brier_score(labels, p)


def test_no_bins_are_refused() -> None:
    with pytest.raises(ArgumentError, match="bins is 0"):
        reliability([0, 1], [0.5, 0.5], 0)
