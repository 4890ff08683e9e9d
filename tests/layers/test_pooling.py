from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn import AvgPool2d, GlobalAvgPool2d, MaxPool2d, use_backend
from minicnn.errors import ArgumentError, ShapeError
from tests.torch_twin import assert_same_as_torch, torch


@st.composite
def windows(draw: st.DrawFn) -> tuple:
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    return kernel, stride, padding


@pytest.mark.parametrize("name", ["MaxPool2d", "AvgPool2d"])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(windows(), st.integers(4, 9), st.integers(4, 9), st.sampled_from(["vectorized", "compiled"]))
def test_pooling_equals_torch(
    name: str, arguments: tuple, height: int, width: int, backend: str
) -> None:
    layer = {"MaxPool2d": MaxPool2d, "AvgPool2d": AvgPool2d}[name](*arguments)
    # Small integers, so that ties are common.
    x = np.random.default_rng(1).integers(-2, 3, size=(2, 3, height, width)).astype(float)
    with use_backend(backend):
        assert_same_as_torch(layer, getattr(torch.nn, name)(*arguments), x)


def test_global_average_is_the_mean(backend: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    layer = GlobalAvgPool2d()
    np.testing.assert_allclose(layer.forward(x), x.mean(axis=(2, 3)), rtol=1e-12)
    np.testing.assert_allclose(layer.backward(np.full((2, 3), 20.0)), np.ones_like(x))


def test_more_padding_than_half_the_kernel_is_refused() -> None:
    for layer in (MaxPool2d, AvgPool2d):
        with pytest.raises(ArgumentError, match="at most half the kernel"):
            layer(3, padding=2)


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ShapeError, match="kernel 5x5"):
        MaxPool2d(5).forward(np.zeros((1, 1, 4, 4), np.float32))
