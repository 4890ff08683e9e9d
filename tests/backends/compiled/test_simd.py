"""Vectors as values: each word does to all lanes what it says."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled backend needs numba")
simd: Any = importlib.import_module("minicnn.backends.compiled.simd")
kernel: Any = importlib.import_module("minicnn.backends.compiled.jit").kernel
numba: Any = importlib.import_module("numba")

load, store, splat, select = simd.load, simd.store, simd.splat, simd.select
beats, codes, load_codes = simd.beats, simd.codes, simd.load_codes
same_code, total = simd.same_code, simd.total


@numba.njit
def _words(x, y, out, won):  # type: ignore[no-untyped-def]
    full = x.size
    a, b = load(x, 0), load(y, 0)
    store(out, 0, a + b)
    store(out, full, a - b)
    store(out, 2 * full, a * b)
    store(out, 3 * full, select(a > b, a, b))
    larger = beats(a, b)
    store(out, 4 * full, select(larger, b, a))
    store(out, 5 * full, splat(x, 2.5))
    store(won, 0, select(larger, codes(200, a), codes(3, a)))
    store(out, 6 * full, select(same_code(load_codes(won, 0, a), codes(200, a)), b, a))
    return total(a)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_words(dtype: Any) -> None:
    full = simd.lanes(dtype)
    assert full * np.dtype(dtype).itemsize == simd.VECTOR_BYTES
    x = np.arange(full).astype(dtype) - 2
    y = x[::-1].copy()
    y[0], y[1] = np.nan, x[1]
    x[3], y[3] = np.nan, 1
    out, won = np.zeros(7 * full + 1, dtype), np.zeros(full + 1, np.uint8)
    _words(x, y, out, won)
    assert out[-1] == 0
    assert won[-1] == 0  # and not a number more
    out = out[:-1].reshape(7, full)
    np.testing.assert_array_equal(out[:3], [x + y, x - y, x * y])
    np.testing.assert_array_equal(out[3], np.where(x > y, x, y))
    # As in the plain max-pooling: the later of two equal numbers does not win, a NaN does.
    larger = (y > x) | np.isnan(y)
    np.testing.assert_array_equal(out[4], np.where(larger, y, x))
    np.testing.assert_array_equal(out[5], 2.5)
    np.testing.assert_array_equal(out[6], np.where(larger, y, x))
    np.testing.assert_array_equal(won[:-1], np.where(larger, 200, 3))
    whole = np.arange(full).astype(dtype)
    assert _words(whole, y, np.zeros(7 * full, dtype), won) == whole.sum()
