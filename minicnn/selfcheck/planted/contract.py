"""Gradients that may be right, in code that breaks what its caller relies on."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import ReLU, Sigmoid, Tanh
from minicnn.selfcheck.planted.right.convolution import Conv2d
from minicnn.selfcheck.planted.right.linear import Array, Embedding, Linear, Multiply
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss, MSELoss
from minicnn.selfcheck.planted.right.normalization import BatchNorm, UnitLength

family = Family("contract")


def linear(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(71)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


def one_sample(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A batch of one."""
    rng = np.random.default_rng(72)
    return layer(4, 2, rng=rng), (rng.normal(size=(1, 4)),)


def convolution(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A small image."""
    rng = np.random.default_rng(73)
    return layer(2, 2, (2, 2), rng=rng), (rng.normal(size=(2, 2, 3, 4)),)


def alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(), (np.random.default_rng(74).normal(size=(3, 4)),)


def two(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two inputs of the same shape."""
    rng = np.random.default_rng(75)
    return layer(), (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))


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


def zero_row(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """One row is zero, and has no direction."""
    x = np.random.default_rng(81).normal(size=(4, 3))
    x[2] = 0
    return layer(), (x,)


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


# What an earlier call has left behind.


@family.wrong("stale-cache", on=linear)
class FirstBatchKept(Linear):
    """x is cached once ("if self.x is None"): every later dw is that of the first batch."""

    x: Any = None

    def forward(self, x: Array) -> Array:
        if self.x is None:
            self.x = x.copy()
        return x @ self.params["weight"] + self.params["bias"]


@family.wrong("stale-cache", on=linear)
class CacheListReadFromTheFront(Linear):
    """Each forward appends to a list, and backward reads its first entry for ever."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        self.seen: list[Array] = []

    def forward(self, x: Array) -> Array:
        self.seen.append(x.copy())
        return super().forward(x)

    def dw(self, dy: Array) -> Array:
        return self.seen[0].T @ dy


@family.wrong("stale-cache", on=alone)
class SlopeKept(Sigmoid):
    """The slope is computed at the first backward and kept, though x has changed since."""

    kept: Array | None = None

    def slope(self) -> Array:
        if self.kept is None:
            self.kept = super().slope()
        return self.kept


@family.wrong("stale-cache", on=linear)
class InputOfTheCallBefore(Linear):
    """x is stored after it was used up: backward sees the batch before the last one."""

    x: Any = None

    def forward(self, x: Array) -> Array:
        self.previous = x.copy() if self.x is None else self.x
        self.x = x.copy()
        return x @ self.params["weight"] + self.params["bias"]

    def dw(self, dy: Array) -> Array:
        return self.previous.T @ dy


@family.wrong("accumulates", on=linear)
class WeightGradientAddedUp(Linear):
    """grads["weight"] += dw: the gradients of all batches so far are in it."""

    def backward(self, dy: Array) -> Array:
        self.grads.setdefault("weight", np.zeros_like(self.params["weight"]))
        self.grads["weight"] += self.dw(dy)
        self.grads["bias"] = self.db(dy)
        return self.dx(dy)


@family.wrong("accumulates", on=convolution)
class InputGradientNotCleared(Conv2d):
    """dx is added into a buffer that nobody sets back to zero."""

    total: Any = 0.0

    def dx(self, dy: Array) -> Array:
        self.total = self.total + super().dx(dy)
        return self.total.copy()


# Types and shapes.


@family.wrong("dtype", on=linear)
class SinglePrecisionDw(Linear):
    """dw is float32 for float64 weights: it was set up with a dtype written out."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy).astype(np.float32)


@family.wrong("dtype", on=linear)
class SinglePrecisionDx(Linear):
    """dx is float32 for a float64 x."""

    def dx(self, dy: Array) -> Array:
        return super().dx(dy).astype(np.float32)


@family.wrong("dtype", on=linear)
class HalfPrecisionInside(Linear):
    """dw is computed in float16, which keeps three digits, and then called float64."""

    def dw(self, dy: Array) -> Array:
        product = self.x.astype(np.float16).T @ dy.astype(np.float16)
        return product.astype(np.float64)


@family.wrong("dtype", on=linear)
class WholeNumbers(Linear):
    """dw was set up as an array of whole numbers, and everything behind the point is cut off."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy).astype(np.int64)


@family.wrong("shape", on=linear)
class WeightGradientTheOtherWayRound(Linear):
    """dw = dy^T x has the shape (out, in); the weights are (in, out)."""

    def dw(self, dy: Array) -> Array:
        return dy.T @ self.x


@family.wrong("shape", on=linear)
class BiasGradientNotSummed(Linear):
    """db = dy has a row for each sample; the bias has one."""

    def db(self, dy: Array) -> Array:
        return dy.copy()


@family.wrong("shape", on=linear)
class BiasGradientKeepsAnAxis(Linear):
    """keepdims=True leaves db with the shape (1, M); b has (M,)."""

    def db(self, dy: Array) -> Array:
        return dy.sum(axis=0, keepdims=True)


@family.wrong("shape", on=linear)
class BiasGradientMissing(Linear):
    """grads has no entry for the bias."""

    def backward(self, dy: Array) -> Array:
        self.grads["weight"] = self.dw(dy)
        return self.dx(dy)


@family.wrong("shape", on=linear)
class GradientUnderAnotherName(Linear):
    """The gradient is stored as "W", the parameter is called "weight"."""

    def backward(self, dy: Array) -> Array:
        self.grads["W"] = self.dw(dy)
        self.grads["bias"] = self.db(dy)
        return self.dx(dy)


@family.wrong("shape", on=linear)
class NothingReturned(Linear):
    """The return was forgotten, and dx is None."""

    def backward(self, dy: Array) -> Any:
        super().backward(dy)


@family.wrong("shape", on=alone)
class OneRowReturned(ReLU):
    """dx is summed over the samples on the way."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy).sum(axis=0)


@family.wrong("shape", on=two)
class OneGradientForTwoInputs(Multiply):
    """Two inputs, and only the first one's gradient is returned."""

    def backward(self, dy: Array) -> Any:
        return dy * self.b


# Chance, and what is no derivative at all.

CALLS = itertools.count()


@family.wrong("nondeterministic", on=alone)
class CountsItsCalls(Tanh):
    """The output depends on how often any such layer was called, which is kept outside of it."""

    def f(self, x: Array) -> Array:
        return np.tanh(x) * (1 + 0.01 * next(CALLS))


@family.wrong("nondeterministic", on=linear)
class NoisyGradient(Linear):
    """Noise from np.random is added to dw ("it trains better")."""

    def dw(self, dy: Array) -> Array:
        noise = np.random.normal(size=self.params["weight"].shape)  # noqa: NPY002 - the mistake
        return super().dw(dy) + 1e-3 * noise


@family.wrong("nonlinear-in-dy", on=alone)
class GradientClipped(Tanh):
    """dy is cut to [-0.5, 0.5] inside the layer: backward is a derivative, and linear in dy."""

    def backward(self, dy: Array) -> Array:
        return np.clip(dy, -0.5, 0.5) * self.slope()


@family.wrong("nonlinear-in-dy", on=linear)
class GradientNormalized(Linear):
    """dw is scaled to length one: its length is lost, and with it the learning rate's meaning."""

    def dw(self, dy: Array) -> Array:
        dw = super().dw(dy)
        return dw / np.sqrt((dw**2).sum() + 1e-12)


@family.wrong("nonlinear-in-dy", "ignores-dy", on=alone)
class SignOnly(Tanh):
    """Only the sign of dy is used."""

    def backward(self, dy: Array) -> Array:
        return np.sign(dy) * self.slope()


@family.wrong("nonlinear-in-dy", "other", on=alone)
class SmallNumberAdded(Tanh):
    """1e-4 is added "for stability": for dy = 0 the gradient must be 0."""

    def backward(self, dy: Array) -> Array:
        return dy * self.slope() + 1e-4


@family.wrong("nonlinear-in-dy", "sign", "mask", on=alone)
class AbsoluteGradient(Tanh):
    """abs(dy): downhill becomes uphill wherever dy is negative."""

    def backward(self, dy: Array) -> Array:
        return np.abs(dy) * self.slope()


@family.wrong("error", on=linear)
class BackwardRaises(Linear):
    """The matrices do not fit, and NumPy says so."""

    def dx(self, dy: Array) -> Array:
        return dy @ self.params["weight"]


@family.wrong("error", on=linear)
class ForwardRaises(Linear):
    """A name that was never set."""

    def forward(self, x: Array) -> Array:
        return x @ self.weights  # type: ignore[attr-defined]


@family.wrong("error", on=zero_row)
class ZeroByZero(UnitLength):
    """A row of zeros has the length zero, and dividing by it gives NaN."""

    def forward(self, x: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return super().forward(x)

    def backward(self, dy: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return super().backward(dy)


@family.wrong("error", on=alone)
class LogarithmOfANegativeNumber(Tanh):
    """1 - exp(2 log y) is 1 - y^2 where y is positive, and NaN where it is not."""

    def slope(self) -> Array:
        with np.errstate(invalid="ignore"):
            return 1 - np.exp(2 * np.log(self.y))
