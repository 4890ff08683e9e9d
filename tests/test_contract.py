"""Every layer and container keeps the promises of the contract, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import minicnn as m
from minicnn import layers, zoo
from minicnn.checking.contract import check_layer, check_loss

RNG = np.random.default_rng


def small_net() -> m.Sequential:
    return m.Sequential(
        m.Conv2d(1, 2, 3, padding=1, rng=RNG(1)),
        m.BatchNorm2d(2),
        m.ReLU(),
        m.MaxPool2d(2),
        m.Residual(m.Conv2d(2, 2, 3, padding=1, rng=RNG(2))),
        m.Flatten(),
        m.Dropout(0.3, rng=RNG(3)),
        m.Linear(8, 3, rng=RNG(4)),
    )


CASES: dict[str, tuple[Callable[[], m.Layer], tuple[int, ...]]] = {
    "Conv2d": (lambda: m.Conv2d(2, 3, 3, rng=RNG(0)), (2, 2, 5, 4)),
    "Conv2d-geometry": (
        lambda: m.Conv2d(4, 6, (2, 3), (2, 1), (1, 2), (1, 2), 2, False, rng=RNG(0)),
        (2, 4, 5, 6),
    ),
    "Conv2d-depthwise": (lambda: m.Conv2d(3, 6, 3, 2, 1, groups=3, rng=RNG(0)), (1, 3, 6, 5)),
    "ConvTranspose2d": (lambda: m.ConvTranspose2d(2, 3, 3, rng=RNG(0)), (2, 2, 3, 4)),
    "ConvTranspose2d-geometry": (
        lambda: m.ConvTranspose2d(4, 2, (2, 3), 2, 1, 1, 2, True, (2, 1), rng=RNG(0)),
        (2, 4, 3, 3),
    ),
    "MaxPool2d": (lambda: m.MaxPool2d(2), (2, 3, 5, 4)),
    "MaxPool2d-overlap": (lambda: m.MaxPool2d(3, 2, 1), (2, 2, 6, 5)),
    "AvgPool2d": (lambda: m.AvgPool2d(2), (2, 3, 4, 5)),
    "AvgPool2d-overlap": (lambda: m.AvgPool2d((3, 2), (2, 1), (1, 0)), (2, 2, 6, 5)),
    "GlobalAvgPool2d": (m.GlobalAvgPool2d, (2, 3, 3, 4)),
    "Linear": (lambda: m.Linear(4, 3, rng=RNG(0)), (3, 4)),
    "Linear-no-bias-3d": (lambda: m.Linear(4, 3, False, rng=RNG(0)), (2, 3, 4)),
    "BatchNorm2d": (lambda: m.BatchNorm2d(3), (4, 3, 3, 2)),
    "LayerNorm": (lambda: m.LayerNorm((3, 4)), (2, 3, 4)),
    "GroupNorm": (lambda: m.GroupNorm(2, 4), (2, 4, 3, 3)),
    "ReLU": (m.ReLU, (3, 4)),
    "LeakyReLU": (lambda: m.LeakyReLU(0.1), (3, 4)),
    "Sigmoid": (m.Sigmoid, (3, 4)),
    "Tanh": (m.Tanh, (3, 4)),
    "GELU": (m.GELU, (3, 4)),
    "Softmax": (m.Softmax, (3, 4)),
    "Softmax-last": (lambda: m.Softmax(-1), (2, 3, 4)),
    "Dropout": (lambda: m.Dropout(0.4, rng=RNG(0)), (5, 6)),
    "Flatten": (m.Flatten, (2, 3, 2, 2)),
    "Sequential": (small_net, (2, 1, 4, 4)),
    "Sequential-empty": (m.Sequential, (2, 3)),
    "Residual": (
        lambda: m.Residual(m.Conv2d(2, 3, 3, 2, 1, rng=RNG(0)), m.Conv2d(2, 3, 1, 2, rng=RNG(1))),
        (2, 2, 5, 5),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_layer_keeps_the_contract(case: str, backend: str) -> None:
    make, shape = CASES[case]
    check_layer(make(), shape)


def test_every_layer_has_a_case() -> None:
    names = {name for name in layers.__all__ if name != "Layer"} | {"Sequential", "Residual"}
    assert names == {case.partition("-")[0] for case in CASES}


@pytest.mark.parametrize("name", zoo.MODELS)
def test_models_of_the_zoo_keep_the_contract(name: str) -> None:
    model = zoo.build(name, input_shape=(1, 28, 28), classes=3, rng=RNG(0))
    check_layer(model, (2, 1, 28, 28), exact_up_to=0)


SCORES = RNG(0).normal(scale=2, size=(5, 4))
CLASSES = RNG(1).integers(0, 4, 5)
LABELS = RNG(2).integers(0, 2, (5, 4))
LOSSES = [
    (m.CrossEntropyLoss(), CLASSES),
    (m.CrossEntropyLoss(np.array([1.0, 2.0, 0.5, 3.0]), label_smoothing=0.1), CLASSES),
    (m.CrossEntropyLoss(ignore_index=1), CLASSES),
    (m.BCEWithLogitsLoss(), LABELS),
    (m.BCEWithLogitsLoss(pos_weight=np.array([1.0, 2.0, 0.5, 3.0])), LABELS),
    (m.MSELoss(), LABELS),
    (m.HuberLoss(0.7), LABELS),
]


@pytest.mark.parametrize(("loss", "target"), LOSSES, ids=lambda value: repr(value)[:40])
def test_losses_keep_the_contract(loss: m.losses.Loss, target: NDArray, backend: str) -> None:
    check_loss(loss, SCORES, target)


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
    "adds up": lambda: wrong(backward=accumulates),
    "grads['weight'] in training is wrong": lambda: wrong(backward=forgets_the_batch),
    "dy was modified": lambda: wrong(backward=overwrites_dy),
    "y was overwritten": lambda: wrong(forward=keeps_one_buffer),
    "no TypeError": lambda: wrong(forward=mixes_dtypes),
    "dx in training is wrong": lambda: wrong(
        backward=lambda self, dy: Scale.backward(self, dy) * 2
    ),
    "output_shape": lambda: wrong(output_shape=lambda self, shape: (*shape, 1)),
    "does not return the layer": lambda: wrong(train=lambda self: None),
}


def test_a_right_layer_of_your_own_passes() -> None:
    check_layer(Scale(), (4, 3))


@pytest.mark.parametrize("complaint", WRONG)
def test_a_wrong_layer_is_named(complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint.replace("[", r"\[").replace("]", r"\]")):
        check_layer(WRONG[complaint](), (4, 3))


LAYERS = [name for name in layers.__all__ if name != "Layer"]
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


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_takes_dtype_and_rng(name: str) -> None:
    layer = getattr(layers, name)(*ARGUMENTS.get(name, ()), dtype=np.float64, rng=RNG(0))
    assert all(a.dtype == np.float64 for a in layer.params.values())
    assert "dtype" not in repr(layer) and not {"dtype", "rng"} & layer.config().keys()


@pytest.mark.parametrize("name", [n for n in LAYERS if n in ARGUMENTS and "Pool" not in n])
def test_parameters_of_another_dtype_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match="would be float16; choose float32 or float64"):
        getattr(layers, name)(*ARGUMENTS[name], dtype=np.float16)


@pytest.mark.parametrize("x", [[[[[1.0]]]], 1.0, None, "x", np.ma.masked_array([1.0], [True])])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_no_plain_array_is_refused_in_words(name: str, x: object, backend: str) -> None:
    layer = getattr(layers, name)(*ARGUMENTS.get(name, ()))
    with pytest.raises(TypeError, match="expected a NumPy array|is a masked array"):
        layer.forward(x)
