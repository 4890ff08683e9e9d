from __future__ import annotations

import numpy as np
import pytest

import minicnn as m
from minicnn.errors import ArgumentError, DtypeError, ShapeError
from tests.torch_twin import assert_same_as_torch, torch

X = np.random.default_rng(2).normal(scale=3, size=(3, 4, 5, 2))


@pytest.mark.parametrize(
    ("layer", "twin"),
    [
        (m.ReLU(), torch.nn.ReLU()),
        (m.LeakyReLU(), torch.nn.LeakyReLU()),
        (m.LeakyReLU(0.2), torch.nn.LeakyReLU(0.2)),
        (m.Sigmoid(), torch.nn.Sigmoid()),
        (m.Tanh(), torch.nn.Tanh()),
        (m.GELU(), torch.nn.GELU()),
        (m.Softmax(), torch.nn.Softmax(1)),
        (m.Softmax(dim=-2), torch.nn.Softmax(-2)),
    ],
    ids=repr,
)
def test_activation_equals_torch(layer: m.Layer, twin: object, backend: str) -> None:
    assert_same_as_torch(layer, twin, X)


def test_the_kink_of_relu_has_gradient_zero(backend: str) -> None:
    layer = m.ReLU()
    layer.forward(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(layer.backward(np.ones(3)), [0, 0, 1])


@pytest.mark.parametrize("layer", [m.Sigmoid(), m.Tanh(), m.GELU(), m.Softmax(-1)], ids=repr)
def test_huge_inputs_do_not_overflow(layer: m.Layer, backend: str) -> None:
    for dtype in (np.float32, np.float64):
        x = np.array([[-1e4, -90, 0, 90, 1e4]], dtype)
        y = layer.forward(x)
        assert np.isfinite(y).all()
        assert np.isfinite(layer.backward(np.ones_like(y))).all()


def test_softmax_of_a_missing_axis_is_refused() -> None:
    with pytest.raises(ShapeError, match="dim is 2"):
        m.Softmax(2).forward(np.zeros((3, 4)))


def test_integers_are_refused() -> None:
    with pytest.raises(DtypeError, match="int64"):
        m.ReLU().forward(np.arange(3))


def test_softmax_of_nothing_is_nothing(backend: str) -> None:
    layer = m.Softmax(0)
    x = np.zeros((0, 3))
    assert layer.backward(layer.forward(x)).shape == (0, 3)


def test_options_are_checked_where_they_are_given() -> None:
    with pytest.raises(ArgumentError, match="negative_slope is nan"):
        m.LeakyReLU(float("nan"))
    with pytest.raises(ArgumentError, match="dim is 1.0"):
        m.Softmax(1.0)
    with pytest.raises(ShapeError, match="no axis 2"):
        m.Softmax(2).output_shape((3, 4))
