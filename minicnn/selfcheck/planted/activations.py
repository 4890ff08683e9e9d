"""Mistakes in the slopes of activations."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right import activations as right
from minicnn.selfcheck.planted.right.activations import (
    ELU,
    GELU,
    Array,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)

family = Family("activations")


def alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Numbers of both signs, on both sides of one."""
    return layer(), (1.5 * np.random.default_rng(31).normal(size=(3, 4)),)


def square(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """As many samples as classes."""
    return layer(), (np.random.default_rng(32).normal(size=(4, 4)),)


def learned(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Four channels with a slope each."""
    rng = np.random.default_rng(33)
    return layer(4, rng=rng), (rng.normal(size=(3, 4)),)


def at_zero(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Some entries are exactly zero."""
    x = np.random.default_rng(34).normal(size=(3, 4))
    x[0, :2] = 0
    x[2, 3] = 0
    return layer(), (x,)


for name in ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "GELU", "SiLU", "ELU", "Softplus", "Hardtanh"):
    family.right(on=alone)(getattr(right, name))
family.right(on=square)(Softmax)
family.right(on=square)(LogSoftmax)
family.right(on=learned)(PReLU)


@family.wrong("mask", "nonlinear-in-dy", on=alone)
class MaskFromDy(ReLU):
    """What passes is decided by the sign of dy; it must be decided by the sign of x."""

    def backward(self, dy: Array) -> Array:
        return dy * (dy > 0)


@family.wrong("nonlinear-in-dy", "mask", on=alone)
class MaskFromBoth(ReLU):
    """Only positive gradients pass ("guided backpropagation"): for pictures, not for training."""

    def backward(self, dy: Array) -> Array:
        return dy * (dy > 0) * (self.x > 0)


@family.wrong("mask", on=alone)
class MaskForgotten(ReLU):
    """dy passes everywhere, as if ReLU were the identity."""

    def slope(self) -> Array:
        return np.ones_like(self.x)


@family.wrong("mask", on=alone)
class MaskInverted(ReLU):
    """The gradient passes where x is negative."""

    def slope(self) -> Array:
        return (self.x < 0).astype(np.float64)


@family.wrong("ignores-dy", on=alone)
class SlopeWithoutDy(ReLU):
    """Backward returns the slope and forgets to multiply it by dy."""

    def backward(self, dy: Array) -> Array:
        return self.slope()


@family.wrong("mask", "other", on=alone)
class ThresholdAtOne(ReLU):
    """The mask is x > 1: what lies between 0 and 1 passes forward and not back."""

    def slope(self) -> Array:
        return (self.x > 1).astype(np.float64)


@family.wrong("mask", "other", on=alone)
class ReLUTimesX(ReLU):
    """dx = dy y: the output itself was taken for the mask."""

    def slope(self) -> Array:
        return self.y


@family.wrong("subgradient", on=at_zero)
class SlopeTwoAtZero(ReLU):
    """At 0 any slope from 0 to 1 will do; 2 will not."""

    def slope(self) -> Array:
        return np.where(self.x == 0, 2.0, super().slope())


@family.wrong("subgradient", on=at_zero)
class SlopeMinusATenthAtZero(ReLU):
    """At 0 any slope from 0 to 1 will do; -0.1 will not."""

    def slope(self) -> Array:
        return np.where(self.x == 0, -0.1, super().slope())


@family.wrong("subgradient", on=at_zero)
class SlopeElevenTenthsAtZero(ReLU):
    """At 0 any slope from 0 to 1 will do; 1.1 will not."""

    def slope(self) -> Array:
        return np.where(self.x == 0, 1.1, super().slope())


@family.wrong("subgradient", on=at_zero)
class LeakySlopesAddedAtZero(LeakyReLU):
    """(x >= 0) + 0.1 (x <= 0) is 1.1 at zero, where both conditions hold."""

    def slope(self) -> Array:
        return (self.x >= 0) + 0.1 * (self.x <= 0)


@family.wrong("mask", "missing-term", "zero", on=alone)
class LeakForgotten(LeakyReLU):
    """Backward is that of ReLU: nothing passes where x is negative, and a tenth should."""

    def slope(self) -> Array:
        return (self.x > 0).astype(np.float64)


@family.wrong("mask", "other", on=alone)
class LeakOnTheWrongSide(LeakyReLU):
    """The small slope is applied where x is positive."""

    def slope(self) -> Array:
        return np.where(self.x > 0, 0.1, 1.0)


@family.wrong("other", "scale", "mask", on=alone)
class LeakWithAnotherSlope(LeakyReLU):
    """Forward has the slope 0.1, backward 0.01: a default that was changed in one place."""

    def slope(self) -> Array:
        return np.where(self.x > 0, 1.0, 0.01)


@family.wrong("mask", "other", on=learned)
class LearnedSlopeFromAllEntries(PReLU):
    """The gradient of the slope sums dy x over all entries; it plays no part where x > 0."""

    def dslope(self, dy: Array) -> Array:
        return (dy * self.x).sum(axis=0)


@family.wrong("missing-term", "other", on=learned)
class LearnedSlopeWithoutX(PReLU):
    """The gradient of the slope sums dy where x is negative; the factor x is missing."""

    def dslope(self, dy: Array) -> Array:
        return (dy * (self.x < 0)).sum(axis=0)


@family.wrong("other", on=alone)
class SigmoidOfXInsteadOfY(Sigmoid):
    """x (1 - x): the formula is right for the output and was given the input."""

    def slope(self) -> Array:
        return self.x * (1 - self.x)


@family.wrong("missing-term", "other", on=alone)
class SigmoidHalfTheProduct(Sigmoid):
    """The slope is y; the factor 1 - y is missing."""

    def slope(self) -> Array:
        return self.y


@family.wrong("sign", on=alone)
class SigmoidNegated(Sigmoid):
    """y (y - 1): the two terms of the second factor change places."""

    def slope(self) -> Array:
        return self.y * (self.y - 1)


@family.wrong("other", on=alone)
class SigmoidTwice(Sigmoid):
    """The output is taken for an input: s(y) (1 - s(y))."""

    def slope(self) -> Array:
        s = self.f(self.y)
        return s * (1 - s)


@family.wrong("other", on=alone)
class TanhWithoutSquare(Tanh):
    """1 - y: the square was forgotten."""

    def slope(self) -> Array:
        return 1 - self.y


@family.wrong("other", on=alone)
class TanhOfXInsteadOfY(Tanh):
    """1 - x^2: the formula is right for the output and was given the input."""

    def slope(self) -> Array:
        return 1 - self.x**2


@family.wrong("missing-term", "other", on=alone)
class GeluWithoutTheDensity(GELU):
    """x P(x) is a product; its second term x p(x) is missing."""

    def slope(self) -> Array:
        return (1 + right.erf(self.x / math.sqrt(2))) / 2


@family.wrong("other", on=alone)
class GeluApproximatedInBackward(GELU):
    """Forward is exact, backward differentiates the tanh approximation: off by a few 1e-4."""

    def slope(self) -> Array:
        x, c = self.x, math.sqrt(2 / math.pi)
        t = np.tanh(c * (x + 0.044715 * x**3))
        return (1 + t) / 2 + x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2) / 2


