"""Logits to probabilities and decisions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from minicnn.errors import ArgumentError, ShapeError
from minicnn.evaluation.scores import decide, margins, probabilities, sigmoid, softmax


def test_equal_scipy_and_survive_large_scores() -> None:
    rng = np.random.default_rng(0)
    s = np.concatenate([rng.normal(size=(20, 4)) * 5, np.full((1, 4), 1e4), -np.eye(4) * 1e4])
    np.testing.assert_allclose(softmax(s), special.softmax(s, axis=1), rtol=1e-12)
    np.testing.assert_allclose(sigmoid(s), special.expit(s), rtol=1e-12)
    assert softmax(s.astype(np.float32)).dtype == np.float64


def test_two_classes_are_the_sigmoid_of_the_difference() -> None:
    s = np.random.default_rng(1).normal(size=(10, 2))
    p = probabilities(s, multilabel=False)
    np.testing.assert_allclose(p[:, 1], sigmoid(s[:, 1] - s[:, 0]), rtol=1e-12)


def test_decisions_are_taken_above_one_half() -> None:
    p = np.array([[0.4, 0.6], [0.5, 0.5], [0.6, 0.4]])
    assert decide(p, multilabel=False).tolist() == [1, 0, 0]
    assert decide(p, multilabel=True).tolist() == [[0, 1], [0, 0], [1, 0]]


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 2, 2)])
def test_wrong_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="at least 2 classes"):
        probabilities(np.zeros(shape), multilabel=False)


def test_one_label_alone_is_fine() -> None:
    assert probabilities(np.zeros((5, 1)), multilabel=True).tolist() == [[0.5]] * 5


def test_nan_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="NaN"):
        probabilities(np.array([[0.0, np.nan]]), multilabel=False)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_margins_are_the_log_odds_of_the_probabilities(classes: int) -> None:
    s = np.random.default_rng(0).normal(size=(40, classes)) * 3
    np.testing.assert_allclose(margins(s, False), special.logit(softmax(s)), atol=1e-9)
    np.testing.assert_array_equal(margins(s, True), s)


@pytest.mark.parametrize("classes", [2, 3])
def test_margins_rank_where_probabilities_tie(classes: int) -> None:
    s = np.zeros((4, classes))
    s[:, 1] = [40, 60, 700, 5000]
    assert len(set(softmax(s)[:, 1])) == 1
    m = margins(s, False)
    assert (np.diff(m[:, 1]) > 0).all() and (np.diff(m[:, 0]) <= 0).all()


def test_margins_refuse_what_probabilities_refuse() -> None:
    with pytest.raises(ShapeError, match="at least 2 classes"):
        margins(np.zeros((3, 1)), False)
    with pytest.raises(ArgumentError, match="NaN or infinite"):
        margins([[np.inf, 0.0]], True)


def test_margins_tie_where_only_the_other_classes_change_places() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        rest = rng.normal(size=5) * 4
        rows = np.array([np.append(rng.permutation(rest), 1.0) for _ in range(4)])
        assert len(set(margins(rows, False)[:, 5])) == 1
