"""At a kink a gradient may be anything between the slopes on the two sides, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from minicnn.checking import Report, gradcheck
from tests.checking.functions import pointwise
from tests.checking.plain import Array, Linear, Net, Pool, ReLU, changed, normal

OK = ("PASS", "PASS_AT_KINK")


def at(x: Array, **places: float) -> Array:
    """Put numbers into the first entries of an array."""
    x.flat[: len(places)] = list(places.values())
    return x


def clip(strictly: bool) -> Any:
    def slope(x: Array) -> Array:
        return (np.abs(x) < 1) if strictly else (np.abs(x) <= 1)

    return pointwise(lambda x: np.clip(x, -1, 1), slope)


def hard_sigmoid(strictly: bool) -> Any:
    def slope(x: Array) -> Array:
        return ((np.abs(x) < 3) if strictly else (np.abs(x) <= 3)) / 6

    return pointwise(lambda x: np.clip(x / 6 + 0.5, 0, 1), slope)


HALF = np.round(normal(5, 6) * 1.5)
THIRD = np.round(normal(5, 6) * 3)
ENDS = normal(3, 4)
ENDS[0, 0] = ENDS[2, 2] = 1
ENDS[1, 1] = -1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strictly", [True, False])
@pytest.mark.parametrize(
    ("function", "x"),
    [(clip, ENDS), (clip, HALF), (hard_sigmoid, THIRD)],
    ids=["clip", "clip, rounded", "hard sigmoid, rounded"],
)
def test_either_slope_is_right_at_the_ends_of_a_range(
    function: Any, x: Array, strictly: bool, seed: int
) -> None:
    assert gradcheck(function(strictly), x, seed=seed).verdict == "PASS_AT_KINK"


def slope_at_zero(left: float, right: float, at_zero: float) -> Any:
    return pointwise(
        lambda x: np.where(x > 0, right * x, left * x),
        lambda x: np.where(x > 0, right, np.where(x < 0, left, at_zero)),
    )


@pytest.mark.parametrize(
    ("left", "right", "at_zero", "ok"),
    [
        (0, 1, 0.0, True),
        (0, 1, 1.0, True),
        (0, 1, 0.3, True),
        (0, 1, -0.001, False),
        (0, 1, 1.001, False),
        (-1, 1, 0.0, True),
        (-1, 1, 1.01, False),
        (1, -1, -1.0, True),
        (0.01, 1, 0.0, False),
        (0.01, 1, 0.01, True),
        (1, 1.5, 1.2, True),
        (1, 1.5, 0.0, False),
    ],
)
def test_the_slope_at_a_kink(left: float, right: float, at_zero: float, ok: bool) -> None:
    x = normal(3, 4)
    x[0, 1] = x[2, 0] = 0
    report = gradcheck(slope_at_zero(left, right, at_zero), x)
    assert report.verdict in (OK if ok else ("FAIL",))
    if not ok:
        assert report.diagnosis[0] == "subgradient"
        evidence = report.findings[0].evidence
        assert evidence["index"] == [0, 1] and evidence["analytic"] == pytest.approx(at_zero)
        assert evidence["left"] == pytest.approx(left, abs=1e-6)
        assert evidence["right"] == pytest.approx(right, abs=1e-6)


def test_in_a_weighted_sum_each_output_is_asked_by_itself() -> None:
    # One input, two outputs: relu(x) and relu(-x). Backward gives 2 for one and 0 for the other.
    pair = (
        lambda x: (np.stack([np.maximum(x, 0), np.maximum(-x, 0)]), x),
        lambda dy, x: np.where(x == 0, 2 * dy[0] - dy[1], dy[0] * (x > 0) - dy[1] * (x < 0)),
    )
    assert gradcheck(pair, at(normal(4), a=0.0)).diagnosis == ["subgradient"]


def test_what_the_smooth_outputs_contribute_must_be_right_at_a_kink_of_others() -> None:
    def pair(slope: float) -> Any:
        return (
            lambda x: (np.stack([np.maximum(x, 0), 3 * x]), x),
            lambda dy, x: dy[0] * (x > 0) + np.where(x == 0, slope, 3) * dy[1],
        )

    x = at(normal(4), a=0.0)
    assert gradcheck(pair(3), x).verdict == "PASS_AT_KINK"
    report = gradcheck(pair(4), x)
    assert report.verdict == "FAIL" and "smooth there" in report.findings[0].sentence


TIED = normal(2, 1, 4, 4)
TIED[0, 0, :2, :2] = 2.0
TIED[1, 0, 2:, 2:] = [[2.0, 2.0], [0.0, 0.0]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("ties", "ok"), [("first", True), ("split", True), ("all", False)])
def test_a_tie_is_shared_neither_doubled_nor_lost(ties: str, ok: bool, seed: int) -> None:
    report = gradcheck(Pool(ties), TIED, seed=seed)
    assert report.verdict == ("PASS_AT_KINK" if ok else "FAIL")
    assert ok or report.diagnosis == ["subgradient"]


@pytest.mark.parametrize(
    ("shares", "ok"), [((1, 0), True), ((0.5, 0.5), True), ((1, 1), False), ((0, 0), False)]
)
def test_a_tie_between_two_arrays(shares: tuple[float, float], ok: bool) -> None:
    def backward(dy: Array, cache: Any) -> tuple[Array, Array]:
        a, b = cache
        return (dy * np.where(a == b, shares[0], a > b), dy * np.where(a == b, shares[1], b > a))

    pair = (lambda a, b: (np.maximum(a, b), (a, b)), backward)
    a, b = normal(5), normal(5, seed=1)
    b[[1, 3]] = a[[1, 3]]
    report = gradcheck(pair, a, b)
    assert report.verdict in (OK if ok else ("FAIL",))
    assert ok or report.diagnosis[0] == "subgradient"


def zeros() -> Net:
    net = Net(Linear(4, 5), ReLU(), Linear(5, 3))
    for layer in net.layers[::2]:
        for array in layer.params.values():
            array[...] = 0
    return net


def test_a_network_of_zeros_lies_at_many_kinks() -> None:
    assert gradcheck(zeros(), normal(3, 4)).verdict in OK


def test_beside_a_kink_the_gradient_must_be_right_as_anywhere() -> None:
    x = np.zeros((3, 4))
    assert gradcheck(ReLU(), x).verdict == "PASS_AT_KINK"
    wrong = changed(ReLU, backward=lambda self, dy: 1.01 * dy * (self.x > 0))
    assert gradcheck(wrong, x).verdict == "FAIL"
    notes = gradcheck(ReLU(), x).notes
    assert any("compared beside it" in note for note in notes)


@pytest.mark.parametrize(
    "bend",
    [
        (np.sin, np.cos),
        (lambda x: x * np.abs(x), lambda x: 2 * np.abs(x)),
        (lambda x: np.sqrt(x**2 + 1e-6), lambda x: x / np.sqrt(x**2 + 1e-6)),
        (lambda x: np.log1p(np.exp(50 * x)) / 50, lambda x: 1 / (1 + np.exp(-50 * x))),
    ],
    ids=["sin", "x |x|", "a rounded corner", "softplus"],
)
def test_a_bend_is_no_kink(bend: Any) -> None:
    x = at(normal(3, 4), a=0.0, b=1e-3)
    report: Report = gradcheck(pointwise(*bend), x)
    assert report.verdict == "PASS"
    wrong = gradcheck(pointwise(bend[0], lambda x: bend[1](x) + 0.1 * (x == 0)), x)
    assert wrong.verdict == "FAIL" and "subgradient" not in wrong.diagnosis


def test_a_wrong_gradient_is_not_excused_by_kinks_elsewhere() -> None:
    x = normal(3, 4)
    x[0] = 0
    wrong = changed(ReLU, backward=lambda self, dy: dy * (self.x > 0) + 1e-3 * dy * (self.x < -1))
    assert gradcheck(wrong, x).verdict == "FAIL"


def test_large_arrays_meet_kinks_along_directions() -> None:
    x = normal(80, 60)
    x[:, ::7] = 0
    assert gradcheck(ReLU(), x).verdict == "PASS_AT_KINK"
    wrong = changed(ReLU, backward=lambda self, dy: 1.01 * dy * (self.x > 0))
    assert gradcheck(wrong, x).verdict == "FAIL"
    assert gradcheck(SimpleNamespace(forward=np.abs, backward=lambda dy: dy), x).verdict == "FAIL"
