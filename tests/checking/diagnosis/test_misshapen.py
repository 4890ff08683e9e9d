from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking import gradcheck
from minicnn.checking.diagnosis.misshapen import explain_shape
from tests.checking.diagnosis.suspects import evidence_of
from tests.checking.functions import AFFINE
from tests.checking.plain import Array, Linear, changed, normal

INPUTS = normal(5, 4), normal(4, 3, seed=1), normal(3, seed=2)


def affine(**wrong: Any) -> Any:
    def backward(dy: Array, cache: Any) -> tuple[Array, ...]:
        right = dict(zip("xwb", AFFINE[1](dy, cache), strict=True))
        return tuple(wrong[name](dy, right) if name in wrong else right[name] for name in "xwb")

    return AFFINE[0], backward


@pytest.mark.parametrize(
    ("name", "gradient", "expected"),
    [
        ("w", lambda dy, right: right["w"].T, "transposed"),
        ("w", lambda dy, right: right["b"], "swapped"),
        ("x", lambda dy, right: right["w"], "swapped"),
        ("b", lambda dy, right: dy.sum(axis=1), "wrong-axis"),
        ("b", lambda dy, right: dy.mean(axis=1), "wrong-axis"),
        ("b", lambda dy, right: dy.sum(), "wrong-axis"),
        ("w", lambda dy, right: right["w"].ravel(), None),  # the right numbers
        ("b", lambda dy, right: right["b"][None], None),
        ("w", lambda dy, right: 1.1 * right["w"].T, None),
        ("b", lambda dy, right: dy.sum(axis=1) * [1, 2, 1, 1, 1], None),
    ],
)
def test_what_a_misshapen_gradient_holds(name: str, gradient: Any, expected: str | None) -> None:
    evidence = evidence_of(affine(**{name: gradient}), *INPUTS)
    (variable,) = (v for v in evidence.subject.variables if v.name == name)
    finding = explain_shape(evidence, variable, evidence.behaviour.misshapen[name])
    assert (finding and finding.slug) == expected
    assert finding is None or finding.tensor == name


@pytest.mark.parametrize(
    ("name", "gradient", "diagnosis"),
    [
        ("w", lambda dy, right: right["w"].T, ["shape", "transposed"]),
        ("w", lambda dy, right: right["b"], ["swapped", "shape"]),
        ("b", lambda dy, right: dy.sum(axis=1), ["wrong-axis", "shape"]),
        ("w", lambda dy, right: right["w"].ravel(), ["shape"]),
    ],
)
def test_what_it_holds_stands_beside_the_shape(
    name: str, gradient: Any, diagnosis: list[str]
) -> None:
    assert gradcheck(affine(**{name: gradient}), *INPUTS).diagnosis == diagnosis


def test_gradients_of_parameters_are_called_as_they_are_stored() -> None:
    def backward(self: Any, dy: Array) -> Array:
        dx = Linear.backward(self, dy)
        self.grads["w"] = self.grads["w"].T.copy()
        return dx

    report = gradcheck(changed(Linear, backward=backward), normal(3, 4))
    assert "grads['w'] has shape (3, 4)" in report.findings[1].sentence


def test_a_large_gradient_is_not_looked_into() -> None:
    x = normal(5, 300)
    pair = (lambda x: (np.sin(x), x), lambda dy, x: (dy * np.cos(x)).T)
    evidence = evidence_of(pair, x)
    (variable,) = evidence.subject.variables
    assert explain_shape(evidence, variable, evidence.behaviour.misshapen["x"]) is None
