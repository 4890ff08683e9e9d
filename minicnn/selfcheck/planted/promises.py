"""Gradients that may be right, in code that breaks what every backward must keep."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import ReLU, Sigmoid, Tanh
from minicnn.selfcheck.planted.right.convolution import Conv2d
from minicnn.selfcheck.planted.right.linear import Array, Linear, Multiply
from minicnn.selfcheck.planted.right.normalization import UnitLength

family = Family("promises")


def linear(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(71)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


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


def zero_row(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """One row is zero, and has no direction."""
    x = np.random.default_rng(81).normal(size=(4, 3))
    x[2] = 0
    return layer(), (x,)


family.right(on=linear)(Linear)
family.right(on=convolution)(Conv2d)
family.right(on=alone)(Tanh)


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
