"""Derivatives by differences: the error bars are what they claim to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.checking.differences import COARSE_LADDER, LADDER, Differences, unit
from minicnn.checking.estimates import Derivative, choose_rung
from minicnn.checking.noise import EPS, own_sizes, rms
from tests.checking.functions import normalization
from tests.checking.plain import Array, normal
from tests.checking.test_subject import prepared

Function = Callable[[Array], Any]
COVER = 10  # error bars, half of what the checker allows


def around(f: Function, x: Array, seed: int = 0, weights: Any = None) -> Differences:
    def forward(x: Array) -> tuple[Any, None]:
        with np.errstate(all="ignore"):
            return f(x), None

    subject = prepared((forward, print), x)
    rng = np.random.default_rng(seed)
    size = subject.base_call.flat.size
    v = rng.choice([-1.0, 1.0], (2, size)) * rng.uniform(0.5, 1.5, (2, size))
    return Differences(subject, v if weights is None else np.asarray(weights), rng)


def single(f: Function) -> Function:
    return lambda x: f(x.astype(np.float32))


# ---- noise ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("f", [np.sin, np.exp, np.tanh, np.cbrt, np.square])
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_the_noise_is_that_of_the_precision(f: Function, precision: Any, seed: int) -> None:
    d = around(lambda x: f(x.astype(precision)), normal(40), seed=seed)
    relative = rms(d.noise) / rms(d.y) / float(np.finfo(precision).eps)
    assert 0.1 < relative < 10
    assert d.ladder == (LADDER if precision == np.float64 else COARSE_LADDER)


def test_noise_that_the_output_does_not_show_is_found() -> None:
    # 1e8 is added and taken away again: forward is a million times as noisy as its output.
    d = around(lambda x: (x + 1e8) - 1e8, normal(40))
    assert 0.1 < rms(d.noise) / (1e8 * EPS) < 10


@pytest.mark.parametrize("factor", [1e-13, 1e13])
def test_noise_is_relative_to_the_output(factor: float) -> None:
    d = around(lambda x: factor * np.sin(x), normal(40))
    assert 0.1 < rms(d.noise) / rms(d.y) / EPS < 10


def test_an_output_that_moves_by_leaps_is_as_rough_as_they_are() -> None:
    leap = 2.0**-45
    d = around(lambda x: np.round(x / leap) * leap, 1e-3 * normal(40))
    assert 0.05 < rms(d.noise) / leap < 10


@pytest.mark.parametrize("f", [np.abs, lambda x: np.maximum(x, 0), lambda x: 1e3 * x**3])
def test_kinks_and_curves_at_the_point_are_no_noise(f: Function) -> None:
    x = normal(40)
    x[::2] = 0
    d = around(f, x)
    assert rms(d.noise) < 10 * EPS * max(rms(d.y), 1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("x", [1.0005, 1.002, 1.02])
def test_a_kink_nearby_is_no_noise(x: float, seed: int) -> None:
    # Clipped, the first output stands still for short steps and moves for long ones.
    d = around(lambda x: np.clip(x, -1, 1), np.array([x, 0.3, -0.2]), seed=seed)
    assert rms(d.noise) < 10 * EPS


# ---- one derivative ------------------------------------------------------------------------

SMOOTH: dict[str, tuple[Function, Function, Array]] = {
    "sin": (np.sin, np.cos, normal(8)),
    "sin, far from zero": (np.sin, np.cos, np.array([1e4, 1, -300, 0.01])),
    "exp": (np.exp, np.exp, normal(8)),
    "exp, large": (np.exp, np.exp, np.array([-30.0, 0, 30])),
    "1/x": (lambda x: 1 / x, lambda x: -1 / x**2, np.array([-2.0, 0.5, 1, 3])),
    "1/x, near the pole": (lambda x: 1 / x, lambda x: -1 / x**2, np.array([1e-3, 1, -1])),
    "x^2, small and large": (np.square, lambda x: 2 * x, np.array([1e-6, 1e6])),
    "abs": (np.abs, np.sign, np.array([-1.0, 0.5, 2])),
    "abs, near the kink": (np.abs, np.sign, np.array([-1e-4, 1e-4, 1, -1])),
    "log": (np.log, lambda x: 1 / x, np.array([1e-3, 1, 1e3])),
    "linear": (lambda x: 3 * x, lambda x: 3 + 0 * x, normal(8)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SMOOTH)
def test_error_bars_cover_the_error(name: str, seed: int) -> None:
    f, slope, x = SMOOTH[name]
    d = around(f, x, seed=seed)
    (variable,) = d.subject.variables
    true = d.v * slope(x)
    for i in range(x.size):
        found = d.along({"x": unit(variable, i)}, variable.scale)
        off = np.abs(found.value - true[:, i])
        assert (off <= COVER * found.error).all(), (x[i], off, found.error)
        assert (found.error <= 1e-5 * np.abs(true[:, i])).all(), (x[i], found)


@pytest.mark.parametrize("seed", range(3))
def test_error_bars_cover_the_error_in_single_precision(seed: int) -> None:
    x = normal(8)
    d = around(single(np.sin), x, seed=seed)
    (variable,) = d.subject.variables
    for i in range(x.size):
        found = d.along({"x": unit(variable, i)}, variable.scale)
        off = np.abs(found.value - d.v[:, i] * np.cos(x[i]))
        assert (off <= COVER * found.error).all() and (
            found.error <= 1e-2 * np.abs(d.v[:, i])
        ).all()


@pytest.mark.parametrize("mean", [0.0, 1e2, 1e4])
def test_error_bars_of_a_batch_norm_far_from_zero(mean: float) -> None:
    x, g = mean + normal(6, 3), normal(3, seed=1)
    forward, backward = normalization(0)
    d = around(lambda x: forward(x, g)[0], x)
    (variable,) = d.subject.variables
    cache = forward(x, g)[1]
    true = np.stack([backward(v.reshape(x.shape), cache)[0].ravel() for v in d.v])
    for i in range(x.size):
        found = d.along({"x": unit(variable, i)}, variable.scale)
        off = np.abs(found.value - true[:, i])
        assert (off <= COVER * found.error + 1e-11 * mean).all(), (off, found.error)
        assert (found.error <= 1e-4 * np.abs(true).max()).all()


def test_outputs_that_stand_still_add_no_noise() -> None:
    d = around(lambda x: np.sin(x) * [1, 1e9], np.array([1.0, 2.0]), weights=[[1.0, 1.0]])
    (variable,) = d.subject.variables
    found = d.along({"x": unit(variable, 0)}, 1.0)
    assert abs(found.value[0] - np.cos(1)) < 1e-10 and found.error[0] < 1e-9


def test_a_derivative_beyond_what_can_be_resolved_has_a_wide_error_bar() -> None:
    d = around(lambda x: 1e10 + 1e-9 * x, np.ones(1), weights=[[1.0]])
    (variable,) = d.subject.variables
    found = d.along({"x": unit(variable, 0)}, 1.0)
    assert 3 * found.error[0] >= abs(found.value[0] - 1e-9) and found.error[0] > 1e-9


def test_the_gap_is_how_far_the_slopes_of_the_sides_are_apart() -> None:
    d = around(np.abs, np.array([0.0, 1.0]), weights=[[2.0, 1.0], [-3.0, 1.0]])
    (variable,) = d.subject.variables
    at, beside = (d.along({"x": unit(variable, i)}, 1.0) for i in (0, 1))
    assert np.allclose(at.gap, [4, 6]) and np.allclose(at.value, 0)
    assert np.allclose(beside.gap, 0, atol=1e-6) and np.allclose(beside.value, 1)


def test_steps_that_lead_out_of_the_domain_are_left_out() -> None:
    def f(x: Array) -> Array:
        if (x > 1).any():
            raise ValueError("beyond one")
        return np.sqrt(x)

    d = around(f, np.array([1 - 3e-5]), weights=[[1.0]])
    (variable,) = d.subject.variables
    found = d.along({"x": unit(variable, 0)}, variable.scale)
    assert found.value[0] == pytest.approx(0.5, abs=1e-4) and found.error[0] < 1e-6
    assert np.isnan(d.move({"x": np.ones(1)}, 1e-3)).all()


def test_where_no_step_is_possible_nothing_is_claimed() -> None:
    d = around(lambda x: np.where(x == 1, 1.0, np.nan), np.ones(1), weights=[[1.0]])
    (variable,) = d.subject.variables
    found = d.along({"x": unit(variable, 0)}, 1.0)
    assert np.isnan(found.value).all() and np.isinf(found.error).all()


def test_a_right_claim_ends_the_search_and_a_wrong_one_does_not_mislead_it() -> None:
    d = around(np.sin, np.ones(3))
    (variable,) = d.subject.variables
    true = d.v[:, 0] * np.cos(1)
    before = d.subject.evaluations
    d.along({"x": unit(variable, 0)}, 1.0, true)
    assert d.subject.evaluations - before == 4
    found = d.along({"x": unit(variable, 0)}, 1.0, 1.001 * true)
    assert np.allclose(found.value, true, rtol=1e-9) and (found.error < 1e-8).all()


def test_a_derivative_at_another_point() -> None:
    d = around(np.sin, np.ones(1))
    there = Differences(d.subject, d.v, np.random.default_rng(0), {"x": np.array([2.0])})
    (variable,) = d.subject.variables
    found = there.along({"x": unit(variable, 0)}, 1.0)
    assert np.allclose(found.value, d.v[:, 0] * np.cos(2)) and there.point(variable) == 2


def test_what_a_derivative_can_say_of_a_claim() -> None:
    one = Derivative(np.array([1.0]), np.array([1e-9]), np.array([0.0]))
    assert one.fits(np.array([1 + 1e-9])) and not one.fits(np.array([1 + 1e-7]))
    assert one.contradicts(np.array([1.1])) and not one.contradicts(np.array([1 + 1e-6]))
    vague = Derivative(np.array([1.0]), np.array([0.1]), np.array([0.0]))
    assert not vague.fits(np.array([1.0])) and not vague.contradicts(np.array([2.0]))
    kink = Derivative(np.array([1.0]), np.array([1e-9]), np.array([1.0]))
    assert not kink.contradicts(np.array([1.5]))
    assert one.agrees(vague) and not one.agrees(Derivative(one.value + 1e-8, one.error, one.gap))


# ---- the choice of the step ----------------------------------------------------------------


def rung(value: float, error: float, gap: float = 0.0) -> Derivative:
    return Derivative(np.array([value]), np.array([error]), np.array([gap]))


@pytest.mark.parametrize(
    ("rungs", "chosen"),
    [
        ([rung(1.1, 0.1), rung(1.01, 0.01), rung(1.001, 0.001)], 2),  # all agree
        ([rung(1.0, 0.1), rung(1.01, 0.01), rung(5, 1e-9)], 1),  # the longest sees something else
        ([rung(1.0, 0.01), rung(5, 1e-9), rung(1.0, 1e-9)], 0),  # what comes after it, too
        ([rung(9, 1e-9), rung(1, 0.1), rung(1, 0.01), rung(1, 0.02)], 2),  # the shortest: noise
        ([rung(9, 1e-3), rung(1, 0.1), rung(1, 0.01)], 0),  # two are no majority
        ([rung(3, 0.1)], 0),
    ],
)
def test_a_step_is_chosen_among_those_that_agree(rungs: list[Derivative], chosen: int) -> None:
    found = choose_rung(rungs)
    assert found.value == rungs[chosen].value and found.error == rungs[chosen].error


def test_each_cotangent_chooses_for_itself() -> None:
    gap = np.zeros(2)
    short = Derivative(np.array([1.0, 1.0]), np.array([0.1, 0.1]), gap)
    long = Derivative(np.array([1.0, 7.0]), np.array([0.01, 0.01]), gap + 1)
    found = choose_rung([short, long])
    assert list(found.value) == [1, 1] and list(found.error) == [0.01, 0.1]
    assert list(found.gap) == [1, 0]


@pytest.mark.parametrize("name", ["sin", "exp", "linear", "1/x"])
def test_the_sweep(name: str) -> None:
    f, slope, x = SMOOTH[name]
    d = around(f, x)
    (variable,) = d.subject.variables
    step = d.best_step(variable, np.random.default_rng(0))
    assert 1e-7 <= step / variable.scale <= 1e-3
    sweep = d.sweep(variable, step, keep=True)
    assert np.allclose(sweep.values, d.v * slope(x), rtol=1e-6)
    assert sweep.jacobian is not None and np.allclose(sweep.jacobian, np.diag(slope(x)), rtol=1e-6)
    some = d.sweep(variable, step, keep=False, only=np.array([2, 0]))
    assert np.array_equal(some.values, sweep.values[:, [2, 0]]) and some.jacobian is None
    assert np.array_equal(some.noise, sweep.noise[:, [2, 0]])


# ---- kinks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("f", "left", "right"),
    [
        (np.abs, -1, 1),
        (lambda x: np.maximum(x, 0), 0, 1),
        (lambda x: np.where(x > 0, x, np.float32(0.01) * x), 0.01, 1),
        (lambda x: np.maximum(x, 0) - np.minimum(x, 0) ** 2, 0, 1),
    ],
)
def test_the_two_sides_of_a_kink(f: Function, left: float, right: float, precision: Any) -> None:
    d = around(lambda x: f(x.astype(precision)), np.array([0.0, 1.0, -1.0]))
    (variable,) = d.subject.variables
    sides = d.sides({"x": unit(variable, 0)}, variable.scale)
    assert list(sides.kinky) == [True, False, False]
    assert sides.left[0] == pytest.approx(left, abs=2e-3)
    assert sides.right[0] == pytest.approx(right, abs=2e-3)


@pytest.mark.parametrize("f", [np.sin, np.exp, np.square, lambda x: x * np.abs(x), np.float64])
@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_what_is_smooth_is_not_called_a_kink(f: Function, factor: float) -> None:
    d = around(lambda x: factor * f(x), np.array([0.0, 1.0, -1.0]))
    (variable,) = d.subject.variables
    for i in range(3):
        assert not d.sides({"x": unit(variable, i)}, variable.scale).kinky.any()


def test_a_sharp_bend_is_not_called_a_kink() -> None:
    d = around(lambda x: np.sqrt(x**2 + 1e-6), np.array([0.0, 1.0]))
    (variable,) = d.subject.variables
    assert not d.sides({"x": unit(variable, 0)}, variable.scale).kinky.any()


# ---- sizes ---------------------------------------------------------------------------------


def test_sizes() -> None:
    assert list(own_sizes(np.array([0.0, 0.5, -9.0]), 2.0)) == [2, 0.5, 2]
    assert rms(np.array([3.0, -3.0])) == 3 and rms(np.zeros(2)) == rms(np.zeros(0)) == 0
    assert rms(np.array([1e200, 7e200])) == pytest.approx(5e200)
    d = around(lambda x: 3 * x, np.array([2.0, -2.0]), weights=[[3.0, 4.0]])
    (variable,) = d.subject.variables
    assert d.rounding(variable) == pytest.approx(5 * 6 / 2 * np.finfo(float).eps)
    assert d.natural(variable) == pytest.approx(5 * d.reach / 2) and 6 * 15 < d.reach < 6 * 45
    assert np.array_equal(unit(variable, 1), [0, 1])


def test_the_reach_is_how_far_outputs_go_and_not_how_large_they_are() -> None:
    d = around(lambda x: 1e12 + 1e-6 * x, normal(4))
    assert d.reach < 1e-2
