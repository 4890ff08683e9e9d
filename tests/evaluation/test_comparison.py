"""Two models on the same images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.comparison import compare
from minicnn.evaluation.delong import delong_test
from minicnn.evaluation.summary import summarize

NAMES = ("normal", "pneumonia")


def two_models(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.6).astype(int)
    shared = rng.normal(size=(n, 2))
    a = shared + 0.4 * rng.normal(size=(n, 2)) + np.eye(2)[labels]
    b = shared + 0.4 * rng.normal(size=(n, 2)) + 2 * np.eye(2)[labels]
    return labels, a, b


def test_figures_are_those_of_each_model_alone() -> None:
    labels, a, b = two_models()
    got = compare(labels, a, b, NAMES, resamples=100)
    for key, scores in (("a", a), ("b", b)):
        alone = summarize(labels, scores, NAMES, resamples=0)
        for name, d in got["differences"].items():
            assert d[key] == pytest.approx(alone[name], abs=1e-12)
    for d in got["differences"].values():
        assert d["difference"] == pytest.approx(d["b"] - d["a"], abs=1e-12)
        low, high = d["interval"]
        assert low < d["difference"] < high
    test = delong_test(labels, a[:, 1] - a[:, 0], b[:, 1] - b[:, 0])
    assert got["delong"]["pneumonia"]["p"] == test.p
    right = [s.argmax(axis=1) == labels for s in (a, b)]
    only_a = int((right[0] & ~right[1]).sum())
    assert got["mcnemar"]["all"]["only_a"] == only_a
    assert got["n"] == 200 and "paired bootstrap" in got["method"]
    json.dumps(got, allow_nan=False)


def test_pairing_narrows_the_interval() -> None:
    labels, a, b = two_models(400)
    b = a + 0.3 * (b - a)
    got = compare(labels, a, b, NAMES, resamples=500)
    low, high = got["differences"]["auc"]["interval"]
    alone = [summarize(labels, s, NAMES, resamples=500)["intervals"]["auc"] for s in (a, b)]
    apart = sum((h - lo) ** 2 for lo, h in alone) ** 0.5  # were they independent
    assert high - low < 0.7 * apart


def test_the_bootstrap_and_delong_agree() -> None:
    labels, a, b = two_models(300, seed=3)
    got = compare(labels, a, b, NAMES, resamples=2000)
    drawn = got["differences"]["auc"]["interval"]
    assert drawn == pytest.approx(got["delong"]["pneumonia"]["interval"], abs=0.01)


def test_a_model_does_not_differ_from_itself() -> None:
    labels, a, _ = two_models()
    got = compare(labels, a, a, NAMES, resamples=50)
    for d in got["differences"].values():
        assert d["difference"] == 0 and d["interval"] == [0, 0]
    assert got["delong"]["pneumonia"]["p"] == 1
    assert got["mcnemar"]["all"] == {"only_a": 0, "only_b": 0, "p": 1.0}


def test_several_labels_each_have_their_tests() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((120, 3)) < [0.4, 0.2, 0.0]).astype(int)
    a, b = rng.normal(size=(2, 120, 3)) + labels
    got = compare(labels, a, b, ("x", "y", "z"), multilabel=True, resamples=50)
    expected = oracle.roc_auc_score(labels[:, :2], a[:, :2])
    assert got["differences"]["auc"]["a"] == pytest.approx(expected, abs=1e-12)
    assert got["delong"]["z"]["p"] is None and got["delong"]["x"]["p"] is not None
    assert set(got["mcnemar"]) == {"x", "y", "z"}
    assert any("3 comparisons" in note for note in got["notes"])


def test_several_classes() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(3, size=90)
    a, b = rng.normal(size=(2, 90, 3)) + np.eye(3)[labels]
    got = compare(labels, a, b, "abc", resamples=50)
    assert set(got["delong"]) == {"a", "b", "c"} and set(got["mcnemar"]) == {"all"}


def test_patients_are_drawn_together_and_the_tests_warned_about() -> None:
    labels, a, b = two_models()
    ids = [f"p{i // 4}" for i in range(200)]
    got = compare(labels, a, b, NAMES, ids=ids, resamples=50)
    assert got["method"].endswith("of patients")
    assert any("DeLong and McNemar" in note for note in got["notes"])
    one_each = compare(labels, a, b, NAMES, ids=[str(i) for i in range(200)], resamples=50)
    assert one_each["notes"] == []


def test_intervals_by_patient_are_wider_where_a_patients_images_agree() -> None:
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(50), 8)
    labels = np.repeat(np.arange(50) % 2, 8)
    a, b = (np.repeat(rng.normal(size=(50, 2)), 8, axis=0) + np.eye(2)[labels] for _ in "ab")

    def width(ids: np.ndarray | None) -> float:
        got = compare(labels, a, b, NAMES, ids=ids, resamples=400)
        low, high = got["differences"]["auc"]["interval"]
        return high - low

    assert width(person) > 1.8 * width(None)


def test_one_class_only() -> None:
    got = compare([1, 1, 1], np.zeros((3, 2)), np.ones((3, 2)), NAMES, resamples=20)
    assert got["differences"]["auc"]["difference"] is None
    assert got["delong"]["pneumonia"]["p"] is None
    json.dumps(got, allow_nan=False)


def test_refuses() -> None:
    labels, a, b = two_models()
    with pytest.raises(ShapeError, match=r"\(200, 2\) and \(199, 2\).*same images"):
        compare(labels, a, b[:-1], NAMES)
    with pytest.raises(ShapeError, match=r"expected \(N, 3\)"):
        compare(labels, a, b, "abc")
    with pytest.raises(ShapeError, match="199 labels and scores of 200"):
        compare(labels[:-1], a, b, NAMES)
    b[0, 0] = np.inf
    with pytest.raises(ArgumentError, match="1 of 400 values"):
        compare(labels, a, b, NAMES)
