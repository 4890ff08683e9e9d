"""Operating points, averages and calibration of one evaluation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import special
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError
from minicnn.evaluation.assessment import assess, on_choice
from minicnn.evaluation.chosen import Chosen, choose
from minicnn.evaluation.summary import summarize
from minicnn.evaluation.temperature import Temperature

NAMES = ("normal", "pneumonia")


def sample(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.6).astype(int)
    return labels, 2 * rng.normal(size=(n, 2)) + 3 * np.eye(2)[labels]


def test_points_are_measured_here_at_thresholds_chosen_there() -> None:
    val, test = sample(0), sample(1)
    chosen = choose(*val, NAMES, source="val")
    got = assess(*test, NAMES, chosen=chosen, thresholds=[0.3], resamples=200)
    points = {p["name"]: p for p in got["operating_points"]["pneumonia"]}
    assert list(points) == ["0.5", "given 0.3", "youden", "sensitivity 0.95"]
    labels, scores = test
    p = special.softmax(scores, axis=1)[:, 1]
    for point in points.values():
        called = (p > point["threshold"]).astype(int)
        expected = oracle.confusion_matrix(labels, called)
        assert point["confusion"] == expected.tolist()
        assert point["sensitivity"] == pytest.approx(oracle.recall_score(labels, called))
        assert point["ppv"] == pytest.approx(oracle.precision_score(labels, called))
        assert special.logit(point["threshold"]) == pytest.approx(point["margin"])
        for rate in ("sensitivity", "specificity", "ppv", "npv"):
            low, high = point["intervals"][rate]
            assert low <= point[rate] <= high and low < high
    assert points["given 0.3"]["threshold"] == pytest.approx(0.3)
    assert points["youden"]["chosen_on"] == "val" and points["0.5"]["chosen_on"] is None
    # The validation images decide, not those measured.
    again = choose(*test, NAMES, source="val")
    assert chosen.thresholds != again.thresholds
    json.dumps(got, allow_nan=False)


def test_the_point_at_a_half_is_the_headline() -> None:
    labels, scores = sample(2)
    headline = summarize(labels, scores, NAMES, resamples=0)
    point = assess(labels, scores, NAMES, resamples=0)["operating_points"]["pneumonia"][0]
    assert point["confusion"] == headline["confusion"]
    assert point["sensitivity"] == headline["recall"] and point["ppv"] == headline["precision"]


def test_predictive_values_have_intervals_and_meet_the_sample() -> None:
    labels, scores = sample(3, 400)
    got = assess(labels, scores, NAMES, resamples=300)
    point = got["operating_points"]["pneumonia"][0]
    shares = [entry["prevalence"] for entry in point["prevalence"]]
    ppv = [entry["ppv"] for entry in point["prevalence"]]
    assert shares == sorted(shares) and ppv == sorted(ppv)
    se, sp = point["sensitivity"], point["specificity"]
    for entry in point["prevalence"]:
        ill = entry["prevalence"]
        assert entry["ppv"] == pytest.approx(se * ill / (se * ill + (1 - sp) * (1 - ill)))
        low, high = entry["ppv_interval"]
        assert low < entry["ppv"] < high


def test_patients_widen_the_intervals() -> None:
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(40), 10)
    labels = np.repeat(rng.integers(2, size=40), 10)
    scores = np.stack([0 * labels, np.repeat(rng.normal(size=40), 10) + labels], axis=1)

    def width(ids: np.ndarray | None) -> float:
        got = assess(labels, scores, NAMES, ids=ids, resamples=400)
        low, high = got["operating_points"]["pneumonia"][0]["intervals"]["sensitivity"]
        return high - low

    assert width(person) > 1.8 * width(None)


def test_certainty_is_not_claimed() -> None:
    labels = np.arange(30) % 2
    got = assess(labels, 9 * np.eye(2)[labels], NAMES, resamples=50)
    point = got["operating_points"]["pneumonia"][0]
    assert point["sensitivity"] == 1
    assert point["intervals"]["sensitivity"] == pytest.approx([15 / (15 + 1.959964**2), 1])


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(label: int) -> None:
    labels = np.full(20, label)
    scores = np.random.default_rng(0).normal(size=(20, 2))
    got = assess(labels, scores, NAMES, chosen=choose(labels, scores, NAMES), resamples=30)
    points = {p["name"]: p for p in got["operating_points"]["pneumonia"]}
    assert (points["0.5"]["sensitivity"] is None) == (label == 0)
    assert points["0.5"]["prevalence"][0]["ppv"] is None
    assert "youden" not in points and ("sensitivity 0.95" in points) == (label == 1)
    json.dumps(got, allow_nan=False)


def test_calibration_as_trained_and_scaled() -> None:
    val, (labels, scores) = sample(5), sample(6)
    chosen = choose(*val, NAMES)
    got = assess(labels, scores, NAMES, chosen=chosen, resamples=200)["calibration"]
    p = special.softmax(scores, axis=1)[:, 1]
    assert got["of"] == "class 1"
    assert got["brier"] == pytest.approx(oracle.brier_score_loss(labels, p), abs=1e-12)
    assert got["log_loss"] == pytest.approx(oracle.log_loss(labels, p), abs=1e-12)
    assert got["intervals"]["brier"][0] < got["brier"] < got["intervals"]["brier"][1]
    assert sum(b["n"] for b in got["bins"]) == 200 and len(got["bins"]) == 15
    t = chosen.temperature.value
    p = special.softmax(scores / t, axis=1)[:, 1]
    assert got["scaled"]["temperature"] == t
    assert got["scaled"]["brier"] == pytest.approx(oracle.brier_score_loss(labels, p), abs=1e-12)
    assert got["scaled"]["log_loss"] < got["log_loss"]


def test_several_classes() -> None:
    rng = np.random.default_rng(7)
    labels = rng.integers(4, size=150)
    scores = rng.normal(size=(150, 4)) + 2 * np.eye(4)[labels]
    got = assess(labels, scores, "abcd", chosen=choose(labels, scores, "abcd"), resamples=50)
    assert got["operating_points"] == {}
    p = special.softmax(scores, axis=1)
    right = p.argmax(axis=1) == labels
    found = got["calibration"]
    assert found["brier"] == pytest.approx(((p - np.eye(4)[labels]) ** 2).sum(axis=1).mean())
    promised = sum(b["n"] * b["predicted"] for b in found["bins"] if b["n"])
    assert promised == pytest.approx(p.max(axis=1).sum())
    assert sum(b["n"] * b["observed"] for b in found["bins"] if b["n"]) == pytest.approx(
        right.sum()
    )
    assert got["averages"]["micro"]["f1"] == pytest.approx(right.mean())


def test_several_labels() -> None:
    rng = np.random.default_rng(8)
    labels = (rng.random((150, 3)) < [0.4, 0.1, 0.0]).astype(int)
    scores = rng.normal(size=(150, 3)) + 3 * labels - 1
    names = ("edema", "mass", "hernia")
    chosen = choose(labels, scores, names, multilabel=True)
    got = assess(labels, scores, names, multilabel=True, chosen=chosen, resamples=50)
    assert list(got["operating_points"]) == list(names)
    assert [len(points) for points in got["operating_points"].values()] == [3, 3, 1]
    called = scores > 0
    micro = oracle.f1_score(labels, called, average="micro")
    assert got["averages"]["micro"]["f1"] == pytest.approx(micro, abs=1e-12)
    macro = oracle.f1_score(labels[:, :2], called[:, :2], average="macro")
    assert got["averages"]["macro"]["f1"] == pytest.approx(macro, abs=1e-12)
    assert got["averages"]["per_class"]["mass"]["support"] == labels[:, 1].sum()
    p = special.expit(scores)
    assert got["calibration"]["brier"] == pytest.approx(((p - labels) ** 2).mean(), abs=1e-12)
    assert sum(b["n"] for b in got["calibration"]["bins"]) == 450
    assert any("hernia" in note for note in on_choice(got, False))
    json.dumps(got, allow_nan=False)


def test_thresholds_of_0_and_1_call_all_or_none() -> None:
    labels, scores = sample(9)
    got = assess(labels, scores, NAMES, thresholds=[0, 1], resamples=0)
    zero, one = got["operating_points"]["pneumonia"][1:]
    assert zero["threshold"] == 0 and zero["sensitivity"] == 1 and zero["specificity"] == 0
    assert one["threshold"] == 1 and one["sensitivity"] == 0 and one["specificity"] == 1
    assert one["ppv"] is None


def test_what_the_choice_cannot_promise_is_said() -> None:
    labels, scores = sample(10)
    chosen = Chosen("val", {"pneumonia": {"youden": 0.1}}, Temperature(0.01, True))
    got = assess(labels, scores, NAMES, chosen=chosen, resamples=0)
    assert any("limit 0.01" in note for note in on_choice(got, False))
    assert any("too good" in note for note in on_choice(got, True))
    assert on_choice(assess(labels, scores, NAMES, resamples=0), True) == []


@pytest.mark.parametrize("threshold", [-0.01, 1.01, math.nan])
def test_thresholds_that_are_no_shares_are_refused(threshold: float) -> None:
    with pytest.raises(ArgumentError, match="threshold is"):
        assess(*sample(0), NAMES, thresholds=[threshold])


def test_scores_with_nan_are_refused() -> None:
    labels, scores = sample(0)
    scores[3, 1] = np.nan
    with pytest.raises(ArgumentError, match="1 of 400 values"):
        assess(labels, scores, NAMES)
