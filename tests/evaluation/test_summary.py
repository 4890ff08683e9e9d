"""The figures of metrics.json: against scikit-learn, and what happens where they are undefined."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn import metrics as oracle

from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.evaluation.scores import margins
from minicnn.evaluation.summary import summarize


def strict(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def two_classes(n: int = 150, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.6).astype(np.int64)
    return labels, rng.normal(size=(n, 2)) + np.stack([0 * labels, 2.0 * labels - 0.7], axis=1)


def test_two_classes_equal_scikit_learn() -> None:
    labels, scores = two_classes()
    p = special.softmax(scores, axis=1)
    called = p.argmax(axis=1)
    got = summarize(labels, scores, ("normal", "pneumonia"), resamples=200)
    expected = {
        "accuracy": oracle.accuracy_score(labels, called),
        "precision": oracle.precision_score(labels, called),
        "recall": oracle.recall_score(labels, called),
        "f1": oracle.f1_score(labels, called),
        "auc": oracle.roc_auc_score(labels, p[:, 1]),
        "average_precision": oracle.average_precision_score(labels, p[:, 1]),
        "log_loss": oracle.log_loss(labels, p),
        "baseline_accuracy": max(labels.mean(), 1 - labels.mean()),
    }
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert got["n"] == 150
    assert got["confusion"] == oracle.confusion_matrix(labels, called).tolist()
    assert got["notes"] == []
    assert set(got["intervals"]) == {
        "accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "average_precision",
    }
    for name, (low, high) in got["intervals"].items():
        assert low < got[name] < high
    assert "200 stratified bootstrap resamples of images" in got["interval_method"]
    strict(got)


def test_a_ranking_does_not_tie_where_probabilities_are_all_one() -> None:
    labels = np.array([0, 0, 1, 1])
    scores = np.array([[0, 50], [0, 90], [0, 70], [0, 400]], dtype=float)
    got = summarize(labels, scores, ("a", "b"), resamples=0)
    assert got["auc"] == 0.75  # 0.5 from the probabilities, which are 1.0 four times
    assert got["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    third = np.concatenate([scores, np.full((4, 1), -1e3)], axis=1)
    assert summarize(labels, third, "abc", resamples=0)["auc"] == 0.75


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 4), st.integers(1, 12), st.integers(0, 10_000), st.sampled_from([1, 3, 30]))
def test_tiny_samples_equal_scikit_learn(classes: int, n: int, seed: int, size: int) -> None:
    # Few images and whole scores: ties, classes that are absent, or never predicted, or both.
    rng = np.random.default_rng(seed)
    labels = rng.integers(rng.integers(1, classes + 1), size=n)
    scores = rng.integers(-size, size + 1, (n, classes)).astype(float)
    got = summarize(labels, scores, "abcd"[:classes], resamples=0)
    p = special.softmax(scores, axis=1)
    called = p.argmax(axis=1)
    assert got["accuracy"] == pytest.approx(oracle.accuracy_score(labels, called), abs=1e-12)
    columns = [1] if classes == 2 else list(range(classes))
    present = [1] if classes == 2 else sorted(set(labels) | set(called))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("precision", "recall", "f1"):
            expected = getattr(oracle, f"{name}_score")(
                labels, called, labels=present, average="macro", zero_division=0
            )
            # With two classes what is 0 / 0 is said to be undefined.
            assert (got[name] or 0.0) == pytest.approx(expected, abs=1e-12)
    ranked = margins(scores, False)[:, columns]
    areas, precisions = [], []
    for k, c in enumerate(columns):
        positive = labels == c
        if positive.any():
            precisions.append(oracle.average_precision_score(positive, ranked[:, k]))
        if positive.any() and not positive.all():
            areas.append(oracle.roc_auc_score(positive, ranked[:, k]))
    for name, values in (("auc", areas), ("average_precision", precisions)):
        if values:
            assert got[name] == pytest.approx(np.mean(values), abs=1e-12)
        else:
            assert got[name] is None
    if size < 30:  # scikit-learn cuts probabilities off elsewhere
        expected = oracle.log_loss(labels, p, labels=range(classes))
        assert got["log_loss"] == pytest.approx(expected, rel=1e-9)


def test_patients_are_said() -> None:
    labels, scores = two_classes()
    ids = [f"p{i // 3}" for i in range(len(labels))]
    got = summarize(labels, scores, ("a", "b"), ids=ids, resamples=50)
    alone = summarize(labels, scores, ("a", "b"), resamples=50)
    assert got["intervals"] != alone["intervals"] and got["auc"] == alone["auc"]
    assert got["interval_method"].endswith("resamples of patients")


def test_several_classes_equal_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(4, size=120)
    scores = rng.normal(size=(120, 4)) + 1.5 * np.eye(4)[labels]
    p = special.softmax(scores, axis=1)
    called = p.argmax(axis=1)
    got = summarize(labels, scores, "abcd", resamples=100)
    expected = {
        "accuracy": oracle.accuracy_score(labels, called),
        "precision": oracle.precision_score(labels, called, average="macro"),
        "recall": oracle.recall_score(labels, called, average="macro"),
        "f1": oracle.f1_score(labels, called, average="macro"),
        "auc": oracle.roc_auc_score(labels, p, multi_class="ovr"),
        "average_precision": oracle.average_precision_score(np.eye(4)[labels], p),
        "log_loss": oracle.log_loss(labels, p),
    }
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    for name, (low, high) in got["intervals"].items():
        assert low < got[name] < high


def several_labels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = (rng.random((200, 4)) < [0.3, 0.1, 0.5, 0.0]).astype(np.uint8)
    scores = rng.normal(size=(200, 4)) + 2.0 * labels - 1.0
    scores[:, 1] -= 20  # never called at 0.5
    return labels, scores


def test_several_labels() -> None:
    labels, scores = several_labels()
    names = ("effusion", "mass", "edema", "hernia")
    got = summarize(labels, scores, names, multilabel=True, resamples=100)
    p = special.expit(scores)
    called = p > 0.5
    assert got["labels_without_positives"] == ["hernia"]
    assert list(got["labels"]) == list(names)
    for j, name in enumerate(names[:3]):
        own = got["labels"][name]
        assert own["auc"] == pytest.approx(oracle.roc_auc_score(labels[:, j], p[:, j]), abs=1e-12)
        assert own["average_precision"] == pytest.approx(
            oracle.average_precision_score(labels[:, j], p[:, j]), abs=1e-12
        )
        assert own["recall"] == pytest.approx(oracle.recall_score(labels[:, j], called[:, j]))
        assert own["confusion"] == oracle.confusion_matrix(labels[:, j], called[:, j]).tolist()
        assert own["positives"] == labels[:, j].sum()
        low, high = own["intervals"]["auc"]
        assert low < own["auc"] < high
    # The means are over the three labels with positives.
    for name, function in (
        ("precision", oracle.precision_score),
        ("recall", oracle.recall_score),
        ("f1", oracle.f1_score),
    ):
        expected = function(labels[:, :3], called[:, :3], average="macro", zero_division=0)
        assert got[name] == pytest.approx(expected, abs=1e-12)
    assert got["auc"] == pytest.approx(oracle.roc_auc_score(labels[:, :3], p[:, :3]), abs=1e-12)
    assert got["accuracy"] == pytest.approx((labels == called)[:, :3].mean(), abs=1e-12)
    for name, (low, high) in got["intervals"].items():
        assert low < got[name] < high
    assert got["labels"]["hernia"]["auc"] is None
    assert got["labels"]["hernia"]["recall"] is None
    assert got["labels"]["hernia"]["intervals"]["auc"] == [None, None]
    assert got["labels"]["mass"]["precision"] is None
    assert any("hernia" in note and "left out" in note for note in got["notes"])
    assert any("mass" in note and "never predicted" in note for note in got["notes"])
    assert "stratified" not in got["interval_method"]
    strict(got)


def test_no_label_has_positives() -> None:
    got = summarize(np.zeros((9, 2), int), np.zeros((9, 2)), "ab", multilabel=True, resamples=20)
    assert got["auc"] is None and got["f1"] is None
    assert got["intervals"]["auc"] == [None, None]
    strict(got)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(label: int) -> None:
    scores = np.random.default_rng(0).normal(size=(20, 2))
    got = summarize(np.full(20, label), scores, ("no", "yes"), resamples=50)
    assert got["auc"] is None
    assert got["intervals"]["auc"] == [None, None]
    assert (got["recall"] is None) == (label == 0)
    assert f"No examples of: {('yes', 'no')[label]}" in got["notes"][0]
    strict(got)


def test_never_predicted_is_said() -> None:
    labels, _ = two_classes()
    scores = np.tile([5.0, 0.0], (len(labels), 1))
    got = summarize(labels, scores, ("no", "yes"), resamples=20)
    assert got["precision"] is None and got["recall"] == 0 and got["auc"] == 0.5
    assert "Never predicted" in got["notes"][0] and "yes" in got["notes"][0]


def test_perfect_scores_do_not_claim_certainty() -> None:
    labels = np.arange(40) % 2
    got = summarize(labels, np.eye(2)[labels] * 9, ("no", "yes"), resamples=50)
    assert got["accuracy"] == 1.0
    assert got["intervals"]["accuracy"] == pytest.approx([40 / (40 + 1.959964**2), 1.0])
    assert got["intervals"]["recall"][0] < 1
    assert "Wilson" in got["interval_method"]


def test_few_positives_are_said_and_one_has_no_interval_of_auc() -> None:
    labels = np.zeros((40, 3), int)
    labels[:1, 0] = labels[:5, 1] = labels[:20, 2] = 1
    scores = np.random.default_rng(0).normal(size=(40, 3)) + labels
    names = ("one", "five", "twenty")
    got = summarize(labels, scores, names, multilabel=True, resamples=50)
    assert got["labels"]["one"]["intervals"]["auc"] == [None, None]
    assert None not in got["labels"]["five"]["intervals"]["auc"]
    assert any("images with: one (1), five (5)." in note for note in got["notes"])
    # Twenty images of one patient are one patient.
    ids = ["a"] * 20 + [f"p{i}" for i in range(20)]
    got = summarize(labels, scores, names, multilabel=True, ids=ids, resamples=50)
    assert got["labels"]["twenty"]["intervals"]["auc"] == [None, None]
    assert any("patients with: one (1), five (1), twenty (1)." in n for n in got["notes"])
    got = summarize(labels[:, 0], np.stack([-scores[:, 0], scores[:, 0]], 1), "ab", resamples=50)
    assert got["intervals"]["auc"] == [None, None]
    assert any("images with: b (1)." in note for note in got["notes"])


def test_the_baseline_is_the_commonest_class() -> None:
    scores = np.zeros((10, 2))
    for positives in (3, 7):
        got = summarize(np.arange(10) < positives, scores, ("no", "yes"), resamples=0)
        assert got["baseline_accuracy"] == 0.7
    table = np.stack([np.arange(10) < 3, np.arange(10) < 9], axis=1).astype(int)
    got = summarize(table, scores, ("a", "b"), multilabel=True, resamples=0)
    assert got["baseline_accuracy"] == pytest.approx((0.7 + 0.9) / 2)


def test_one_example() -> None:
    got = summarize([1], [[0.0, 1.0]], ("no", "yes"), resamples=20)
    assert got["n"] == 1 and got["accuracy"] == 1.0
    strict(got)


def test_no_resamples_no_intervals() -> None:
    labels, scores = two_classes()
    got = summarize(labels, scores, ("a", "b"), resamples=0)
    assert got["intervals"] == {} and got["interval_method"] is None


@pytest.mark.parametrize(
    ("labels", "scores", "multilabel", "error", "words"),
    [
        ([0, 1], np.zeros((2, 3)), False, ShapeError, r"\(2, 3\); expected \(N, 2\)"),
        ([0, 1, 1], np.zeros((2, 2)), False, ShapeError, "2 rows but labels has 3"),
        ([0, 2], np.zeros((2, 2)), False, ArgumentError, "from 0 to 2"),
        ([0, 1], [[0, np.nan], [0, 0]], False, ArgumentError, "1 of 4 values"),
        ([0, 1], np.zeros((2, 2)), True, ShapeError, r"labels has shape \(2,\)"),
        ([[0, 1], [1, 3]], np.zeros((2, 2)), True, ArgumentError, "from 0 to 3"),
        ([[0.0, 1], [1, 0]], np.zeros((2, 2)), True, DtypeError, "float64"),
        (np.zeros((0, 2), int), np.zeros((0, 2)), True, ShapeError, "N at least 1"),
    ],
)
def test_bad_input(
    labels: Any, scores: Any, multilabel: bool, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        summarize(labels, scores, ("a", "b"), multilabel=multilabel)
