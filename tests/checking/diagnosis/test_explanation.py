"""Which of the hypotheses is believed, and what is said where none is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking import gradcheck
from minicnn.checking.diagnosis import explain
from tests.checking.diagnosis.suspects import suspect
from tests.checking.functions import AFFINE, SIN, spoilt, times
from tests.checking.plain import Array, normal

X = normal(4, 5)


def test_one_wrong_entry_inside_has_no_name() -> None:
    finding = explain(suspect(spoilt(SIN, times(1.5, 1, 2)), X))
    assert finding.slug == "other" and finding.evidence["wrong_entries"] == 1
    assert "wrong in 1 of the 20 entries compared; at [1, 2] backward says" in finding.sentence


def test_alike_and_wrong_everywhere_is_a_guess() -> None:
    odd = np.linspace(0.5, 2, 20).reshape(4, 5) ** 2
    finding = explain(
        suspect(
            (
                lambda x: (x @ np.ones((5, 5)) + x**3, x),
                lambda dy, x: dy * odd + dy @ np.ones((5, 5)),
            ),
            X,
        )
    )
    assert finding.slug == "missing-term" and finding.evidence["certain"] is False


def test_a_guess_comes_after_what_is_certain() -> None:
    def backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
        dx, dw, db = AFFINE[1](dy, cache)
        dx[1, 2] *= 1.5
        return dx, dw, 2 * db

    report = gradcheck((AFFINE[0], backward), X, normal(5, 3, seed=1), normal(3, seed=2))
    assert report.diagnosis == ["scale", "other"]
    assert [f.tensor for f in report.findings] == ["b", "x"]


@pytest.mark.parametrize(("value", "expected"), [(0, "zero"), (-1, "sign"), (2, "scale")])
def test_what_has_nothing_to_choose_is_asked_first(value: float, expected: str) -> None:
    assert explain(suspect(spoilt(SIN, times(value)), X)).slug == expected


def test_a_broken_promise_explains_wrong_numbers() -> None:
    report = gradcheck((SIN[0], lambda dy, x: np.cos(x) * (1 + X**2)), X)
    assert report.diagnosis == ["ignores-dy"]
