from __future__ import annotations

import numpy as np
import pytest

from minicnn.checking.vcurve import v_curve

X = np.array([0.3, -1.2, 0.8])


def f(x: np.ndarray) -> float:
    return (np.sin(x) * np.exp(x)).sum()


GRADIENT = np.exp(X) * (np.sin(X) + np.cos(X))


def test_the_best_step_lies_near_the_cube_root_of_eps() -> None:
    for curve in v_curve(f, X, GRADIENT):
        h, error = curve.best
        root = curve.eps ** (1 / 3)
        assert root / 12 < h < root * 12
        assert curve.eps / 10 < error < 100 * root**2


def test_the_branches_have_the_slopes_two_and_minus_one() -> None:
    steps = 10.0 ** np.arange(-11, -0.9, 0.1)
    single, double = v_curve(f, X, GRADIENT, steps)
    assert single.dtype == np.float32 and double.dtype == np.float64

    def slope(chosen: np.ndarray, errors: np.ndarray) -> float:
        return float(np.polyfit(np.log(steps[chosen]), np.log(errors[chosen]), 1)[0])

    for curve in (single, double):
        h, _ = curve.best
        assert slope((steps > 8 * h) & (steps < 0.2), curve.errors) == pytest.approx(2, abs=0.15)
        rounding = (steps < h / 4) & (steps > 30 * curve.eps) & (steps > h / 1e4)
        assert slope(rounding, curve.errors) == pytest.approx(-1, abs=0.35)


def test_a_step_below_the_last_digit_moves_nothing() -> None:
    (single,) = v_curve(f, [1.0], [1.0], [1e-12], dtypes=[np.float32])
    assert single.errors.tolist() == [1.0]


def test_steps_are_sorted_and_luck_is_no_exactness() -> None:
    (curve,) = v_curve(lambda x: (3 * x).sum(), [1.0], [3.0], [0.5, 0.25], dtypes=[np.float64])
    assert curve.steps.tolist() == [0.25, 0.5]
    assert curve.errors.tolist() == [curve.eps / 2] * 2


def test_x_is_left_alone() -> None:
    x = X.copy()
    v_curve(f, x, GRADIENT, [1e-3])
    assert (x == X).all()


@pytest.mark.parametrize(
    ("gradient", "steps", "words"),
    [
        (GRADIENT[:2], None, r"gradient has shape \(2,\) and x has \(3,\)"),
        (0 * GRADIENT, None, "zero or not finite"),
        (np.nan * GRADIENT, None, "zero or not finite"),
        (GRADIENT, [0.0, 1e-3], "positive numbers"),
        (GRADIENT, [], "positive numbers"),
        (GRADIENT, [np.nan], "positive numbers"),
    ],
)
def test_what_does_not_fit_is_said(gradient: np.ndarray, steps: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        v_curve(f, X, gradient, steps)
