"""Right code with manners: how it keeps parameters, generators and caches, and what it says."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import Sigmoid, Tanh
from minicnn.selfcheck.planted.right.dropout import Dropout
from minicnn.selfcheck.planted.right.linear import Array, Linear
from minicnn.selfcheck.planted.right.models import Network
from minicnn.selfcheck.planted.right.normalization import BatchNorm

family = Family("manners")


def alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(), (np.random.default_rng(151).normal(size=(3, 4)),)


def linear(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(152)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


def with_rng(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A layer that is given a generator and nothing else."""
    return layer(rng=np.random.default_rng(153)), (np.random.default_rng(154).normal(size=(3, 4)),)


def features(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Five samples, three features."""
    rng = np.random.default_rng(164)
    return layer(3, rng=rng), (rng.normal(size=(5, 3)),)


def regression(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Predictions and targets."""
    rng = np.random.default_rng(166)
    return loss(), (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))


@family.right(on=linear)
class GradsMadeAnew(Linear):
    """There is no grads before the first backward, and a new dict after each one."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        del self.grads

    def backward(self, dy: Array) -> Array:
        self.grads = {"weight": self.dw(dy), "bias": self.db(dy)}
        return self.dx(dy)


@family.right(on=linear)
class GradsInPlace(Linear):
    """The arrays in grads are made once and filled again each time, as optimizers like it."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def backward(self, dy: Array) -> Array:
        self.grads["weight"][...] = self.dw(dy)
        self.grads["bias"][...] = self.db(dy)
        return self.dx(dy)


@family.right(on=linear)
class ParamsAsProperty:
    """params and grads are put together when they are asked for; the arrays are live."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        self.w = rng.normal(size=(inputs, outputs))
        self.dw = np.zeros_like(self.w)

    @property
    def params(self) -> dict[str, Array]:
        """The parameters by name."""
        return {"w": self.w}

    @property
    def grads(self) -> dict[str, Array]:
        """Their gradients by the same names."""
        return {"w": self.dw}

    def forward(self, x: Array) -> Array:
        """Return x W."""
        self.x = x
        return x @ self.w

    def backward(self, dy: Array) -> Array:
        """Replace the gradient, return that of x."""
        self.dw = self.x.T @ dy
        return dy @ self.w.T


@family.right(on=linear)
class Slots:
    """An object without a __dict__."""

    __slots__ = ("grads", "params", "x")

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        self.params = {"weight": rng.normal(size=(inputs, outputs))}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return x W."""
        self.x = x
        return x @ self.params["weight"]

    def backward(self, dy: Array) -> Array:
        """Set the gradient, return that of x."""
        self.grads["weight"] = self.x.T @ dy
        return dy @ self.params["weight"].T


@family.right(on=with_rng)
class Lazy:
    """The weights are made by the first forward, which knows how wide x is."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.rng = rng
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return x W."""
        if not self.params:
            self.params["weight"] = self.rng.normal(size=(x.shape[1], 2))
        self.x = x
        return x @ self.params["weight"]

    def backward(self, dy: Array) -> Array:
        """Set the gradient, return that of x."""
        self.grads["weight"] = self.x.T @ dy
        return dy @ self.params["weight"].T


@family.wrong("scale", on=with_rng)
class LazyAndHalved(Lazy):
    """The weights are made by the first forward, and their gradient is halved."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.grads["weight"] = self.grads["weight"] / 2
        return dx


@family.right(on=linear)
class NeverUsed(Linear):
    """A parameter that forward does not look at: its gradient is truly zero."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        self.params["spare"] = rng.normal(size=3)

    def backward(self, dy: Array) -> Array:
        self.grads["spare"] = np.zeros(3)
        return super().backward(dy)


@family.wrong("missing-term", "other", on=linear)
class NeverUsedButLearned(NeverUsed):
    """A parameter that forward does not look at, with a gradient that is not zero."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.grads["spare"] = np.full(3, dy.sum())
        return dx


@family.right(on=alone)
class Chatty(Tanh):
    """It prints what it does."""

    def forward(self, x: Array) -> Array:
        print("forward", x.shape)
        return super().forward(x)

    def backward(self, dy: Array) -> Array:
        print("backward", dy.shape)
        return super().backward(dy)


@family.right(on=alone)
class Worried(Tanh):
    """It warns, and so does NumPy about log(0), the result of which is not used."""

    def forward(self, x: Array) -> Array:
        warnings.warn("this layer is old", stacklevel=2)
        np.where(x > 0, np.log(np.maximum(x, 0)), 0.0)
        return super().forward(x)


@family.right(on=alone)
class Counting(Tanh):
    """It counts its calls and keeps a diary; neither changes what it computes."""

    def __init__(self) -> None:
        self.calls = 0
        self.diary: list[float] = []

    def forward(self, x: Array) -> Array:
        self.calls += 1
        self.diary.append(float(x.mean()))
        return super().forward(x)


@family.right(on=alone)
class WithACircle(Tanh):
    """It refers to itself."""

    def __init__(self) -> None:
        self.me = self
        self.friends = [self]


@family.right(on=alone)
class WithAnIterator(Tanh):
    """It holds an open iterator, which cannot be copied."""

    def __init__(self) -> None:
        self.names: Iterator[str] = (name for name in ("a", "b"))


@family.right(on=with_rng)
class RandomState:
    """The old kind of generator, on the object."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.random = np.random.RandomState(7)

    def forward(self, x: Array) -> Array:
        """Draw a mask and keep it."""
        self.mask = self.random.rand(*x.shape) > 0.4
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        """Use the same mask."""
        return dy * self.mask


