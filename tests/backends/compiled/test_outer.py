"""The sum of outer products, against loops: every size of tile, in pieces, from any start."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled backend needs numba")
outer: Any = importlib.import_module("minicnn.backends.compiled.outer")
lanes: Any = importlib.import_module("minicnn.backends.compiled.simd").lanes
DTYPES = [np.float32, np.float64]


def numbers(rng: np.random.Generator, size: int, dtype: Any) -> Any:
    """Small integers: their sums are exact in any order."""
    return rng.integers(-3, 4, size).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("q", [1, 2])
def test_correlate(dtype: Any, q: int) -> None:
    rng, full = np.random.default_rng(0), lanes(dtype)
    rows, t_count, taps = 3, 5, 4
    for width in (
        1,
        2,
        outer.TALLEST_PAIR,
        outer.TALLEST,
        outer.TALLEST + 1,
        2 * outer.TALLEST + 3,
    ):
        line, size = (width + 3) * full, rows * (width + 3) * full
        a = numbers(rng, (rows + 3) * (width + 6) * t_count, dtype)
        pixel, row = t_count, (width + 6) * t_count
        b = numbers(rng, q * taps * t_count * full, dtype)
        w_block = taps * t_count * full
        segments = np.array(
            [[s // 2 * row + s % 2 * pixel, s * t_count * full, t_count - s % 2] for s in range(4)]
        )
        start = numbers(rng, q * full, dtype)
        out = np.full(q * size + full, 77, dtype)
        expected = out.copy()
        for k in range(q):
            for r in range(rows):
                for j in range(width):
                    sum_ = start[k * full : (k + 1) * full].copy()
                    for a_s, b_s, count in segments:
                        for t in range(count):
                            vector = b[k * w_block + b_s + t * full :][:full]
                            sum_ += a[r * row + j * pixel + a_s + t] * vector
                    at = k * size + r * line + j * full
                    expected[at : at + full] = sum_
        outer.correlate(
            out, (0, line, full, size), start, (0, 0, 0, full), a, (0, row, pixel, 1),
            b, (0, w_block, full), segments.reshape(-1), 0, 4, rows, width, q,
        )  # fmt: skip
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_more_taps_than_fit_into_the_cache_go_on_from_what_is_there(dtype: Any) -> None:
    rng, full = np.random.default_rng(0), lanes(dtype)
    t_count, width = 16, 3
    taps = 3 * outer.WEIGHT_BYTES // (t_count * full * np.dtype(dtype).itemsize) + 1
    a, b = numbers(rng, t_count * (width + 1), dtype), numbers(rng, taps * t_count * full, dtype)
    segments = np.array([[0, s * t_count * full, t_count] for s in range(taps)])
    out = np.zeros(width * full, dtype)
    outer.correlate(
        out, (0, 0, full, 0), np.ones(full, dtype), (0, 0, 0, 0), a, (0, 0, t_count, 1),
        b, (0, 0, full), segments.reshape(-1), 0, taps, 1, width, 1,
    )  # fmt: skip
    whole = b.reshape(taps, t_count, full).sum(axis=0)
    for j in range(width):
        expected = 1 + a[j * t_count : (j + 1) * t_count] @ whole
        np.testing.assert_array_equal(out[j * full : (j + 1) * full], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_a_tap_the_start_is_the_sum(dtype: Any) -> None:
    full = lanes(dtype)
    out, start = np.zeros(2 * full, dtype), np.arange(2.0 * full).astype(dtype)
    nothing = np.zeros(0, np.intp)
    outer.correlate(
        out, (0, 0, full, 0), start, (0, 0, full, 0), out, (0, 0, 0, 0), out, (0, 0, 0),
        nothing, 0, 0, 1, 2, 1,
    )  # fmt: skip
    np.testing.assert_array_equal(out, start)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("q", [1, 2])
def test_accumulate_adds(dtype: Any, q: int) -> None:
    rng, full = np.random.default_rng(0), lanes(dtype)
    pixels, rows, inputs = 7, 3, 5
    a, b = numbers(rng, rows * 100, dtype), numbers(rng, q * rows * pixels * full, dtype)
    segments = np.array([[r * 100, r * pixels * full, pixels] for r in range(rows)])
    groups = np.array([[0, 0, 3], [3 * full, 3, 2]])  # (place in out, place in a, P)
    out = numbers(rng, q * inputs * full, dtype)
    expected = out.reshape(q, inputs, full).copy()
    for k in range(q):
        for c in range(inputs):
            for r in range(rows):
                for t in range(pixels):
                    at = (k * rows + r) * pixels * full + t * full
                    expected[k, c] += a[r * 100 + t * inputs + c] * b[at : at + full]
    outer.accumulate(
        out, 0, inputs * full, q, groups.reshape(-1), a, 0, 1, inputs,
        b, 0, full, rows * pixels * full, segments.reshape(-1), rows,
    )  # fmt: skip
    np.testing.assert_array_equal(out.reshape(q, inputs, full), expected)
