"""Kinks: where a function has two slopes, any slope between them is right, and others are not.

At such points differences of the two sides disagree, and a checker that trusts the middle of
them fails right code.
"""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import (
    Activation,
    Array,
    Hardtanh,
    LeakyReLU,
    ReLU,
)
from minicnn.selfcheck.planted.right.linear import Linear
from minicnn.selfcheck.planted.right.losses import HingeLoss, HuberLoss, L1Loss
from minicnn.selfcheck.planted.right.models import Classifier, Network

family = Family("kinks")


def at_zero(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Some entries are exactly zero."""
    x = np.random.default_rng(121).normal(size=(3, 4))
    x[0, :2] = x[2, 3] = 0
    return layer(), (x,)


def all_zero(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """All entries are exactly zero: what an untrained layer may put out."""
    return layer(), (np.zeros((2, 3)),)


def beside_zero(distance: float) -> Any:
    """Some entries lie closer to zero than any step of a difference."""

    def setting(layer: Any) -> tuple[Any, tuple[Any, ...]]:
        x = np.random.default_rng(122).normal(size=(3, 4))
        x[0, :2] = distance
        x[1, 1] = -distance
        return layer(), (x,)

    return setting


def at_one(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Entries at -1, 1 and between."""
    return layer(), (np.array([[-1.0, 0.3, 1.0], [2.0, -1.0, 0.1]]),)


def equal_targets(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Some predictions are exactly right."""
    rng = np.random.default_rng(127)
    y, target = rng.normal(size=(2, 4, 3))
    target[::2, 0] = y[::2, 0]
    return loss(), (y, target)


def at_delta(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Some differences are exactly 0.7, where Huber's loss has a new formula and the old slope."""
    target = np.zeros((2, 3))
    return loss(), (np.array([[0.7, -0.7, 0.2], [1.0, 0.7, -2.0]]), target)


def at_the_margin(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """All scores are zero but for some that lie exactly one below the true class's."""
    return loss(), (np.array([[2.0, 1.0, 0.5], [0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]), np.arange(3))


def zero_weights(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """All weights and biases are zero, so that ReLU gets nothing but zeros."""
    rng = np.random.default_rng(128)
    layer = Linear(4, 3, rng=rng)
    for array in layer.params.values():
        array[...] = 0
    return network(layer, ReLU()), (rng.normal(size=(3, 4)),)


def some_zero_weights(model: Any) -> tuple[Any, tuple[Any, ...]]:
    """A penalty on |w| and weights that are zero, as they become by it."""
    rng = np.random.default_rng(129)
    target = model(rng=rng)
    for w in target.weights().values():
        w[0] = 0
    return target, (rng.normal(size=(5, 4)), np.array([2, 0, 1, 2, 0]))


family.right(on=at_zero, name="relu-at-zero")(ReLU)


family.right(on=all_zero, name="relu-of-zeros")(ReLU)


family.right(on=beside_zero(1e-9), name="relu-a-billionth-from-zero")(ReLU)


family.right(on=beside_zero(1e-6), name="relu-a-millionth-from-zero")(ReLU)


family.right(on=beside_zero(1e-300), name="relu-hardly-beside-zero")(ReLU)


family.right(on=at_zero, name="leaky-relu-at-zero")(LeakyReLU)


family.right(on=at_one, name="hardtanh-at-one")(Hardtanh)


family.right(on=equal_targets, name="absolute-loss-at-zero")(L1Loss)


family.right(on=at_delta, name="huber-loss-at-delta")(HuberLoss)


family.right(on=at_the_margin, name="hinge-loss-at-the-margin")(HingeLoss)


family.right(on=zero_weights, name="zero-weights-and-relu")(Network)


class ReLUWithHalf(ReLU):
    """At 0 the slope is 1/2, the middle of the slopes 0 and 1."""

    def slope(self) -> Array:
        return np.where(self.x == 0, 0.5, super().slope())


class ReLUWithOne(ReLU):
    """At 0 the slope is 1: x >= 0 instead of x > 0."""

    def slope(self) -> Array:
        return (self.x >= 0).astype(np.float64)


family.right(on=at_zero)(ReLUWithHalf)


family.right(on=at_zero)(ReLUWithOne)


family.right(on=all_zero, name="relu-with-one-of-zeros")(ReLUWithOne)


@family.wrong("subgradient", on=at_zero)
class ReLUWithTwo(ReLU):
    """At 0 the slope is 2: both branches, x >= 0 and x <= 0, add their 1."""

    def slope(self) -> Array:
        return (self.x >= 0) + 1.0 * (self.x == 0)


@family.wrong("subgradient", on=all_zero)
class ReLUMinusOne(ReLU):
    """At 0 the slope is -1: outside of the slopes 0 and 1 on the two sides."""

    def slope(self) -> Array:
        return np.where(self.x > 0, 1.0, np.where(self.x == 0, -1.0, 0.0))


@family.wrong("mask", "subgradient", on=beside_zero(1e-6))
class ReLUWithAThreshold(ReLU):
    """The mask is x > 1e-5: what lies between 0 and that passes forward and not back."""

    def slope(self) -> Array:
        return (self.x > 1e-5).astype(np.float64)


@family.right(on=at_zero)
class Absolute(Activation):
    """y = |x|, with the slope 0 at 0."""

    def f(self, x: Array) -> Array:
        return np.abs(x)

    def slope(self) -> Array:
        return np.sign(self.x)


@family.right(on=at_zero)
class AbsoluteWithOne(Absolute):
    """y = |x|, with the slope 1 at 0: one end of what is right there."""

    def slope(self) -> Array:
        return np.where(self.x >= 0, 1.0, -1.0)


@family.wrong("subgradient", on=at_zero)
class AbsoluteWithTwo(Absolute):
    """y = |x| with the slope 2 at 0; anything from -1 to 1 would do."""

    def slope(self) -> Array:
        return np.where(self.x == 0, 2.0, super().slope())


@family.right(on=some_zero_weights)
class AbsolutePenalty(Classifier):
    """A penalty on the sum of |w|, some w being zero: sign(0) = 0 lies between -1 and 1."""

    def penalty(self) -> float:
        return self.lam * sum(float(np.abs(w).sum()) for w in self.weights().values())

    def slope(self, w: Array) -> Array:
        return self.lam * np.sign(w)


@family.wrong("subgradient", "other", on=some_zero_weights)
class AbsolutePenaltyTwoAtZero(AbsolutePenalty):
    """Where w is zero the penalty's slope is twice what it is on either side."""

    def slope(self, w: Array) -> Array:
        return self.lam * np.where(w == 0, 2.0, np.sign(w))


@family.wrong("subgradient", "other", on=equal_targets)
class AbsoluteLossTwoAtZero(L1Loss):
    """Where the prediction is right the slope of |d| is 2; from -1 to 1 would do."""

    def backward(self, dy: float = 1.0) -> Array:
        d = self.difference
        return dy * np.where(d == 0, 2.0, np.sign(d)) / d.size


@family.right(on=at_zero)
class Step(Activation):
    """y = 1 where x > 0.5: flat but for a jump that no entry is near; the slope is zero."""

    def f(self, x: Array) -> Array:
        return (x > 0.5).astype(np.float64)

    def slope(self) -> Array:
        return np.zeros_like(self.x)


@family.wrong("other", "mask", "scale", "subgradient", "missing-term", on=at_zero)
class StraightThrough(Step):
    """The slope of a step is called 1: of use for training, and not the derivative of forward."""

    def slope(self) -> Array:
        return np.ones_like(self.x)


@family.right(on=all_zero)
class Length:
    """y[n] = |x[n]|, a cone; at its tip the gradient 0 is called right."""

    def forward(self, x: Array) -> Array:
        """Return an array of shape (N,)."""
        self.x = x
        self.y = np.sqrt((x**2).sum(axis=1))
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dy x / |x|, and 0 at the tip."""
        length = np.where(self.y > 0, self.y, 1)
        return (dy / length)[:, None] * self.x


def black_and_white(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Pixels that are 0 or 1, where a cut to [0, 1] has its kinks, and one between."""
    return layer(), (np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.0]]),)


@family.right(on=black_and_white)
class Cut(Activation):
    """y = x cut to [0, 1]; at the ends the slope is 1."""

    def f(self, x: Array) -> Array:
        return np.clip(x, 0, 1)

    def slope(self) -> Array:
        return ((self.x >= 0) & (self.x <= 1)).astype(np.float64)


@family.right(on=black_and_white)
class CutFlatAtTheEnds(Cut):
    """y = x cut to [0, 1]; at the ends the slope is 0."""

    def slope(self) -> Array:
        return ((self.x > 0) & (self.x < 1)).astype(np.float64)


@family.right(on=black_and_white)
class CutThirdAtTheEnds(Cut):
    """y = x cut to [0, 1]; at the ends the slope is a third."""

    def slope(self) -> Array:
        inside = (self.x > 0) & (self.x < 1)
        return np.where(inside, 1, ((self.x == 0) | (self.x == 1)) / 3)


@family.wrong("subgradient", on=black_and_white)
class CutNegativeAtTheEnds(Cut):
    """At the ends the slope is -1: outside of 0 and 1, the slopes on the two sides."""

    def slope(self) -> Array:
        inside = (self.x > 0) & (self.x < 1)
        return np.where(inside, 1.0, -1.0)


@family.right(on=at_one)
class HardtanhSteepAtOne(Hardtanh):
    """At -1 and 1 the slope is that of the inside."""

    def slope(self) -> Array:
        return (np.abs(self.x) <= 1).astype(np.float64)


@family.right(on=at_zero)
class LeakyReLUWithOne(LeakyReLU):
    """At 0 the slope is 1, that of the right side."""

    def slope(self) -> Array:
        return np.where(self.x >= 0, 1.0, 0.1)


@family.wrong("subgradient", on=at_zero)
class LeakyReLUWithZero(LeakyReLU):
    """At 0 the slope is 0; the slopes of the two sides are 0.1 and 1."""

    def slope(self) -> Array:
        return np.where(self.x == 0, 0.0, super().slope())


def kink_inside(network: Any) -> tuple[Any, tuple[Any, ...]]:
    """One sample is zero, and so ReLU gets zeros between layers that are smooth."""
    rng = np.random.default_rng(130)
    first, last = Linear(4, 3, rng=rng), Linear(3, 2, rng=rng)
    first.params["bias"][...] = 0
    x = rng.normal(size=(3, 4))
    x[1] = 0
    return network(first, ReLU(), last), (x,)


family.right(on=kink_inside, name="kink-between-layers")(Network)
