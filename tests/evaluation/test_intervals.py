"""Bootstrap and Wilson intervals: against plain loops, scipy, and their promised coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation import intervals, metrics, ranking


def draw(strata, groups=None, resamples=50, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate(list(intervals.resample(strata, groups, resamples, rng)), axis=1)


def test_each_stratum_keeps_its_size() -> None:
    strata = np.array([0] * 7 + [1] * 3 + [2])
    counts = draw(strata)
    assert counts.shape == (11, 50)
    for s, size in ((0, 7), (1, 3), (2, 1)):
        assert (counts[strata == s].sum(axis=0) == size).all()
    assert counts[:7].std() > 0.5  # and inside a stratum it is a draw


def test_patients_are_drawn_whole() -> None:
    ids = np.array(["a", "b", "a", "c", "b", "a", "d"])
    strata = np.array([0, 1, 0, 1, 1, 0, 0])
    counts = draw(strata, ids)
    for person in "abcd":
        rows = counts[ids == person]
        assert (rows == rows[0]).all()
    # As many patients of each stratum as there are: a and d, b and c.
    assert (counts[0] + counts[6] == 2).all()
    assert (counts[1] + counts[3] == 2).all()


def test_patients_with_both_classes_are_a_stratum_of_their_own() -> None:
    ids = np.array(["m", "m", "n", "n", "p", "q"])
    strata = np.array([0, 1, 1, 0, 0, 1])
    counts = draw(strata, ids)
    assert (counts[0] + counts[2] == 2).all()
    assert (counts[4] == 1).all() and (counts[5] == 1).all()


def test_chunks_do_not_overlap_and_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "CHUNK_ENTRIES", 70)
    rng = np.random.default_rng(0)
    sizes = [c.shape[1] for c in intervals.resample(np.zeros(10), None, 23, rng)]
    assert sizes == [7, 7, 7, 2]


def test_counts_give_what_repeated_examples_give() -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(2, size=40)
    scores = np.round(rng.normal(size=40) + labels, 1)  # with ties
    called = (scores > 0.5).astype(int)
    counts = draw(np.zeros(40), resamples=30)
    areas = intervals.resampled_auc(labels, scores, counts)
    precisions = intervals.resampled_average_precision(labels, scores, counts)
    decisions = intervals.decision_statistics(labels, called, 2, counts)
    for b in range(30):
        rows = np.repeat(np.arange(40), counts[:, b])
        assert areas[b] == pytest.approx(ranking.roc_auc(labels[rows], scores[rows]), abs=1e-12)
        expected = ranking.average_precision(labels[rows], scores[rows])
        assert precisions[b] == pytest.approx(expected, abs=1e-12)
        for name in ("accuracy", "precision", "recall", "f1"):
            expected = getattr(metrics, name)(labels[rows], called[rows])
            assert decisions[name][b] == pytest.approx(expected, abs=1e-12)


def test_auc_without_one_class_is_nan() -> None:
    counts = np.array([[1, 0], [1, 2]], dtype=np.int32)
    areas = intervals.resampled_auc(np.array([0, 1]), np.array([0.2, 0.8]), counts)
    assert areas[0] == 1.0 and math.isnan(areas[1])


def test_average_precision_without_positives_is_nan() -> None:
    counts = np.array([[1, 2], [1, 0]], dtype=np.int32)
    got = intervals.resampled_average_precision(np.array([0, 1]), np.array([0.2, 0.8]), counts)
    assert got[0] == 1.0 and math.isnan(got[1])


def test_agrees_with_scipy_on_an_area() -> None:
    # The two-sample bootstrap of scipy draws positives and negatives apart, as strata do.
    rng = np.random.default_rng(9)
    labels = np.repeat([0, 1], [50, 70])
    scores = rng.normal(size=120) + labels

    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        return {"auc": intervals.resampled_auc(labels, scores, counts)}

    def area(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return stats.mannwhitneyu(x, y, axis=axis).statistic / (x.shape[axis] * y.shape[axis])

    low, high = intervals.bootstrap(statistic, labels, resamples=8000)["auc"]
    theirs = stats.bootstrap(
        (scores[labels == 1], scores[labels == 0]),
        area,
        n_resamples=8000,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_the_same_seed_gives_the_same_interval() -> None:
    labels = np.arange(60) % 2
    values = np.random.default_rng(0).normal(size=60)

    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": values @ counts / 60}

    first = intervals.bootstrap(statistic, labels, seed=4)
    assert first == intervals.bootstrap(statistic, labels, seed=4)
    assert first != intervals.bootstrap(statistic, labels, seed=5)


def test_agrees_with_scipy_on_a_mean() -> None:
    values = np.random.default_rng(2).gamma(2.0, size=80)

    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": values @ counts / len(values)}

    low, high = intervals.bootstrap(statistic, np.zeros(80), resamples=20_000)["mean"]
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert low == pytest.approx(theirs.low, abs=0.01)
    assert high == pytest.approx(theirs.high, abs=0.01)


def test_a_metric_mostly_undefined_has_no_interval() -> None:
    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        values = np.ones(counts.shape[1])
        values[: len(values) * 2 // 3] = np.nan
        return {"m": values}

    low, high = intervals.bootstrap(statistic, np.zeros(5), resamples=30)["m"]
    assert math.isnan(low) and math.isnan(high)


def test_auc_interval_covers_the_truth_as_often_as_it_says() -> None:
    # Scores N(0, 1) and N(1.5, 1): the true area is Phi(1.5 / sqrt 2).
    truth = stats.norm.cdf(1.5 / math.sqrt(2))
    rng = np.random.default_rng(11)
    labels = np.repeat([0, 1], [60, 90])
    hits, trials = 0, 300
    for trial in range(trials):
        scores = rng.normal(size=150) + 1.5 * labels

        def statistic(counts: np.ndarray, scores: np.ndarray = scores) -> dict[str, np.ndarray]:
            return {"auc": intervals.resampled_auc(labels, scores, counts)}

        low, high = intervals.bootstrap(statistic, labels, resamples=400, seed=trial)["auc"]
        hits += low <= truth <= high
    assert 0.92 <= hits / trials <= 0.98


def test_patient_intervals_are_wider_where_images_of_a_patient_agree() -> None:
    rng = np.random.default_rng(6)
    person = np.repeat(np.arange(30), 10)
    right = np.repeat(rng.random(30) < 0.7, 10).astype(int)  # all of a patient's, or none
    ones = np.ones(300, dtype=int)

    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        return intervals.decision_statistics(ones, right, 2, counts)

    low, high = intervals.bootstrap(statistic, ones)["accuracy"]
    low_p, high_p = intervals.bootstrap(statistic, ones, person)["accuracy"]
    assert high_p - low_p > 2 * (high - low)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (533, 624), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_equals_scipy(k: int, n: int, confidence: float) -> None:
    theirs = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    low, high = intervals.wilson(k, n, confidence)
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_nothing_is_undefined() -> None:
    assert all(math.isnan(v) for v in intervals.wilson(0, 0))


@pytest.mark.parametrize(("k", "n", "confidence"), [(5, 4, 0.95), (-1, 4, 0.95), (1, 4, 1.0)])
def test_wilson_refuses(k: int, n: int, confidence: float) -> None:
    with pytest.raises(ArgumentError):
        intervals.wilson(k, n, confidence)


def test_bootstrap_refuses() -> None:
    def statistic(counts: np.ndarray) -> dict[str, np.ndarray]:
        return {"n": counts.sum(axis=0)}

    with pytest.raises(ArgumentError, match="confidence is 95"):
        intervals.bootstrap(statistic, np.zeros(3), confidence=95)
    with pytest.raises(ArgumentError, match="resamples is 0"):
        intervals.bootstrap(statistic, np.zeros(3), resamples=0)
    with pytest.raises(ShapeError, match="one id for each of 3"):
        intervals.bootstrap(statistic, np.zeros(3), ["a", "b"])
    with pytest.raises(ShapeError, match="at least 1"):
        intervals.bootstrap(statistic, np.zeros(0))
