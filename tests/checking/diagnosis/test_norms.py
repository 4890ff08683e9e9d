from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.norms import another_normalization, another_softmax
from tests.checking.diagnosis.suspects import said, slug
from tests.checking.functions import normalization, softmax
from tests.checking.plain import Array, normal

X = normal(5, 6)
G = normal(6, seed=1)


def normalizing(axis: Any, mean: Any = True, variance: Any = True, factor: Any = 1) -> Any:
    """A normalization over one axis whose backward lacks a term, or sums over another axis."""

    def backward(dy: Array, cache: Any) -> tuple[Array, Array]:
        xhat, sigma, g = cache
        d = dy * g
        dx = d.copy()
        if mean is not None:
            dx -= d.mean(axis=axis if mean is True else mean, keepdims=True)
        if variance is not None:
            over = axis if variance is True else variance
            dx -= xhat * (d * xhat).mean(axis=over, keepdims=True)
        return factor * dx / sigma, (dy * xhat).sum(axis=0)

    return normalization(axis)[0], backward


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("terms", "expected", "words"),
    [
        ({"mean": None}, "missing-term", "through the mean"),
        ({"variance": None}, "missing-term", "through the variance"),
        ({"mean": None, "variance": None}, "missing-term", "the mean and the variance"),
        ({"mean": "other"}, "wrong-axis", "forward normalizes over"),
        ({"variance": "other"}, "wrong-axis", "forward normalizes over"),
        ({"mean": "other", "variance": "other"}, "wrong-axis", "forward normalizes over"),
    ],
)
def test_a_normalization(axis: int, terms: dict[str, Any], expected: str, words: str) -> None:
    terms = {name: 1 - axis if value == "other" else value for name, value in terms.items()}
    finding = said(another_normalization, normalizing(axis, **terms), X, G, name="x")
    assert finding is not None and finding.slug == expected and words in finding.sentence
    assert finding.evidence == {"axes": [axis], "eps": 1e-5}


@pytest.mark.parametrize("factor", [1.1, np.linspace(1, 2, 30).reshape(5, 6)])
def test_another_mistake_in_a_normalization(factor: Any) -> None:
    assert slug(another_normalization, normalizing(0, factor=factor), X, G, name="x") is None


def test_what_is_no_normalization() -> None:
    pair = (lambda x: (np.sin(x), x), lambda dy, x: dy - dy.mean(axis=0))
    assert slug(another_normalization, pair, X) is None


def log_softmax(x: Array) -> tuple[Array, Array]:
    z = x - x.max(axis=1, keepdims=True)
    y = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return y, y


SOFTMAX = softmax()[0]


@pytest.mark.parametrize(
    ("forward", "backward", "expected"),
    [
        (SOFTMAX, lambda dy, p: p * (dy - (dy * p).sum(axis=0)), "wrong-axis"),
        (log_softmax, lambda dy, y: dy - np.exp(y) * dy.sum(axis=0), "wrong-axis"),
        (SOFTMAX, lambda dy, p: 1.1 * p * (dy - (dy * p).sum(axis=1, keepdims=True)), None),
        (SOFTMAX, lambda dy, p: p * (dy - (dy * p).mean(axis=0)), None),
        (log_softmax, lambda dy, y: dy - dy.sum(axis=0), None),
    ],
)
def test_a_softmax(forward: Any, backward: Any, expected: str | None) -> None:
    finding = said(another_softmax, (forward, backward), X)
    assert (finding and finding.slug) == expected
    assert finding is None or finding.evidence == {"axis": 0}
