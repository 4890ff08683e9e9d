"""A stage's pooling and activation decide as the plain kernels do: ties, NaN, infinities."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import minicnn as m

pytest.importorskip("numba", reason="the compiled backend needs numba")
WINDOWS = [  # kernel, stride, padding
    ((2, 2), (2, 2), (0, 0)), ((2, 2), (1, 1), (0, 0)), ((3, 3), (2, 2), (1, 1)),
    ((3, 2), (2, 3), (1, 0)), ((1, 3), (2, 1), (0, 1)), ((2, 2), (3, 3), (0, 0)),
]  # fmt: skip
ACTIVATIONS: list[Any] = [None, m.ReLU(), m.LeakyReLU(0.25), m.LeakyReLU(0.0), m.LeakyReLU(1.0)]


def stage(channels: int, activation: Any, window: Any, norm: bool, dtype: Any) -> Any:
    """Build a convolution that copies its input, so that every number is exact."""
    conv = m.Conv2d(channels, channels, 1, bias=False)
    conv.params["weight"][...] = np.eye(channels)[:, :, None, None]
    row: list[Any] = [conv]
    if norm:
        row.append(m.BatchNorm2d(channels, eps=3.0).eval())  # running variance 1: y = x / 2
    if activation is not None:
        row.append(copy.deepcopy(activation))
    return m.Sequential(*row, m.MaxPool2d(*window)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("window", WINDOWS)
def test_ties(dtype: Any, norm: bool, window: Any) -> None:
    rng = np.random.default_rng(0)
    for activation in ACTIVATIONS:
        plain = stage(3, activation, window, norm, dtype)
        fused = copy.deepcopy(plain).compile()
        assert "+" in fused.plan()
        for size in ((5, 7), (6, 6), (3, 12)):
            x = rng.integers(-2, 3, (2, 3, *size)).astype(dtype)
            y = plain.forward(x)
            np.testing.assert_array_equal(fused.forward(x), y)
            dy = rng.integers(1, 9, y.shape).astype(dtype)
            np.testing.assert_array_equal(fused.backward(dy), plain.backward(dy))
            for name, gradient in plain.grads.items():
                np.testing.assert_allclose(fused.grads[name], gradient, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for window in WINDOWS:
        for activation in ACTIVATIONS[:3]:
            plain = stage(1, activation, window, False, dtype)  # one channel: nothing is mixed
            fused = copy.deepcopy(plain).compile()
            x = rng.integers(-2, 3, (3, 1, 6, 7)).astype(dtype)
            x[rng.random(x.shape) < 0.1] = np.nan
            x[rng.random(x.shape) < 0.1] = np.inf
            with np.errstate(all="ignore"):
                y = plain.forward(x)
                np.testing.assert_array_equal(fused.forward(x), y)
                dy = rng.integers(1, 9, y.shape).astype(dtype)
                np.testing.assert_array_equal(fused.backward(dy), plain.backward(dy))


def test_long_lines_and_many_rows_go_through_the_strip_in_parts() -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 40, 300), (1, 1, 300, 9), (2, 5, 64, 64)):
        for window in ((2, 2), (3, 1, 1), (5, 2, 2)):
            model = m.Sequential(
                m.Conv2d(shape[1], 35, 3, padding=1, rng=rng), m.ReLU(), m.MaxPool2d(*window)
                if len(window) == 3 else m.MaxPool2d(window),
            )  # fmt: skip
            fused = copy.deepcopy(model).compile()
            x = rng.normal(size=shape).astype(np.float32)
            y = model.forward(x)
            np.testing.assert_allclose(fused.forward(x), y, rtol=0, atol=2e-5)
