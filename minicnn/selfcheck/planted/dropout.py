"""Mistakes in layers that draw random numbers."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.dropout import Array, ChannelDropout, Dropout, GaussianNoise

family = Family("dropout")


def training(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three of ten are dropped."""
    rng = np.random.default_rng(61)
    return layer(0.3, rng=np.random.default_rng(62)), (rng.normal(size=(4, 5)),)


def evaluation(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Nothing is dropped, though the layer has been trained before."""
    target, (x,) = training(layer)
    target.forward(x)
    return target.eval(), (x,)


def channels(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Half of the channels are dropped."""
    rng = np.random.default_rng(63)
    return layer(0.5, rng=np.random.default_rng(64)), (rng.normal(size=(2, 4, 2, 2)),)


def noise(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(rng=np.random.default_rng(65)), (np.random.default_rng(66).normal(size=(4, 3)),)


family.right(on=training, name="right-training")(Dropout)
family.right(on=evaluation, name="right-evaluation")(Dropout)
family.right(on=channels)(ChannelDropout)
family.right(on=noise)(GaussianNoise)


@family.wrong("scale", on=training)
class NotScaledBack(Dropout):
    """Forward divides by 1 - p, backward does not."""

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


@family.wrong("scale", on=training)
class DividedByP(Dropout):
    """Backward divides by p, the part that is dropped; 1 - p is kept."""

    def backward(self, dy: Array) -> Array:
        return dy * self.mask / self.p


@family.wrong("scale", on=training)
class ScaledTwice(Dropout):
    """The mask holds the factor already, and backward applies it again."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) / (1 - self.p)


@family.wrong("nondeterministic", "mask", on=training)
class MaskDrawnAgain(Dropout):
    """Backward draws a mask of its own instead of using forward's."""

    def backward(self, dy: Array) -> Array:
        mask = self.rng.random(dy.shape) >= self.p
        return dy * mask / (1 - self.p)


@family.wrong("mask", on=training)
class NotMasked(Dropout):
    """dy passes everywhere, also where x was dropped."""

    def backward(self, dy: Array) -> Array:
        return dy / (1 - self.p)


@family.wrong("mask", on=training)
class DroppedAndKeptExchanged(Dropout):
    """The gradient passes where x was dropped."""

    def backward(self, dy: Array) -> Array:
        return dy * ~self.mask / (1 - self.p)


@family.wrong("mask", "stale-cache", on=evaluation)
class MaskedInEvaluation(Dropout):
    """In evaluation y is x, and yet backward applies the last mask of training."""

    def backward(self, dy: Array) -> Array:
        return dy * self.mask / (1 - self.p)


@family.wrong("nondeterministic", on=training)
class GlobalRandomness(Dropout):
    """The mask comes from np.random, which belongs to everybody: nothing can be repeated."""

    def forward(self, x: Array) -> Array:
        self.mask = np.random.rand(*x.shape) >= self.p  # noqa: NPY002 - this is the mistake
        return x * self.mask / (1 - self.p)


@family.wrong("nondeterministic", on=training)
class FreshGenerator(Dropout):
    """Each forward makes a generator without a seed: nothing can be repeated."""

    def forward(self, x: Array) -> Array:
        self.mask = np.random.default_rng().random(x.shape) >= self.p
        return x * self.mask / (1 - self.p)


@family.wrong("mask", "partial-batch", "other", on=training)
class MaskOfTheFirstSample(Dropout):
    """Backward uses the first sample's mask for all of them."""

    def backward(self, dy: Array) -> Array:
        return dy * self.mask[0] / (1 - self.p)


@family.wrong("mask", "other", on=channels)
class OneChannelDecidesForAll(ChannelDropout):
    """Backward uses the mask of channel 0 for all channels."""

    def backward(self, dy: Array) -> Array:
        return dy * self.mask[:, :1] / (1 - self.p)


@family.wrong("missing-term", "other", "mask", on=noise)
class NoiseForgotten(GaussianNoise):
    """dx = dy: the noise multiplies x, so it multiplies the gradient."""

    def backward(self, dy: Array) -> Array:
        return dy.copy()
