"""The two ways to max-pool: windows of 2x2 side by side, and all others."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from minicnn.backends.vectorized import pooling as vectorized
from tests.backends.spellings import DTYPES

pytest.importorskip("numba", reason="the compiled backend needs numba")
pooling = importlib.import_module("minicnn.backends.compiled.pooling")

WINDOWS = [  # kernel, stride, padding
    ((2, 2), (2, 2), (0, 0)),  # the special case
    ((2, 2), (2, 2), (1, 1)),
    ((2, 2), (1, 1), (0, 0)),
    ((3, 2), (2, 3), (1, 0)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(2, 2), (3, 2), (2, 3), (5, 7), (8, 40), (9, 41)])
@pytest.mark.parametrize(("kernel", "stride", "padding"), WINDOWS)
def test_ties_nan_and_odd_sizes(
    dtype: type,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    if kernel[0] > size[0] + 2 * padding[0]:
        return  # no window fits
    rng = np.random.default_rng(4)
    x = rng.integers(-2, 3, (3, 4, *size)).astype(dtype)  # with many ties
    x[rng.random(x.shape) < 0.1] = np.nan
    x[rng.random(x.shape) < 0.1] = -np.inf
    y, winners = pooling.max_pool2d(x, kernel, stride, padding)
    expected_y, expected_winners = vectorized.max_pool2d(x, kernel, stride, padding)
    np.testing.assert_array_equal(y, expected_y)
    np.testing.assert_array_equal(winners, expected_winners)
    dy = rng.integers(1, 9, y.shape).astype(dtype)  # small integers: sums in any order agree
    np.testing.assert_array_equal(
        pooling.max_pool2d_dx(dy, winners, x.shape, kernel, stride, padding),
        vectorized.max_pool2d_dx(dy, winners, x.shape, kernel, stride, padding),
    )
