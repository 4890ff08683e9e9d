"""Code that changes arrays of its caller, or hands out arrays that are not the caller's alone."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import ReLU, Tanh
from minicnn.selfcheck.planted.right.linear import Array, Embedding, Linear
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss, MSELoss
from minicnn.selfcheck.planted.right.normalization import BatchNorm

family = Family("ownership")


def linear(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(71)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


def one_sample(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A batch of one."""
    rng = np.random.default_rng(72)
    return layer(4, 2, rng=rng), (rng.normal(size=(1, 4)),)


def alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(), (np.random.default_rng(74).normal(size=(3, 4)),)


def with_bias(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A layer that knows the shape of x, without the batch."""
    rng = np.random.default_rng(76)
    return layer((3, 4), rng=rng), (rng.normal(size=(3, 4)),)


def features(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Five samples, three features."""
    rng = np.random.default_rng(77)
    return layer(3, rng=rng), (rng.normal(size=(5, 3)),)


def words(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Whole numbers."""
    return layer(4, 2, rng=np.random.default_rng(78)), (np.array([1, 0, 3]),)


def classes(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Four samples, three classes."""
    return loss(), (np.random.default_rng(79).normal(size=(4, 3)), np.array([2, 0, 1, 2]))


def regression(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Predictions and targets."""
    rng = np.random.default_rng(80)
    return loss(), (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))


class Shift:
    """y = x + b, with as many b as x."""

    def __init__(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> None:
        self.params = {"shift": rng.normal(size=shape)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return x + b."""
        return x + self.params["shift"]

    def backward(self, dy: Array) -> Array:
        """Return dy; the gradient of b is a copy of it."""
        self.grads["shift"] = dy.copy()
        return dy


family.right(on=with_bias)(Shift)


# Arrays of the caller are changed.


@family.wrong("mutates", on=alone)
class InputChangedInPlace(ReLU):
    """x[x < 0] = 0 works on the caller's array: whoever reads x later finds something else."""

    def forward(self, x: Array) -> Array:
        self.x = x.copy()
        x[x < 0] = 0
        return x


@family.wrong("mutates", on=features)
class InputCentredInPlace(BatchNorm):
    """x -= mean changes the caller's batch."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        x -= self.mean
        return y


@family.wrong("mutates", on=alone)
class UpstreamChangedInPlace(ReLU):
    """dy *= mask changes dy, which another branch of the network may need."""

    def backward(self, dy: Array) -> Array:
        dy *= self.x > 0
        return dy


@family.wrong("mutates", on=alone)
class UpstreamZeroedInPlace(ReLU):
    """dx = dy is no copy: dx[x <= 0] = 0 writes into dy."""

    def backward(self, dy: Array) -> Array:
        dx = dy
        dx[self.x <= 0] = 0
        return dx


@family.wrong("mutates", on=linear)
class StepTakenInBackward(Linear):
    """Backward moves the weights at once; the gradients that follow are taken elsewhere."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        for name, grad in self.grads.items():
            self.params[name] -= 0.01 * grad
        return dx


@family.wrong("mutates", on=linear)
class WeightsCutInForward(Linear):
    """Forward cuts the weights to [-0.3, 0.3] in place: that is the optimizer's business."""

    def forward(self, x: Array) -> Array:
        np.clip(self.params["weight"], -0.3, 0.3, out=self.params["weight"])
        return super().forward(x)


@family.wrong("mutates", on=linear)
class CacheIsTheCallersArray(Linear):
    """Backward scales the cached x in place; the cache is no copy but x itself."""

    def dw(self, dy: Array) -> Array:
        self.x *= 1.0 + 1e-3
        return self.x.T @ dy / (1.0 + 1e-3)


@family.wrong("mutates", on=regression)
class TargetChangedInPlace(MSELoss):
    """target -= y saves an array and destroys the labels."""

    def forward(self, y: Array, target: Array) -> float:
        loss = super().forward(y, target)
        target -= y
        return loss


@family.wrong("mutates", on=classes)
class LabelsRenumberedInPlace(CrossEntropyLoss):
    """Classes are counted from one in place, and from two in the next epoch."""

    def forward(self, scores: Array, target: Array) -> float:
        loss = super().forward(scores, target.copy())
        target += 1
        return loss


@family.wrong("mutates", on=words)
class IndicesSorted(Embedding):
    """The words are sorted in place for speed; their order was the sentence."""

    def dw(self, dy: Array) -> Array:
        dw = super().dw(dy)
        self.index.sort()
        return dw


# Arrays that were handed out are overwritten, or are not one's own.


@family.wrong("alias", "stale-cache", on=alone)
class OutputOverwritten(Tanh):
    """y lives in a buffer of the layer: the next forward writes over what it has handed out."""

    buffer: Array | None = None

    def f(self, x: Array) -> Array:
        if self.buffer is None or self.buffer.shape != x.shape:
            self.buffer = np.empty_like(x)
        return np.tanh(x, out=self.buffer)


@family.wrong("alias", on=alone)
class InputGradientOverwritten(Tanh):
    """dx lives in a buffer of the layer: the next backward writes over it."""

    buffer: Array | None = None

    def backward(self, dy: Array) -> Array:
        if self.buffer is None or self.buffer.shape != dy.shape:
            self.buffer = np.empty_like(dy)
        return np.multiply(dy, self.slope(), out=self.buffer)


@family.wrong("alias", on=with_bias)
class GradientIsDy(Shift):
    """grads["shift"] is dy itself: clipping or zeroing the gradient changes dy, and dx with it."""

    def backward(self, dy: Array) -> Array:
        self.grads["shift"] = dy
        return dy


@family.wrong("alias", on=one_sample)
class BiasGradientIsAView(Linear):
    """For a batch of one db = dy[0] is a view of dy, not an array of its own."""

    def db(self, dy: Array) -> Array:
        return dy[0]


@family.wrong("alias", on=with_bias)
class GradientIsDx(Shift):
    """dx and grads["shift"] are one array: what is done to one happens to the other."""

    def backward(self, dy: Array) -> Array:
        dx = dy.copy()
        self.grads["shift"] = dx
        return dx
