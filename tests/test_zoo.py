from __future__ import annotations

import math

import numpy as np
import pytest

import minicnn as m
from minicnn import zoo
from minicnn.errors import ArgumentError, ShapeError


def test_lenet_is_the_network_of_the_readme() -> None:
    model = zoo.build("lenet", input_shape=(1, 28, 28), classes=2)
    kinds = "Conv2d ReLU MaxPool2d Conv2d ReLU MaxPool2d Flatten Linear ReLU Linear"
    assert [type(layer).__name__ for layer in model] == kinds.split()
    assert model.summary((1, 1, 28, 28)).parameters == 160 + 4640 + 200_832 + 258


def test_lungnet_has_at_most_a_hundred_thousand_weights() -> None:
    for size in (28, 64, 224):
        model = zoo.build("lungnet", input_shape=(1, size, size), classes=2)
        assert sum(p.size for p in model.params.values()) <= 100_000
    assert any(isinstance(layer, m.BatchNorm2d) for layer in model)


@pytest.mark.parametrize("name", zoo.MODELS)
@pytest.mark.parametrize(("shape", "classes"), [((1, 28, 28), 2), ((3, 31, 45), 14)])
def test_any_size_and_number_of_classes(name: str, shape: tuple, classes: int) -> None:
    model = zoo.build(name, input_shape=shape, classes=classes, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    with m.use_backend("vectorized"):
        scores = model.forward(x)
        assert scores.shape == model.output_shape(x.shape) == (2, classes)
        assert model.backward(scores).shape == x.shape


@pytest.mark.parametrize("name", zoo.MODELS)
@pytest.mark.parametrize("classes", [2, 10])
def test_an_untrained_classifier_starts_near_log_of_classes(name: str, classes: int) -> None:
    losses = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = zoo.build(name, input_shape=(1, 28, 28), classes=classes, rng=rng)
        x = rng.normal(size=(64, 1, 28, 28)).astype(np.float32)
        loss = m.CrossEntropyLoss()
        losses.append(loss.forward(model.forward(x), rng.integers(0, classes, 64)))
    assert np.mean(losses) == pytest.approx(math.log(classes), rel=0.15)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, again, other = (
        zoo.build("lungnet", input_shape=(1, 28, 28), classes=2, rng=np.random.default_rng(s))
        for s in (1, 1, 2)
    )
    for name, array in first.params.items():
        np.testing.assert_array_equal(array, again.params[name])
    assert (first.params["0.weight"] != other.params["0.weight"]).any()


def test_lenet_learns_a_hundred_images_by_heart() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 1, 28, 28)).astype(np.float32)
    target = rng.integers(0, 2, 100)
    model = zoo.build("lenet", input_shape=(1, 28, 28), classes=2, rng=rng)
    loss, optimizer = m.CrossEntropyLoss(), m.Adam(model)
    for _ in range(30):
        loss.forward(model.forward(x), target)
        model.backward(loss.backward())
        optimizer.step()
    assert (model.forward(x).argmax(axis=1) == target).all()


def test_unknown_names_and_small_images_are_refused() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'lenet'"):
        zoo.build("lenett", input_shape=(1, 28, 28), classes=2)
    with pytest.raises(ShapeError, match="27x40.*at least 28x28"):
        zoo.build("lenet", input_shape=(1, 27, 40), classes=2)
    with pytest.raises(ArgumentError, match="classes is 0"):
        zoo.build("lenet", input_shape=(1, 28, 28), classes=0)
