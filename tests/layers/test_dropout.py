from __future__ import annotations

import numpy as np
import pytest

from minicnn import Dropout
from minicnn.errors import ArgumentError, ShapeError


def test_training_silences_a_share_and_keeps_the_mean(backend: str) -> None:
    layer = Dropout(0.25, rng=np.random.default_rng(0))
    x = np.ones((40, 50))
    y = layer.forward(x)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert y.mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(layer.backward(x), y)


def test_each_pass_draws_a_new_mask_from_the_layers_own_generator() -> None:
    x = np.ones((10, 10), np.float32)
    layer = Dropout(rng=np.random.default_rng(3))
    first, second = layer.forward(x), layer.forward(x)
    assert (first != second).any()
    again = Dropout(rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again.forward(x), first)
    np.testing.assert_array_equal(again.forward(x), second)


def test_evaluation_changes_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    layer = Dropout(0.9).eval()
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


def test_the_ends_of_the_range(backend: str) -> None:
    x = np.ones((3, 4))
    np.testing.assert_array_equal(Dropout(0).forward(x), x)
    np.testing.assert_array_equal(Dropout(1).forward(x), np.zeros((3, 4)))


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_other_probabilities_are_refused(p: float) -> None:
    with pytest.raises(ArgumentError, match="p is"):
        Dropout(p)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_gradient_of_another_shape_is_refused(mode: str) -> None:
    layer = getattr(Dropout(0.5), mode)()
    layer.forward(np.ones((3, 4)))
    with pytest.raises(ShapeError, match="dy has shape"):
        layer.backward(np.ones((3, 5)))