@family.wrong("missing-term", "other", on=alone)
class SiluWithoutTheSecondTerm(SiLU):
    """x s(x) is a product; its second term x s (1 - s) is missing."""

    def slope(self) -> Array:
        return self.s


@family.wrong("other", "mask", "scale", on=alone)
class EluWithOne(ELU):
    """y + 1 is the slope for a = 1; this unit has a = 0.7."""

    def slope(self) -> Array:
        return np.where(self.x > 0, 1.0, self.y + 1)


@family.wrong("other", on=alone)
class SoftplusOneDerivativeTooMany(Softplus):
    """s (1 - s) is the second derivative of softplus; the first is s."""

    def slope(self) -> Array:
        s = super().slope()
        return s * (1 - s)


@family.wrong("mask", on=alone)
class HardtanhOpenAbove(Hardtanh):
    """The gradient passes above 1, where y no longer moves."""

    def slope(self) -> Array:
        return (self.x > -1).astype(np.float64)


@family.wrong("missing-term", on=square)
class SoftmaxDiagonalOnly(Softmax):
    """y (1 - y) is the slope of an output by its own score; the other scores count, too."""

    def backward(self, dy: Array) -> Array:
        return dy * self.y * (1 - self.y)


@family.wrong("wrong-axis", on=square)
class SoftmaxOverTheSamples(Softmax):
    """The sum in backward goes over the samples; forward normalized over the classes."""

    def backward(self, dy: Array) -> Array:
        return self.y * (dy - (dy * self.y).sum(axis=0, keepdims=True))


@family.wrong("missing-term", on=square)
class SoftmaxWithoutTheSum(Softmax):
    """dy y is the direct term; that all outputs share one denominator was forgotten."""

    def backward(self, dy: Array) -> Array:
        return dy * self.y


@family.wrong("missing-term", on=square)
class LogSoftmaxWithoutTheSum(LogSoftmax):
    """dx = dy: the logarithm of the sum depends on x, too."""

    def backward(self, dy: Array) -> Array:
        return dy.copy()


@family.wrong("other", "missing-term", on=square)
class LogSoftmaxOfItsOutput(LogSoftmax):
    """The sum is multiplied by y, the logarithms, instead of the probabilities exp(y)."""

    def backward(self, dy: Array) -> Array:
        return dy - self.y * dy.sum(axis=1, keepdims=True)


@family.wrong("mask", "partial-batch", on=alone)
class MaskOfTheFirstSample(ReLU):
    """The mask of the first sample is used for all: x[0] > 0 broadcasts without a word."""

    def slope(self) -> Array:
        return (self.x[0] > 0).astype(np.float64)
