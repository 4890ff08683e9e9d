"""Blocked images and weights: there and back, and what lies around them."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="the compiled backend needs numba")
blocks: Any = importlib.import_module("minicnn.backends.compiled.blocks")
lanes: Any = importlib.import_module("minicnn.backends.compiled.simd").lanes
Blocks = blocks.Blocks
DTYPES = [np.float32, np.float64]
CHANNELS = [1, 3, 4, 5, 16, 17, 33]


def fill(image: Any, x: Any) -> None:
    pieces = x.shape[0] * x.shape[1] * x.shape[2]
    for first, last in ((0, 2), (2, pieces)):
        blocks.fill(first, last, image.flat, image.geometry, x.reshape(-1), x.shape)


def take(image: Any) -> Any:
    x = np.full(image.shape, np.nan, image.data.dtype)
    pieces = x.shape[0] * x.shape[1] * x.shape[2]
    blocks.take(0, pieces, x.reshape(-1), x.shape, image.flat, image.geometry)
    return x


def pack(packed: Any, w: Any, turned: bool, width: int) -> None:
    pieces, arguments = blocks.packing(w, width, turned=turned)
    blocks.pack_weights(0, pieces, packed, *arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("planes", [True, False])
@pytest.mark.parametrize("margin", [(0, 0), (2, 1)])
def test_images_come_back(dtype: Any, channels: int, planes: bool, margin: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, channels, 4, 7)).astype(dtype)
    full = 1 if planes else lanes(dtype)
    image = Blocks.zeros(x.shape, dtype, margin, planes=planes)
    fill(image, x)
    assert image.shape == x.shape
    np.testing.assert_array_equal(take(image), x)
    a, b = margin
    inside = image.data[:, :, a : a + 4, b : b + 7]  # (N, B, H, W, L)
    for c in range(channels):
        np.testing.assert_array_equal(inside[:, c // full, :, :, c % full], x[:, c])
    # Nothing but the pixels was written: margins and lanes without a channel are 0.
    assert np.count_nonzero(image.data) == np.count_nonzero(x)
    origin, *steps = image.geometry
    assert image.flat[origin + 2 * steps[0] + 3 * steps[2] + 6 * steps[3]] == x[2, 0, 3, 6]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (17, 3), (3, 17), (33, 40)])
def test_weights_lie_where_the_kernels_look(
    dtype: Any, turned: bool, outputs: int, inputs: int
) -> None:
    full = lanes(dtype)
    w = np.random.default_rng(0).normal(size=(outputs, inputs, 2, 3)).astype(dtype)
    for width in (1, full):
        seen = w.transpose(1, 0, 2, 3) if turned else w
        shape = -(-seen.shape[0] // full), -(-seen.shape[1] // width), 6, width, full
        packed = np.zeros(shape, dtype)
        pack(packed.reshape(-1), w, turned, width)
        for o in range(seen.shape[0]):
            for i in range(seen.shape[1]):
                np.testing.assert_array_equal(
                    packed[o // full, i // width, :, i % width, o % full], seen[o, i].reshape(-1)
                )
        assert np.count_nonzero(packed) == np.count_nonzero(w)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (17, 3), (33, 20)])
def test_partial_gradients_of_weights_are_added_up(dtype: Any, outputs: int, inputs: int) -> None:
    rng, chunks, full = np.random.default_rng(0), 3, lanes(dtype)
    for width in (1, full):
        parts = rng.normal(size=(chunks, outputs, inputs, 2, 3)).astype(dtype)
        packed = [
            np.zeros(-(-outputs // full) * -(-inputs // width) * 6 * width * full, dtype)
            for _ in parts
        ]
        for to, part in zip(packed, parts, strict=True):
            pack(to, part, False, width)
        dw = np.full(parts[0].shape, np.nan, dtype)
        pieces = 6 * -(-outputs // full)
        for first, last in ((0, 2), (2, pieces)):
            blocks.unpack_weights(
                first, last, dw.reshape(-1), np.concatenate(packed), chunks, packed[0].size,
                outputs, inputs, 6, width,
            )  # fmt: skip
        np.testing.assert_array_equal(dw, (parts[0] + parts[1]) + parts[2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 17])
def test_means_of_channels(dtype: Any, channels: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, channels, 4, 5)).astype(dtype)
    image = Blocks.zeros(x.shape, dtype, (1, 2))
    fill(image, x)
    y = np.full((3, channels), np.nan, dtype)
    for n in range(3 * image.data.shape[1]):
        blocks.average(n, n + 1, y.reshape(-1), x.shape, image.flat, image.geometry)
    expected = x.astype(np.float64).mean(axis=(2, 3))
    np.testing.assert_allclose(y, expected, rtol=0, atol=2 * np.finfo(dtype).eps)
    blocks.spread_average(0, 3, image.flat, image.geometry, y.reshape(-1), x.shape)
    share = np.broadcast_to((y / dtype(20))[:, :, None, None], x.shape)
    np.testing.assert_allclose(take(image), share, rtol=2 * np.finfo(dtype).eps)
    assert np.count_nonzero(image.data) == x.size
