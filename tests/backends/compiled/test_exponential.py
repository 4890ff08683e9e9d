"""The vectorisable exp, exp - 1 and normal distribution beside the C library's."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

numba = pytest.importorskip("numba", reason="the compiled backend needs numba")
exponential = importlib.import_module("minicnn.backends.compiled.exponential")
jit = importlib.import_module("minicnn.backends.compiled.jit")

exp, exp_minus_1 = exponential.exp, exponential.exp_minus_1
normal_tail = exponential.normal_tail


@numba.njit(**jit.OPTIONS)  # type: ignore[untyped-decorator]
def _of_all(x: Any) -> Any:
    out = np.empty((4, x.size), x.dtype)
    for i in range(x.size):
        out[0, i] = exp(x[i])
        out[1, i] = exp_minus_1(x[i])
        out[2, i], out[3, i] = normal_tail(x[i])
    return out


def reference(x: NDArray) -> NDArray[np.float64]:
    return np.array(
        [
            [
                math.exp(v),
                math.expm1(v),
                math.erfc(-v * math.sqrt(0.5)) / 2,
                math.exp(-v * v / 2),
            ]
            for v in map(float, x)
        ]
    ).T


@pytest.mark.parametrize(
    "dtype, unit, lowest", [(np.float32, 2.0**-23, -13.0), (np.float64, 2.0**-52, -26.0)]
)
def test_errors_are_a_few_units_in_the_last_place(dtype: Any, unit: float, lowest: float) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.uniform(lowest, 0, 50_000), -np.exp(rng.uniform(-20, 0, 20_000)), [-0.0]]
    ).astype(dtype)
    actual, expected = _of_all(x), reference(x)
    for i, most in enumerate((0.8, 0.8, 3.0, 1.2)):
        error = np.abs(actual[i] - expected[i]) / np.maximum(np.abs(expected[i]), 1e-300)
        # A double is judged by doubles, in which x^2 is rounded before it goes into exp.
        theirs = 0.0 if dtype is np.float32 else 0.5 + (x * x if i >= 2 else 0.0)
        assert (error <= (most + theirs) * unit).all(), i


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_of_the_range(dtype: Any) -> None:
    x = np.array([-np.inf, -1e30, -800, 0.0, -0.0], dtype)
    y = _of_all(x)
    np.testing.assert_array_equal(y[0], [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(y[1], [-1, -1, -1, 0, 0])
    np.testing.assert_array_equal(y[2], [0, 0, 0, 0.5, 0.5])
    np.testing.assert_array_equal(y[3], [0, 0, 0, 1, 1])
    assert np.isnan(_of_all(np.array([np.nan], dtype))).all()
    tail = _of_all(np.array([np.inf, 40.0, -40.0], dtype))
    np.testing.assert_array_equal(tail[2:], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_falls_off_to_zero_at_the_smallest_normal_number(dtype: Any) -> None:
    smallest = float(np.finfo(dtype).tiny)
    x = np.linspace(math.log(smallest) - 3, math.log(smallest) + 3, 10_001).astype(dtype)
    y = _of_all(x)[0]
    assert ((y == 0) | (y >= 0.7 * smallest)).all()
    assert (np.diff(y) >= 0).all()
    assert (y[x > math.log(smallest) + 0.1] > 0).all()
