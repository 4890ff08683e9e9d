"""Entry by entry: right whatever the scale and however curved, and wrong to seven digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking import gradcheck
from minicnn.checking.comparison import Comparison, judge
from minicnn.checking.estimates import Derivative
from minicnn.checking.subject import Variable
from tests.checking.functions import (
    RECIPROCAL,
    SIN,
    SQUARE,
    UNIT_ROWS,
    cross_entropy,
    normalization,
    rms_normalization,
    softmax,
    spoilt,
    times,
)
from tests.checking.plain import Array, normal

SCALES = np.array([[1.0], [1e-5], [1e5]])
LABELS = np.array([2, 0, 1, 2])
SURE = normal(4, 3, seed=132)
SURE[range(4), LABELS] += 30


def divide(a: Array, b: Array) -> tuple[Array, Any]:
    return a / b, (a, b)


def divide_backward(dy: Array, cache: Any) -> tuple[Array, Array]:
    a, b = cache
    return dy / b, -dy * a / b**2


def single_tanh(x: Array) -> tuple[Array, Array]:
    y = np.tanh(x.astype(np.float32))
    return y, y


RIGHT: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "1/x, ten decades and both signs": (RECIPROCAL, (np.array([1e-5, -1e-3, 1, 100, -1e5]),)),
    "1/x, one entry near the pole": (RECIPROCAL, (np.array([1e-5, 1, 2, 3]),)),
    "1/x, 1 and -1e5": (RECIPROCAL, (np.array([1, -1e5]),)),
    "1/x, three decades up and down": (RECIPROCAL, (np.array([1e-3, 1, -1e3]),)),
    "a/b": ((divide, divide_backward), (normal(4), np.array([1e-4, 1, 10, 1e4]))),
    "sin, far from zero": (SIN, (np.array([1e4, 1, -300, 0.01]),)),
    "rows to length one": (UNIT_ROWS, (normal(3, 5) * SCALES,)),
    "rms norm": (rms_normalization(), (normal(3, 5) * [[1e-3], [1.0], [1e4]],)),
    "batch norm, far from zero": (normalization(0), (1e4 + normal(6, 4), normal(4, seed=1))),
    "layer norm, far from zero": (normalization(), (1e4 + normal(4, 6), normal(6, seed=1))),
    "cross-entropy, sure": (cross_entropy, (SURE, LABELS)),
    "softmax, huge": (softmax(), (np.array([[-700.0, 0, 700], [700, 10, -10]]),)),
    "softmax, saturated": (softmax(0.01), (normal(3, 4),)),
    "tanh in float32": ((single_tanh, lambda dy, y: dy * (1 - y**2)), (normal(4, 5),)),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass_at_any_scale(name: str, seed: int) -> None:
    target, inputs = RIGHT[name]
    report = gradcheck(target, *inputs, seed=seed)
    assert report.verdict in ("PASS", "PASS_AT_KINK"), report


WRONG: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "1/x, the small entry": (spoilt(RECIPROCAL, times(1.001, 0)), (np.array([1e-5, 1, 2, 3]),)),
    "1/x, the large entry": (spoilt(RECIPROCAL, times(1.1, 1)), (np.array([1, -1e3]),)),
    "sin, at 1e4": (spoilt(SIN, times(1.001, 0)), (np.array([1e4, 1, -300, 0.01]),)),
    "sin, by 1e-6": (spoilt(SIN, times(1 + 1e-6, 2)), (normal(6),)),
    "x^2, the small entry": (spoilt(SQUARE, times(1.001, 0)), (np.array([1e-6, 1e6]),)),
    "rows to length one, the small row": (
        spoilt(UNIT_ROWS, times(1.001, 1)),
        (normal(3, 5) * SCALES,),
    ),
    "batch norm, far from zero": (
        spoilt(normalization(0), times(1.001, 2)),
        (1e4 + normal(6, 4), normal(4, seed=1)),
    ),
    "tanh in float32": ((single_tanh, lambda dy, y: 1.01 * dy * (1 - y**2)), (normal(4, 5),)),
    "one entry of many that vanish": (
        spoilt(softmax(), times(1.001, 0, 0)),
        (np.array([[0.0, 1, 0], [700, 10, -10]]),),
    ),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", WRONG)
def test_wrong_gradients_fail_at_any_scale(name: str, seed: int) -> None:
    target, inputs = WRONG[name]
    assert gradcheck(target, *inputs, seed=seed).verdict == "FAIL"


def test_the_worst_entry_is_one_that_is_wrong() -> None:
    (result,) = gradcheck(spoilt(SIN, times(1.01, 1, 2)), normal(3, 4)).tensors
    assert result.worst_index == (1, 2) and result.compared == 12
    assert result.analytic == pytest.approx(1.01 * result.numeric)
    assert result.error_bar is not None and result.error_bar < 1e-8


# ---- one derivative ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "error", "gap", "kind"),
    [
        (1.0, 1e-10, 0.0, "right"),
        (1 + 5e-8, 1e-10, 0.0, "right"),  # seven digits
        (1 + 5e-7, 1e-10, 0.0, "wrong"),
        (1 + 5e-7, 1e-7, 0.0, "right"),  # within its error bars
        (1.1, 1e-3, 0.0, "wrong"),
        (1.5, 1e-10, 1.0, "kink"),
        (1.5, 1e-10, 0.05, "wrong"),  # a kink too small to explain it
        (1.0, 0.01, 0.0, "unresolved"),
        (1.0, 0.01, 0.5, "kink"),
    ],
)
def test_judgement(claimed: float, error: float, gap: float, kind: str) -> None:
    found = Derivative(np.array([1.0]), np.array([error]), np.array([gap]))
    assert judge(np.array([claimed]), found, 0.0, 1.0) == kind


def test_judgement_of_what_is_small_or_unknown() -> None:
    found = Derivative(np.array([1e-9]), np.array([1e-10]), np.array([0.0]))
    assert judge(np.array([1e-9]), found, 0.0, 1.0) == "right"  # far below the largest
    assert judge(np.array([1e-9]), found, 0.0, 1e-9) == "unresolved"
    exact = Derivative(np.array([1.0]), np.array([1e-10]), np.array([0.0]))
    assert judge(np.array([1.01]), exact, 0.1, 1.0) == "right"  # the rounding of backward
    nowhere = Derivative(np.array([np.nan]), np.array([np.inf]), np.array([0.0]))
    assert judge(np.array([1.0]), nowhere, 0.0, 1.0) == "unresolved"
    for claims in ([1.0, 2.0], [2.0, 1.0]):  # each cotangent counts
        both = Derivative(np.ones(2), np.full(2, 1e-10), np.zeros(2))
        assert judge(np.array(claims), both, 0.0, 1.0) == "wrong"


# ---- the verdict on a variable -------------------------------------------------------------


def compared(**changes: Any) -> Comparison:
    x = normal(2, 2)
    a = np.ones((1, 4))
    flags = {name: np.zeros(4, bool) for name in ("wrong", "kinky", "unresolved")}
    for name in flags.keys() & changes.keys():
        flags[name][changes.pop(name)] = True
    error = changes.pop("error", 1e-9)
    variable = Variable("x", "input", 0, x, x.dtype)
    return Comparison(variable, a, a.copy(), np.full((1, 4), error), **flags, **changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "PASS"),
        ({"kinky": 1}, "PASS_AT_KINK"),
        ({"direction_kinky": True}, "PASS_AT_KINK"),
        ({"wrong": 1, "kinky": 0, "unresolved": 2}, "FAIL"),
        ({"direction_wrong": True}, "FAIL"),
        ({"unresolved": 2}, "PASS"),  # little, by its error bar
        ({"unresolved": 2, "error": 0.1}, "PASS"),  # as close as it could be
        ({"unresolved": 2, "error": 1.0}, "INCONCLUSIVE"),
        ({"unresolved": 2, "kinky": 1, "error": 1.0}, "INCONCLUSIVE"),
    ],
)
def test_verdict(changes: dict[str, Any], verdict: str) -> None:
    comparison = compared(**changes)
    assert comparison.verdict == comparison.result().verdict == verdict
    assert comparison.failed == (verdict == "FAIL")


def test_a_result_says_what_was_not_tried() -> None:
    comparison = compared(directions=3)
    comparison.numeric[:, [0, 1, 3]] = np.nan
    comparison.analytic[0, 2] = 1.5
    result = comparison.result()
    assert result.compared == 1 and result.directions == 3 and result.worst_index == (1, 0)
    assert result.analytic == 1.5 and result.numeric == 1.0
    comparison.numeric[:] = np.nan
    assert comparison.result().compared == 0 and comparison.result().worst_index is None


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_where_terms_cancel_need_not_be_linear(seed: int) -> None:
    report = gradcheck(softmax(0.01), normal(4, 5), seed=seed)
    assert report.ok, report


def test_a_loss_that_is_all_but_zero_is_not_failed() -> None:
    scores = np.zeros((2, 3))
    scores[0, 2] = scores[1, 1] = 30
    assert gradcheck(cross_entropy, scores, np.array([2, 1])).verdict != "FAIL"
