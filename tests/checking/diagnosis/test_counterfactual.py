from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.counterfactual import (
    a_part_of_the_batch,
    other_numbers,
    square_weight_transposed,
)
from tests.checking.diagnosis.suspects import said, slug
from tests.checking.functions import cross_entropy
from tests.checking.plain import Array, normal

X, W = normal(4, 3), normal(3, 3, seed=1)


def product(used: Any, squashed: bool = False) -> Any:
    """y = x w, or its tanh; backward sends dy through something made of w."""

    def forward(x: Array, w: Array) -> tuple[Array, Any]:
        y = np.tanh(x @ w) if squashed else x @ w
        return y, (x, w, y)

    def backward(dy: Array, cache: Any) -> tuple[Array, Array]:
        x, w, y = cache
        dz = dy * (1 - y**2) if squashed else dy
        return dz @ used(w).T, x.T @ dz

    return forward, backward


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (lambda w: w.T, "transposed"),
        (lambda w: w[::-1], "flipped"),
        (lambda w: np.roll(w, 1, axis=1), "shifted"),
        (lambda w: w + 0.1, None),
        (lambda w: w * [1, 1, 2], None),
    ],
)
def test_other_numbers(used: Any, expected: str | None) -> None:
    finding = said(other_numbers, product(used), X, W, name="x")
    assert (finding and finding.slug) == expected
    assert finding is None or finding.evidence["array"] == "w"


def correlate(x: Array, k: Array) -> Array:
    return np.stack([(x[i : i + k.size] * k).sum() for i in range(x.size - k.size + 1)])


@pytest.mark.parametrize("turned", [True, False])
def test_a_kernel_in_reverse_order(turned: bool) -> None:
    def backward(dy: Array, cache: Any) -> tuple[Array, Array]:
        x, k = cache
        used = k[::-1] if turned else 1.1 * k
        return np.convolve(dy, used), correlate(x, dy)

    pair = (lambda x, k: (correlate(x, k), (x, k)), backward)
    finding = said(other_numbers, pair, normal(8), normal(3, seed=1), name="x")
    assert (finding and finding.slug) == ("flipped" if turned else None)


class Scaled:
    """y = k x, k one number."""

    def __init__(self, kept: float) -> None:
        self.params, self.grads, self.kept = {"k": np.array(3.0)}, {}, kept

    def forward(self, x: Array) -> Array:
        self.x = x
        return self.params["k"] * np.sin(x)

    def backward(self, dy: Array) -> Array:
        self.grads["k"] = (dy * np.sin(self.x)).sum()
        return dy * np.cos(self.x) * self.kept


@pytest.mark.parametrize(("kept", "expected"), [(1.0, "missing-term"), (2.0, None)])
def test_a_factor_that_is_forgotten(kept: float, expected: str | None) -> None:
    assert slug(other_numbers, Scaled(kept), X) == expected


@pytest.mark.parametrize(
    ("used", "expected"),
    [(lambda w: w.T, "transposed"), (lambda w: w[::-1], None), (lambda w: 2 * w, None)],
)
def test_a_square_weight_behind_a_nonlinearity(used: Any, expected: str | None) -> None:
    pair = product(used, squashed=True)
    assert slug(square_weight_transposed, pair, X, W, name="x") == expected


LABELS = np.array([0, 2, 1, 1])


def classifier(weights: Any) -> Any:
    """Softmax regression; each sample weighs in the gradient as it should not."""

    def f(w: Array, x: Array, labels: Array) -> tuple[float, Array]:
        loss, d = cross_entropy(x @ w, labels)
        return loss, x.T @ (d * np.resize(weights, len(x))[:, None])

    return f


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 0, 0, 0], "partial-batch"),
        ([1, 1, 1, 0], "partial-batch"),
        ([0, 2, 2, 0], "partial-batch"),
        ([1, 2, 3, 4], None),
        ([2, 2, 2, 2], None),
    ],
)
def test_a_part_of_the_batch(weights: list[int], expected: str | None) -> None:
    assert slug(a_part_of_the_batch, classifier(weights), W, X, LABELS) == expected


def test_the_batch_is_put_together_again() -> None:
    from tests.checking.diagnosis.suspects import suspect

    wrong = suspect(classifier([1, 0, 0, 0]), W, X, LABELS)
    a_part_of_the_batch(wrong)
    assert np.array_equal(wrong.evidence.subject.base[1], X)
    assert np.array_equal(wrong.evidence.subject.base[2], LABELS)
