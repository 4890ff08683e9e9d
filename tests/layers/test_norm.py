from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minicnn import BatchNorm2d, GroupNorm, LayerNorm
from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers import Layer
from tests.torch_twin import assert_same_as_torch, torch

RNG = np.random.default_rng(5)
X = RNG.normal(3.0, 2.0, size=(4, 6, 3, 5))


def shaken(layer):
    """Give a layer parameters and statistics that are not 0 and 1."""
    for array in (*layer.params.values(), *layer.buffers.values()):
        array += RNG.uniform(0.1, 1.0, array.shape).astype(array.dtype)
    return layer


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_equals_torch(training: bool, backend: str) -> None:
    layer = shaken(BatchNorm2d(6, eps=1e-3, momentum=0.3))
    layer = layer.train() if training else layer.eval()
    assert_same_as_torch(layer, torch.nn.BatchNorm2d(6, eps=1e-3, momentum=0.3), X)


def test_layer_norm_equals_torch(backend: str) -> None:
    assert_same_as_torch(shaken(LayerNorm((3, 5))), torch.nn.LayerNorm((3, 5)), X)
    assert_same_as_torch(shaken(LayerNorm(5)), torch.nn.LayerNorm(5), X)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_equals_torch(groups: int, backend: str) -> None:
    assert_same_as_torch(shaken(GroupNorm(groups, 6)), torch.nn.GroupNorm(groups, 6), X)


def test_running_statistics_follow_and_evaluation_uses_them() -> None:
    layer = BatchNorm2d(6, dtype=np.float64)
    for _ in range(200):
        layer.forward(X)
    np.testing.assert_allclose(layer.buffers["running_mean"], X.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(layer.buffers["running_var"], X.var(axis=(0, 2, 3), ddof=1))
    one = layer.eval().forward(X[:1])
    np.testing.assert_allclose(one, layer.forward(X)[:1])


def test_backward_belongs_to_its_forward_even_if_the_mode_changed_between() -> None:
    layer = BatchNorm2d(6, dtype=np.float64)
    dy = RNG.normal(size=X.shape)
    layer.forward(X)
    expected = layer.backward(dy)
    layer.forward(X)
    np.testing.assert_array_equal(layer.eval().backward(dy), expected)


def test_a_constant_channel_gives_no_nan(backend: str) -> None:
    layer = BatchNorm2d(2)
    y = layer.forward(np.full((3, 2, 4, 4), 7.0, np.float32))
    np.testing.assert_allclose(y, 0, atol=1e-6)
    assert np.isfinite(layer.backward(np.ones_like(y))).all()


def test_one_value_per_channel_cannot_be_normalised() -> None:
    with pytest.raises(ShapeError, match="more than one value per channel"):
        BatchNorm2d(2).forward(np.zeros((1, 2, 1, 1), np.float32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNorm2d(0), "num_features is 0"),
        (lambda: BatchNorm2d(2, eps=0), "eps is 0"),
        (lambda: BatchNorm2d(2, momentum=1.5), "momentum is 1.5"),
        (lambda: GroupNorm(3, 4), "num_groups is 3"),
        (lambda: LayerNorm((3, 0)), "normalized_shape is 0"),
    ],
)
def test_impossible_arguments_are_refused(make, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="5 channels"):
        BatchNorm2d(6).forward(np.zeros((2, 5, 3, 3), np.float32))
    with pytest.raises(ShapeError, match=r"last 2 axes must be \(3, 5\)"):
        LayerNorm((3, 5)).forward(np.zeros((2, 5, 3), np.float32))


@pytest.mark.parametrize("layer", [LayerNorm((3, 4)), GroupNorm(2, 4), BatchNorm2d(4).eval()])
def test_an_empty_batch_passes(layer: Layer, backend: str) -> None:
    shape = (0, 3, 4) if isinstance(layer, LayerNorm) else (0, 4, 3, 3)
    x = np.zeros(shape, np.float32)
    y = layer.forward(x)
    assert y.shape == layer.backward(y).shape == shape
    assert not layer.grads["weight"].any()


def test_layer_norm_checks_the_shape_it_is_told() -> None:
    with pytest.raises(ShapeError, match=r"last axes must be \(3, 4\)"):
        LayerNorm((3, 4)).output_shape((2, 4, 3))


@pytest.mark.parametrize("momentum", [None, "0.1", 1.5])
def test_a_momentum_that_is_none_is_refused(momentum: object) -> None:
    with pytest.raises(ArgumentError, match="momentum is"):
        BatchNorm2d(3, momentum=momentum)


@pytest.mark.parametrize("layer", [LayerNorm(4), GroupNorm(2, 4), BatchNorm2d(4)])
def test_a_memory_map_goes_in_and_a_plain_array_comes_out(layer: Layer, tmp_path: Path) -> None:
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(2, 4, 3, 4))
    y = layer.forward(x)
    assert type(y) is type(layer.backward(y)) is np.ndarray
