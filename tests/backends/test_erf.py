from __future__ import annotations

import math

import numpy as np

from minicnn.backends.vectorized._erf import BORDER, erf


def test_equals_the_standard_library_to_the_last_digits() -> None:
    x = np.concatenate(
        [
            np.linspace(-8, 8, 20_001),
            np.logspace(-300, 1, 2_000),
            np.nextafter([BORDER, BORDER, 6.0], [0, 1, 7]),
        ]
    )
    expected = np.array([math.erf(value) for value in x])
    assert (np.abs(erf(x) - expected) <= 5 * np.spacing(np.abs(expected))).all()


def test_ends_and_odd_symmetry() -> None:
    ends = erf(np.array([0.0, np.inf, -np.inf, 1e300, 40.0]))
    assert ends.tolist() == [0, 1, -1, 1, 1]
    assert np.isnan(erf(np.array([np.nan]))).all()
    x = np.linspace(0, 7, 101)
    np.testing.assert_array_equal(erf(-x), -erf(x))
    assert np.signbit(erf(np.array([-0.0]))).all()


def test_float32_is_computed_in_float64() -> None:
    x = np.linspace(-4, 4, 51).astype(np.float32)
    assert erf(x).dtype == np.float64
    np.testing.assert_allclose(erf(x), [math.erf(value) for value in x], rtol=1e-15)
