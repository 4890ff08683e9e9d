"""DeLong's test: against the definition, R's pROC, and a published table."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.delong import delong_covariance, delong_test, mid_ranks

# A small sample with ties, and what roc.test of pROC 1.18 (R) says about it.
LABELS = [0] * 12 + [1] * 10
A = [12, 7, 3, 15, 9, 22, 4, 11, 9, 18, 2, 13, 25, 14, 19, 9, 30, 22, 17, 28, 11, 21]
B = [5, 6, 5, 11, 3, 9, 14, 2, 7, 8, 5, 10, 12, 9, 8, 15, 13, 7, 20, 11, 10, 18]


def by_definition(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas and covariance from all pairs, as the paper writes them."""
    places_10, places_01 = [], []
    for row in scores:
        x, y = row[labels == 1], row[labels == 0]
        psi = (x[:, None] > y).astype(float) + 0.5 * (x[:, None] == y)  # (m, n)
        places_10.append(psi.mean(axis=1))
        places_01.append(psi.mean(axis=0))
    v10, v01 = np.array(places_10), np.array(places_01)
    covariance = np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]
    return v10.mean(axis=1), covariance


@pytest.mark.parametrize("seed", range(10))
def test_fast_equals_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 60))
    labels = rng.permutation(np.arange(n) % 3 == 0).astype(int)
    scores = rng.normal(size=(3, n)) + labels
    scores[1] = np.round(scores[1])  # ties
    scores[2] = 0  # nothing but ties
    areas, covariance = delong_covariance(labels, scores)
    expected_areas, expected = by_definition(labels, scores)
    np.testing.assert_allclose(areas, expected_areas, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
    np.testing.assert_allclose(areas, [roc_auc_score(labels, s) for s in scores], atol=1e-12)


def test_equals_proc() -> None:
    areas, covariance = delong_covariance(LABELS, [A, B])
    np.testing.assert_allclose(areas, [0.833333333333333, 0.8375], atol=1e-12)
    expected = [
        [0.00758908529741863, 0.000216750841750842],
        [0.000216750841750842, 0.00715453142536476],
    ]
    np.testing.assert_allclose(covariance, expected, atol=1e-15)
    got = delong_test(LABELS, A, B)
    assert got.z == pytest.approx(0.0348311004518559, abs=1e-12)
    assert got.p == pytest.approx(0.972214421097052, abs=1e-12)
    # pROC's interval is that of the first area minus the second.
    assert got.interval == pytest.approx((-0.230293815382647, 0.238627148715980), abs=1e-12)


def test_the_table_of_hanley_and_mcneil() -> None:
    # Radiology 1982, table I: 58 normal and 51 abnormal images rated from 1 to 5; the area
    # is given as 0.893. The standard error is that of pROC.
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    ratings = np.concatenate([np.repeat(range(1, 6), c) for c in (normal, abnormal)])
    areas, covariance = delong_covariance(np.repeat([0, 1], [58, 51]), ratings)
    assert areas[0] == pytest.approx(0.893, abs=5e-4)
    assert math.sqrt(covariance[0, 0]) == pytest.approx(0.0307, abs=5e-5)


def test_without_effect_the_p_value_is_that_of_chance() -> None:
    # Two noisy readings of the same thing: p must be uniform, 5 % of it below 0.05.
    rng = np.random.default_rng(7)
    labels = np.repeat([0, 1], [60, 40])
    p = []
    for _ in range(400):
        signal = rng.normal(size=100) + labels
        p.append(delong_test(labels, *(signal + rng.normal(size=(2, 100)))).p)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_a_real_difference_is_found_and_signed() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 2
    good, bad = rng.normal(size=300) + 2 * labels, rng.normal(size=300) + 0.3 * labels
    got = delong_test(labels, bad, good)
    assert got.difference > 0 and got.z > 0 and got.p < 1e-6 and got.interval[0] > 0
    back = delong_test(labels, good, bad)
    assert back.difference == -got.difference and back.z == -got.z and back.p == got.p


def test_models_that_rank_alike_do_not_differ() -> None:
    labels = np.arange(40) % 2
    scores = np.random.default_rng(0).normal(size=40)
    got = delong_test(labels, scores, 3 * scores + 1)
    assert got.difference == 0 and got.z == 0 and got.p == 1 and got.interval == (0, 0)


def test_perfect_both_times() -> None:
    labels = np.arange(10) % 2
    assert delong_test(labels, labels, 2.0 * labels).p == 1


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 0, 1]])
def test_too_few_of_a_class_are_undefined(labels: list[int]) -> None:
    got = delong_test(labels, [1.0, 2, 3], [3.0, 2, 1])
    assert math.isnan(got.p) and math.isnan(got.z) and math.isnan(got.interval[0])
    assert math.isnan(got.a) == (len(set(labels)) == 1)


def test_mid_ranks_equal_scipy() -> None:
    for values in itertools.product([1.0, 2.0, 3.0], repeat=4):
        np.testing.assert_array_equal(mid_ranks(np.array(values)), stats.rankdata(values))


def test_refuses() -> None:
    with pytest.raises(ShapeError, match=r"\(3,\) and \(2,\).*same images"):
        delong_test([0, 1, 1], [1.0, 2, 3], [1.0, 2])
    with pytest.raises(ArgumentError, match="1 of 4 values"):
        delong_test([0, 1], [1.0, np.nan], [1.0, 2])
    with pytest.raises(ShapeError, match=r"\(K, 2\)"):
        delong_covariance([0, 1], np.zeros((2, 3)))