@family.right(on=with_rng)
class SeededEachTime:
    """Each forward makes a generator with the same seed: the same mask each time."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.seed = 5

    def forward(self, x: Array) -> Array:
        """Draw the mask of this seed."""
        self.mask = np.random.default_rng(self.seed).random(x.shape) > 0.4
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        """Use the same mask."""
        return dy * self.mask


@family.right(on=with_rng)
class GeneratorInside:
    """The generator sits in a layer, in a list, in a dict."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.inside = {"layers": [Dropout(0.4, rng=rng)]}

    def forward(self, x: Array) -> Array:
        """Run the layers."""
        for layer in self.inside["layers"]:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Run them backwards."""
        for layer in reversed(self.inside["layers"]):
            dy = layer.backward(dy)
        return dy


@family.right(on=features)
class DropoutAfterNorm(Network):
    """A generator and running statistics in one network: both must be put back between calls."""

    def __init__(self, width: int, *, rng: np.random.Generator) -> None:
        super().__init__(
            Linear(width, width, rng=rng),
            BatchNorm(width, rng=rng),
            Dropout(0.3, rng=np.random.default_rng(168)),
            Sigmoid(),
        )


# Pairs and functions with unusual manners.


def square_forward(x: Array) -> tuple[Array, Any]:
    """y = x^2; the cache is x itself, not in a tuple."""
    return x**2, x


@family.right(on=lambda backward: ((square_forward, backward), alone(lambda: None)[1]))
def bare_cache(dy: Array, cache: Any) -> Array:
    """The cache is a bare array."""
    return 2 * dy * cache


def dropout_forward(x: Array, dropout_param: dict[str, Any]) -> tuple[Array, Any]:
    """Draw a mask with the generator that lies among the settings."""
    mask = dropout_param["rng"].random(x.shape) > dropout_param["p"]
    return x * mask / (1 - dropout_param["p"]), (mask, dropout_param)


def dropout(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """A dict of settings with a generator in it."""
    x = np.random.default_rng(169).normal(size=(3, 4))
    return (dropout_forward, backward), (x, {"p": 0.4, "rng": np.random.default_rng(170)})


@family.right(on=dropout)
def generator_among_the_settings(dy: Array, cache: Any) -> Array:
    """The generator comes in a dict of constants."""
    mask, dropout_param = cache
    return dy * mask / (1 - dropout_param["p"])


@family.wrong("scale", on=dropout)
def settings_forgotten(dy: Array, cache: Any) -> Array:
    """The factor 1 / (1 - p) is missing."""
    return dy * cache[0]


def scale_forward(x: Array, s: Array) -> tuple[Array, Any]:
    """y = s x, with a cache in a dict."""
    return s * x, {"x": x, "s": s}


def scaled(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """An input that is one number."""
    x = np.random.default_rng(171).normal(size=(3, 4))
    return (scale_forward, backward), (x, np.array(0.7))


@family.right(on=scaled)
def gradients_as_list(dy: Array, cache: Any) -> list[Any]:
    """The gradients come in a list, one of them as a NumPy number."""
    return [dy * cache["s"], (dy * cache["x"]).sum()]


@family.right(on=lambda f: (f, regression(lambda: None)[1]))
def targets_are_floats(x: Array, y: Array) -> tuple[Any, Array]:
    """A loss and its gradient from one function, with targets that are floats."""
    d = x - y
    return (d**2).sum() / 2, d


@family.wrong("sign", on=lambda f: (f, regression(lambda: None)[1]))
def targets_are_floats_and_first(x: Array, y: Array) -> tuple[Any, Array]:
    """The gradient of the targets is returned in the place of that of the predictions."""
    d = x - y
    return (d**2).sum() / 2, -d
