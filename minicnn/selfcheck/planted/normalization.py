"""Mistakes in the backward pass of normalization, where x acts in three ways at once."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.normalization import (
    Array,
    BatchNorm,
    GroupNorm,
    LayerNorm,
    UnitLength,
)

family = Family("normalization")


def plain(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Five samples, three features, a mean and a spread of their own each."""
    rng = np.random.default_rng(41)
    x = rng.normal(size=(5, 3)) * [0.5, 1, 2] + [1, -2, 0]
    return layer(3, rng=rng), (x,)


def large_eps(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """An eps that matters."""
    rng = np.random.default_rng(42)
    return layer(3, eps=0.1, rng=rng), (0.3 * rng.normal(size=(5, 3)),)


def evaluation(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """The running statistics are used."""
    rng = np.random.default_rng(43)
    return layer(3, rng=rng).eval(), (rng.normal(size=(5, 3)),)


def square(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """As many samples as features."""
    rng = np.random.default_rng(44)
    return layer(4, rng=rng), (rng.normal(size=(4, 4)),)


def images(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two groups of two channels."""
    rng = np.random.default_rng(45)
    return layer(2, 4, rng=rng), (rng.normal(size=(2, 4, 2, 2)),)


def rows(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Rows of three numbers."""
    return layer(), (np.random.default_rng(46).normal(size=(4, 3)),)


for setting in (plain, large_eps, evaluation):
    family.right(on=setting, name=f"right-batch-{setting.__name__.replace('_', '-')}")(BatchNorm)
family.right(on=square)(LayerNorm)
family.right(on=images)(GroupNorm)
family.right(on=rows)(UnitLength)


@family.wrong("missing-term", on=plain)
class MeanForgotten(BatchNorm):
    """The way through the mean is missing: every sample moves it a little."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=0)
        return (dxhat - through_var) / self.std


@family.wrong("missing-term", on=plain)
class VarianceForgotten(BatchNorm):
    """The way through the variance is missing."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        return (dxhat - dxhat.mean(axis=0)) / self.std


@family.wrong("missing-term", on=plain)
class StatisticsTakenForConstants(BatchNorm):
    """Mean and variance are treated as constants: right in evaluation, not in training."""

    def dx(self, dy: Array) -> Array:
        return dy * self.params["gamma"] / self.std


@family.wrong("other", "scale", "missing-term", on=plain)
class UnbiasedInBackward(BatchNorm):
    """The variance's term divides by N - 1, as unbiased estimates do; forward divided by N."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        through_var = self.xhat * (dxhat * self.xhat).sum(axis=0) / (len(dy) - 1)
        return (dxhat - dxhat.mean(axis=0) - through_var) / self.std


@family.wrong("other", "scale", "missing-term", on=large_eps)
class EpsForgotten(BatchNorm):
    """Backward divides by sqrt(var), forward by sqrt(var + eps)."""

    def dx(self, dy: Array) -> Array:
        self.std = np.sqrt(self.var)
        return super().dx(dy)


@family.wrong("other", "missing-term", on=plain)
class GammaGradientFromX(BatchNorm):
    """The gradient of gamma multiplies dy by x, before normalization."""

    def dgamma(self, dy: Array) -> Array:
        return (dy * self.x).sum(axis=0)


@family.wrong("scale", on=plain)
class GammaGradientIsAMean(BatchNorm):
    """The gradient of gamma is a mean over the samples; their gradients add up."""

    def dgamma(self, dy: Array) -> Array:
        return super().dgamma(dy) / len(dy)


@family.wrong("scale", on=plain)
class BetaGradientIsAMean(BatchNorm):
    """The gradient of beta is a mean over the samples; their gradients add up."""

    def dbeta(self, dy: Array) -> Array:
        return dy.mean(axis=0)


@family.wrong("swapped", on=plain)
class GammaAndBetaExchanged(BatchNorm):
    """The two gradients have the same shape, and each stands in the other's place."""

    def backward(self, dy: Array) -> Array:
        self.grads["gamma"] = self.dbeta(dy)
        self.grads["beta"] = self.dgamma(dy)
        return self.dx(dy)


@family.wrong("other", "scale", "missing-term", "stale-cache", on=plain)
class RunningStatisticsInBackward(BatchNorm):
    """Forward in training uses the batch's spread, backward the running one."""

    def dx(self, dy: Array) -> Array:
        self.std = np.sqrt(self.running_var + self.eps)
        return super().dx(dy)


@family.wrong("other", "missing-term", on=evaluation)
class TrainingFormulaInEvaluation(BatchNorm):
    """In evaluation the statistics are constants; backward goes through them all the same."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=0)
        return (dxhat - dxhat.mean(axis=0) - through_var) / self.std


@family.wrong("missing-term", "other", "scale", on=plain)
class GammaForgottenInDx(BatchNorm):
    """dx is computed from dy as if gamma were one."""

    def dx(self, dy: Array) -> Array:
        return super().dx(dy / self.params["gamma"])


@family.wrong("other", "scale", on=plain)
class DividedByTheVariance(BatchNorm):
    """dx is divided by the variance; it should be by its root."""

    def dx(self, dy: Array) -> Array:
        return super().dx(dy) / self.std


@family.wrong("other", "scale", on=plain)
class MultipliedByTheSpread(BatchNorm):
    """dx is multiplied by the standard deviation; it should be divided."""

    def dx(self, dy: Array) -> Array:
        return super().dx(dy) * self.std**2


@family.wrong("sign", "other", "missing-term", on=plain)
class MeanAdded(BatchNorm):
    """The term of the mean is added; it must be subtracted."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        return super().dx(dy) + 2 * dxhat.mean(axis=0) / self.std


@family.wrong("wrong-axis", on=square)
class LayerNormOverTheSamples(LayerNorm):
    """The means in backward go over the samples; forward took them over the features."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=0)
        return (dxhat - dxhat.mean(axis=0) - through_var) / self.std


@family.wrong("other", "missing-term", on=square)
class GammaAfterTheMeans(LayerNorm):
    """gamma is multiplied at the end: in layer normalization it differs within each mean."""

    def dx(self, dy: Array) -> Array:
        through_mean = dy.mean(axis=1, keepdims=True)
        through_var = self.xhat * (dy * self.xhat).mean(axis=1, keepdims=True)
        return self.params["gamma"] * (dy - through_mean - through_var) / self.std


@family.wrong("wrong-axis", on=square)
class GammaGradientOverTheFeatures(LayerNorm):
    """The gradient of gamma sums over the axis of the normalization; gamma is one per feature."""

    def dgamma(self, dy: Array) -> Array:
        return (dy * self.xhat).sum(axis=1)


@family.wrong("missing-term", "wrong-axis", "other", on=images)
class OneGroupInBackward(GroupNorm):
    """Backward takes its means over all channels, as if there were one group."""

    def dx(self, dxhat: Array) -> Array:
        through_mean = dxhat.mean(axis=(1, 2), keepdims=True)
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=(1, 2), keepdims=True)
        return (dxhat - through_mean - through_var) / self.std


@family.wrong("partial-batch", "wrong-axis", "other", on=images)
class GroupNormGammaOfOneSample(GroupNorm):
    """The gradient of gamma comes from the first sample alone."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.grads["gamma"] = (dy * self.xhat.reshape(dy.shape))[0].sum(axis=(1, 2))
        return dx


@family.wrong("missing-term", on=rows)
class LengthTakenForConstant(UnitLength):
    """dx = dy / |x|: that the length depends on x was forgotten."""

    def backward(self, dy: Array) -> Array:
        return dy / self.length


@family.wrong("other", "missing-term", "scale", on=rows)
class ProjectedOnX(UnitLength):
    """What is taken out points along x, of any length; it should be y, of length 1."""

    def backward(self, dy: Array) -> Array:
        x = self.y * self.length
        return (dy - x * (dy * x).sum(axis=1, keepdims=True)) / self.length
