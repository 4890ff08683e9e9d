"""Temperature scaling: against a minimiser of scipy, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation import temperature
from minicnn.evaluation.metrics import log_loss
from minicnn.evaluation.scores import probabilities


def loss(labels: np.ndarray, scores: np.ndarray, t: float, multilabel: bool) -> float:
    if multilabel:
        return float(-special.log_expit(np.where(labels == 1, 1, -1) * scores / t).mean())
    logs = special.log_softmax(scores / t, axis=1)
    return float(-logs[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("factor", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("kind", ["two", "four", "labels"])
def test_equals_the_minimum_found_by_scipy(kind: str, factor: float) -> None:
    rng = np.random.default_rng(1)
    multilabel = kind == "labels"
    k = {"two": 2, "four": 4, "labels": 3}[kind]
    if multilabel:
        scores = rng.normal(size=(200, k)) * 2
        labels = (rng.random((200, k)) < special.expit(scores)).astype(int)
    else:
        scores = rng.normal(size=(200, k)) * 2
        labels = np.array([rng.choice(k, p=row) for row in special.softmax(scores, axis=1)])
    scores = scores * factor
    got = temperature.fit_temperature(labels, scores, multilabel)
    found = optimize.minimize_scalar(
        lambda log_t: loss(labels, scores, np.exp(log_t), multilabel),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert got.value == pytest.approx(np.exp(found.x), rel=1e-5)
    assert not got.at_limit


def test_an_over_confident_model_is_cooled_to_where_it_came_from() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(20_000, 2)) * 2
    labels = (rng.random(20_000) < special.softmax(scores, axis=1)[:, 1]).astype(int)
    assert temperature.fit_temperature(labels, 7 * scores).value == pytest.approx(7, rel=0.05)


def test_the_loss_falls_and_no_decision_changes() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(2, size=200)
    scores = rng.normal(size=(200, 2)) * 6 + 4 * np.eye(2)[labels]
    t = temperature.fit_temperature(labels, scores).value
    before = probabilities(scores, False)
    after = probabilities(temperature.scale(scores, t), False)
    assert log_loss(labels, after) < log_loss(labels, before)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


def test_separated_images_drive_it_to_the_lower_limit() -> None:
    labels = np.arange(10) % 2
    got = temperature.fit_temperature(labels, np.eye(2)[labels])
    assert got == temperature.Temperature(temperature.LOWEST, True)


def test_scores_that_say_the_contrary_drive_it_to_the_upper_limit() -> None:
    labels = np.arange(10) % 2
    got = temperature.fit_temperature(labels, 5 * np.eye(2)[1 - labels])
    assert got == temperature.Temperature(temperature.HIGHEST, True)


@pytest.mark.parametrize("multilabel", [False, True])
def test_scores_that_are_all_equal_are_left_alone(multilabel: bool) -> None:
    labels = np.eye(2, dtype=int)[[0, 1, 1]] if multilabel else np.array([0, 1, 1])
    scores = np.full((3, 2), 0.0 if multilabel else 7.0)
    got = temperature.fit_temperature(labels, scores, multilabel)
    assert got == temperature.Temperature(1.0, True)


def test_huge_scores_do_not_overflow() -> None:
    scores = np.array([[0, 1e6], [1e6, 0], [0, 1e6]])
    assert np.isfinite(temperature.fit_temperature([1, 0, 0], scores).value)


def test_refuses() -> None:
    with pytest.raises(ArgumentError, match="1 of 4 values"):
        temperature.fit_temperature([0, 1], [[0, np.nan], [0, 0]])
    with pytest.raises(ShapeError, match="2 rows but labels has 3"):
        temperature.fit_temperature([0, 1, 1], np.zeros((2, 2)))
    with pytest.raises(ShapeError, match=r"expected \(N, L\) both"):
        temperature.fit_temperature([0, 1], np.zeros((2, 2)), multilabel=True)
