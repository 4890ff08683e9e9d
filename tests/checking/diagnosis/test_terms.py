from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.terms import (
    a_factor_of_a_product,
    a_path,
    a_penalty,
    a_sum_over_a_group,
    a_sum_over_a_wrong_group,
    a_target,
    all_but_the_diagonal,
)
from tests.checking.diagnosis.suspects import said, slug
from tests.checking.functions import cross_entropy, pointwise, softmax
from tests.checking.plain import Array, normal

X = normal(4, 5)
W = normal(5, 5, seed=1)


def around(dx: Callable[[Array], Array]) -> Any:
    """y = x W + x."""
    return lambda x: (x @ W + x, None), lambda dy, _: dx(dy)


@pytest.mark.parametrize(
    ("dx", "words"),
    [
        (lambda dy: dy @ W.T, "identity path"),
        (lambda dy: dy, "everything but the identity"),
        (lambda dy: dy @ W.T + 2 * dy, None),
        (lambda dy: 2 * dy, None),
    ],
)
def test_a_path(dx: Any, words: str | None) -> None:
    finding = said(a_path, around(dx), X)
    if words is None:
        assert finding is None
    else:
        assert finding is not None and finding.slug == "missing-term" and words in finding.sentence


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def swish(slope: Any) -> Any:
    return pointwise(lambda x: x * sigmoid(x), slope)


def slope_of_sigmoid(x: Array) -> Array:
    return sigmoid(x) * (1 - sigmoid(x))


@pytest.mark.parametrize(
    ("slope", "missing"),
    [
        (sigmoid, "x g'(x)"),
        (lambda x: x * slope_of_sigmoid(x), "g(x)"),
        (np.ones_like, "all but 1"),
        (lambda x: 1.1 * sigmoid(x), None),
        (slope_of_sigmoid, None),
    ],
)
def test_a_factor_of_a_product(slope: Any, missing: str | None) -> None:
    finding = said(a_factor_of_a_product, swish(slope), X)
    assert (finding and finding.evidence["missing"].split("term ")[-1].split(" of the")[0]) == (
        missing
    )
    assert finding is None or finding.slug == "missing-term"


def penalized(gradient: Callable[[Array], Array]) -> Any:
    """The mean square of x w, and a penalty."""

    def f(w: Array, x: Array) -> tuple[float, Array]:
        y = x @ w
        return float((y**2).mean() + 0.1 * (w**2).sum()), 2 * x.T @ y / y.size + gradient(w)

    return f


@pytest.mark.parametrize(
    ("gradient", "coefficient"),
    [
        (lambda w: 0 * w, 0.2),
        (lambda w: 0.1 * w, 0.1),
        (lambda w: 0.2 * w + 0.3 * np.sign(w), -0.3),
        (lambda w: 0.2 * np.abs(w), None),
    ],
)
def test_a_penalty(gradient: Any, coefficient: float | None) -> None:
    finding = said(a_penalty, penalized(gradient), normal(5, 3, seed=1), X)
    assert (finding and finding.evidence["coefficient"]) == (
        None if coefficient is None else pytest.approx(coefficient, rel=1e-5)
    )
    assert finding is None or finding.slug == "missing-term"


LABELS = np.array([0, 2, 1, 4])


@pytest.mark.parametrize(("columns", "expected"), [(1, "missing-term"), (2, None)])
def test_a_target(columns: int, expected: str | None) -> None:
    def f(scores: Array, labels: Array) -> tuple[float, Array]:
        loss, d = cross_entropy(scores, labels)
        for shift in range(columns):
            d[range(4), (labels + shift) % 5] += 0.1
        return loss, d

    assert slug(a_target, f, X, LABELS) == expected


def probabilities(dx: Callable[[Array, Array], Array]) -> Any:
    return softmax()[0], lambda dy, p: dx(dy, p)


@pytest.mark.parametrize(
    ("dx", "expected"),
    [
        (lambda dy, p: dy * p * (1 - p), "missing-term"),
        (lambda dy, p: dy * p, None),
        (lambda dy, p: 0.9 * dy * p * (1 - p), None),
    ],
)
def test_all_but_the_diagonal(dx: Any, expected: str | None) -> None:
    assert slug(all_but_the_diagonal, probabilities(dx), X) == expected


def centred(dx: Callable[[Array], Array]) -> Any:
    return lambda x: (x - x.mean(axis=1, keepdims=True), None), lambda dy, _: dx(dy)


def standard(x: Array) -> tuple[Array, Any]:
    sigma = x.std(axis=0)
    return (x - x.mean(axis=0)) / sigma, sigma


ODD = np.linspace(-1, 2, X.size).reshape(X.shape) ** 3


@pytest.mark.parametrize(
    ("pair", "missing"),
    [
        (centred(lambda dy: dy), "a mean over axis 1"),
        (probabilities(lambda dy, p: dy * p), "a denominator over axis 1"),
        ((standard, lambda dy, sigma: dy / sigma), "mean and variance over axis 0"),
        (centred(lambda dy: dy - dy.mean(axis=1, keepdims=True) + ODD * dy), None),
    ],
    ids=["mean", "denominator", "variance", "none"],
)
def test_a_sum_over_a_group(pair: Any, missing: str | None) -> None:
    x = normal(6, 5) if pair[0] is standard else X
    finding = said(a_sum_over_a_group, pair, x)
    assert (finding and finding.evidence["missing"].removeprefix("the derivative of ")) == missing
    assert finding is None or finding.slug == "missing-term"


@pytest.mark.parametrize(
    ("dx", "expected"),
    [
        (lambda dy: dy - dy.mean(axis=0), "wrong-axis"),
        (
            lambda dy: (
                dy - dy.mean(axis=1, keepdims=True) * np.linspace(0, 3, 49).reshape(7, 7) ** 2
            ),
            None,
        ),
    ],
)
def test_a_sum_over_a_wrong_group(dx: Any, expected: str | None) -> None:
    assert slug(a_sum_over_a_wrong_group, centred(dx), normal(7, 7)) == expected


@pytest.mark.parametrize("hypothesis", [a_sum_over_a_group, a_sum_over_a_wrong_group, a_path])
def test_what_acts_entry_by_entry_has_no_groups(hypothesis: Any) -> None:
    assert slug(hypothesis, pointwise(np.sin, lambda x: np.cos(x) + 0.1 * x), X) is None
