"""Sizes at which the compiled convolution changes its stride: blocks, strips, chunks, parts."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from minicnn.backends.vectorized import conv as vectorized
from tests.backends.spellings import assert_close

pytest.importorskip("numba", reason="the compiled backend needs numba")
conv = importlib.import_module("minicnn.backends.compiled.conv")
packing = importlib.import_module("minicnn.backends.compiled.packing")

ONE = (1, 1)
GEOMETRIES = {  # x, w, stride, padding, dilation, groups
    "one number": ((1, 1, 1, 1), (1, 1, 1, 1), ONE, (0, 0), ONE, 1),
    "more outputs than a block": ((3, 2, 9, 8), (19, 2, 3, 3), ONE, ONE, ONE, 1),
    "more inputs than a block": ((3, 21, 9, 8), (5, 21, 3, 3), ONE, ONE, ONE, 1),
    "groups of more than a block": ((2, 6, 7, 7), (38, 3, 3, 3), ONE, ONE, ONE, 2),
    "depthwise": ((3, 13, 8, 9), (13, 1, 3, 3), ONE, ONE, ONE, 13),
    "depthwise, two outputs each": ((3, 13, 8, 9), (26, 1, 3, 3), (2, 2), ONE, ONE, 13),
    "several samples in a buffer, the last not full": (
        (13, 3, 7, 6), (5, 3, 3, 3), ONE, ONE, ONE, 1
    ),
    "the same with 1x1": ((13, 3, 7, 7), (5, 3, 1, 1), ONE, (0, 0), ONE, 1),
    "the same with strides": ((13, 3, 9, 8), (5, 3, 3, 3), (2, 3), ONE, ONE, 1),
    "more strips than one": ((2, 3, 45, 31), (5, 3, 3, 3), ONE, ONE, ONE, 1),
    "rows longer than a strip": ((1, 2, 3, 700), (3, 2, 3, 3), ONE, ONE, ONE, 1),
    "planes in parts": ((2, 2, 70, 65), (5, 2, 3, 3), ONE, ONE, ONE, 1),
    "more chunks than there are": ((40, 2, 28, 28), (3, 2, 3, 3), ONE, ONE, ONE, 1),
    "padding wider than the kernel": ((3, 2, 5, 4), (3, 2, 2, 2), ONE, (4, 3), ONE, 1),
    "stride beyond the kernel": ((3, 2, 11, 13), (3, 2, 2, 1), (4, 5), ONE, ONE, 1),
    "stride and dilation": ((3, 2, 15, 14), (3, 2, 3, 3), (2, 3), (2, 1), (3, 2), 1),
    "phases that no tap reads": ((3, 2, 12, 12), (3, 2, 2, 2), (4, 4), (0, 0), (2, 2), 1),
    "a row of windows off the image": ((2, 2, 3, 3), (2, 2, 2, 2), (2, 2), (3, 3), ONE, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", GEOMETRIES)
def test_equals_the_vectorized_spelling(name: str) -> None:
    x_shape, w_shape, *geometry = GEOMETRIES[name]
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    b = rng.standard_normal(w_shape[0])
    y = vectorized.conv2d(x, w, b, *geometry)
    dy = rng.standard_normal(y.shape)
    assert_close(conv.conv2d(x, w, b, *geometry), y, 1e-12)
    expected = vectorized.conv2d_dx(dy, w, x_shape, *geometry)
    assert_close(conv.conv2d_dx(dy, w, x_shape, *geometry), expected, 1e-12)
    expected = vectorized.conv2d_dw(dy, x, w_shape, *geometry)
    assert_close(conv.conv2d_dw(dy, x, w_shape, *geometry), expected, 1e-12)


def test_pixels_that_no_window_touches_get_no_gradient() -> None:
    x_shape, w = (2, 1, 8, 8), np.ones((1, 1, 2, 2))
    dx = conv.conv2d_dx(np.ones((2, 1, 2, 2)), w, x_shape, (4, 4), (0, 0), ONE, 1)
    touched = np.isin(np.arange(8) % 4, (0, 1))
    assert (dx == (touched[:, None] & touched)).all()


def test_float32_sums_stay_near_those_in_float64() -> None:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((64, 8, 28, 28)).astype(np.float32)
    dy = rng.standard_normal((64, 4, 28, 28)).astype(np.float32)
    dw = conv.conv2d_dw(dy, x, (4, 8, 3, 3), ONE, ONE, ONE, 1)
    wide = (dy.astype(np.float64), x.astype(np.float64))
    exact = conv.conv2d_dw(*wide, (4, 8, 3, 3), ONE, ONE, ONE, 1)
    assert np.abs(dw - exact).max() < 2e-6 * np.abs(exact).max()


def test_the_number_of_partial_sums_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    x, dy = rng.standard_normal((9, 3, 30, 30)), rng.standard_normal((9, 5, 30, 30))
    expected = conv.conv2d_dw(dy, x, (5, 3, 3, 3), ONE, ONE, ONE, 1)
    monkeypatch.setattr(conv, "PARTIAL_NUMBERS", 1)  # then one chunk must do
    assert_close(conv.conv2d_dw(dy, x, (5, 3, 3, 3), ONE, ONE, ONE, 1), expected, 1e-12)
