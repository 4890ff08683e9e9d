from __future__ import annotations

import importlib

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.backends.spellings import DTYPES, TOLERANCE, assert_close

pytest.importorskip("numba", reason="the compiled backend needs numba")
tile = importlib.import_module("minicnn.backends.compiled.tile")

# rows below, at and above the tile's 4; lengths around its 24 (float32) and 12 (float64)
ROWS = (1, 3, 4, 5, 9)
LENGTHS = (1, 7, 8, 11, 12, 13, 23, 24, 25, 48, 50)
COUNTS = (0, 1, 2, 3, 4, 7)


def pieces(source: NDArray, start: int, offsets: NDArray, length: int) -> NDArray:
    return np.array([source[start + o : start + o + length] for o in offsets]).reshape(-1, length)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
def test_correlate(dtype: type, rows: int) -> None:
    rng = np.random.default_rng(rows)
    for length in LENGTHS:
        for count in COUNTS:
            offsets = rng.integers(0, 40, count + 2)
            # The buffer ends with the last number needed: a tile must not read beyond it.
            source = rng.standard_normal(3 + 40 + length).astype(dtype)
            w = rng.standard_normal((rows, count + 1)).astype(dtype)
            first = rng.standard_normal(rows + 2).astype(dtype)
            out = np.full((rows, length + 5), 77, dtype)
            tile.correlate(
                out.reshape(-1), 1, length + 5, rows, length, first, 2, w.reshape(-1), 1,
                count + 1, source, 3, offsets, 2, count,
            )  # fmt: skip
            expected = first[2:, None] + w[:, 1:] @ pieces(source, 3, offsets[2:], length)
            assert_close(out[:, 1 : length + 1], expected, TOLERANCE[np.dtype(dtype)])
            assert (out[:, 0] == 77).all() and (out[:, length + 1 :] == 77).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
def test_dots(dtype: type, rows: int) -> None:
    rng = np.random.default_rng(rows)
    for length in LENGTHS:
        for count in COUNTS:
            offsets = rng.integers(0, 40, count + 2)
            source = rng.standard_normal(3 + 40 + length).astype(dtype)
            a = rng.standard_normal((rows, length + 1)).astype(dtype)
            out = np.full((rows, count + 5), 77, dtype)
            out[:, 1 : count + 1] = before = rng.standard_normal((rows, count)).astype(dtype)
            tile.dots(
                out.reshape(-1), 1, count + 5, a.reshape(-1), 1, length + 1, rows, length,
                source, 3, offsets, 2, count,
            )  # fmt: skip
            expected = before + a[:, 1:] @ pieces(source, 3, offsets[2:], length).T
            assert_close(out[:, 1 : count + 1], expected, TOLERANCE[np.dtype(dtype)])
            assert (out[:, 0] == 77).all() and (out[:, count + 1 :] == 77).all()


def test_nan_is_a_number_like_any_other() -> None:
    w, zero = np.zeros(4, np.float32), np.zeros(4, np.float32)
    source = np.zeros(24, np.float32)
    source[5] = np.nan
    out = np.zeros(4 * 24, np.float32)
    tile.correlate(out, 0, 24, 4, 24, zero, 0, w, 0, 1, source, 0, np.array([0]), 0, 1)
    assert np.isnan(out.reshape(4, 24)[:, 5]).all() and np.isnan(out).sum() == 4
