"""Every layer and container keeps the promises of the contract, on every backend."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import minicnn as m
from minicnn import layers
from minicnn.checking.contract import check_layer, check_loss
from minicnn.selfcheck.subjects import LAYERS, LOSSES, MODELS

RNG = np.random.default_rng


@pytest.mark.parametrize("name", [name for name, c in LAYERS.items() if c.values == "normal"])
def test_layer_keeps_the_contract(name: str, backend: str) -> None:
    check_layer(LAYERS[name].make(), LAYERS[name].shape)


@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_zoo_keep_the_contract(name: str) -> None:
    check_layer(MODELS[name].make(), MODELS[name].shape)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_keep_the_contract(name: str, backend: str) -> None:
    case = LOSSES[name]
    check_loss(case.make(), case.scores, case.target)


class Scale(m.Layer):
    """A right layer of a user's own, and the base of the wrong ones below."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("weight", np.array([1.0, 2.0, 3.0], np.float32))

    def forward(self, x: NDArray) -> NDArray:
        if x.dtype != self.params["weight"].dtype:
            raise TypeError("mixed dtypes")
        self._cache = x
        return x * self.params["weight"]

    def backward(self, dy: NDArray) -> NDArray:
        self.set_grads(weight=(dy * self.cached()).sum(axis=0))
        return dy * self.params["weight"]


def wrong(**methods: Callable[..., Any]) -> m.Layer:
    return type("Wrong", (Scale,), methods)()


def accumulates(self: Scale, dy: NDArray) -> NDArray:
    self.grads["weight"] += (dy * self.cached()).sum(axis=0)
    return dy * self.params["weight"]


def forgets_the_batch(self: Scale, dy: NDArray) -> NDArray:
    self.set_grads(weight=(dy * self.cached())[0])
    return dy * self.params["weight"]


def overwrites_dy(self: Scale, dy: NDArray) -> NDArray:
    self.set_grads(weight=(dy * self.cached()).sum(axis=0))
    dy *= self.params["weight"]
    return dy


def keeps_one_buffer(self: Scale, x: NDArray) -> NDArray:
    if x.dtype != self.params["weight"].dtype:
        raise TypeError("mixed dtypes")
    self._cache = x
    if getattr(self, "y", None) is None or self.y.dtype != x.dtype:
        self.y = np.empty_like(x)
    return np.multiply(x, self.params["weight"], out=self.y)


def mixes_dtypes(self: Scale, x: NDArray) -> NDArray:
    self._cache = x
    return x * self.params["weight"]


WRONG = {
    "it is added to what was there": lambda: wrong(backward=accumulates),
    "in training: .*only the samples 0 of the batch contribute": lambda: wrong(
        backward=forgets_the_batch
    ),
    "backward changes dy in place": lambda: wrong(backward=overwrites_dy),
    "overwrites the output y of an earlier one": lambda: wrong(forward=keeps_one_buffer),
    "no TypeError": lambda: wrong(forward=mixes_dtypes),
    "dx equals the true gradient times 2": lambda: wrong(
        backward=lambda self, dy: Scale.backward(self, dy) * 2
    ),
    "output_shape": lambda: wrong(output_shape=lambda self, shape: (*shape, 1)),
    "does not return the layer": lambda: wrong(train=lambda self: None),
    "for float32 input, dx is float64": lambda: wrong(
        backward=lambda self, dy: Scale.backward(self, dy).astype(np.float64)
    ),
}


def test_a_right_layer_of_your_own_passes() -> None:
    check_layer(Scale(), (4, 3))


@pytest.mark.parametrize("complaint", WRONG)
def test_a_wrong_layer_is_named(complaint: str) -> None:
    with pytest.raises(AssertionError) as raised:
        check_layer(WRONG[complaint](), (4, 3))
    assert re.search(complaint, " ".join(str(raised.value).split()))


NAMES = [name for name in layers.__all__ if name != "Layer"]
ARGUMENTS: dict[str, tuple[int, ...]] = {
    "Conv2d": (2, 3, 3),
    "ConvTranspose2d": (2, 3, 3),
    "MaxPool2d": (2,),
    "AvgPool2d": (2,),
    "Linear": (4, 3),
    "BatchNorm2d": (2,),
    "LayerNorm": (4,),
    "GroupNorm": (1, 2),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_takes_dtype_and_rng(name: str) -> None:
    layer = getattr(layers, name)(*ARGUMENTS.get(name, ()), dtype=np.float64, rng=RNG(0))
    assert all(a.dtype == np.float64 for a in layer.params.values())
    assert "dtype" not in repr(layer) and not {"dtype", "rng"} & layer.config().keys()


@pytest.mark.parametrize("name", [n for n in NAMES if n in ARGUMENTS and "Pool" not in n])
def test_parameters_of_another_dtype_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match="would be float16; choose float32 or float64"):
        getattr(layers, name)(*ARGUMENTS[name], dtype=np.float16)


@pytest.mark.parametrize("x", [[[[[1.0]]]], 1.0, None, "x", np.ma.masked_array([1.0], [True])])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_plain_array_is_refused_in_words(name: str, x: object, backend: str) -> None:
    layer = getattr(layers, name)(*ARGUMENTS.get(name, ()))
    with pytest.raises(TypeError, match="expected a NumPy array|is a masked array"):
        layer.forward(x)
