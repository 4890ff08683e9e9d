"""Mistakes in losses."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.losses import (
    Array,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    DiceLoss,
    HingeLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    SmoothedCrossEntropyLoss,
    WeightedCrossEntropyLoss,
    softmax,
)

family = Family("losses")

TARGET = (2, 0, 1, 2)


def classes(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Four samples, three classes."""
    return loss(), (np.random.default_rng(51).normal(size=(4, 3)), np.array(TARGET))


def unlikely(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """One sample is wrong and sure of it: the probability of its class is 1e-9."""
    scores = np.random.default_rng(52).normal(size=(4, 3))
    scores[1] = [-20, 0.5, 0]
    return loss(), (scores, np.array(TARGET))


def weighted(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Each class has a weight."""
    scores = np.random.default_rng(53).normal(size=(4, 3))
    return loss(np.array([0.5, 1.0, 3.0])), (scores, np.array(TARGET))


def labels(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Several yes-or-no labels per sample; the targets are floats."""
    rng = np.random.default_rng(54)
    return loss(), (rng.normal(size=(4, 3)), rng.integers(0, 2, size=(4, 3)).astype(float))


def regression(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Differences on both sides of 0.7."""
    rng = np.random.default_rng(55)
    return loss(), (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))


def masks(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Predicted and true masks of an organ."""
    rng = np.random.default_rng(56)
    return loss(), (rng.random((2, 3, 3)), (rng.random((2, 3, 3)) < 0.4).astype(float))


family.right(on=classes)(CrossEntropyLoss)
family.right(on=classes)(SmoothedCrossEntropyLoss)
family.right(on=classes)(HingeLoss)
family.right(on=weighted)(WeightedCrossEntropyLoss)
family.right(on=labels)(BCEWithLogitsLoss)
for right in (MSELoss, HuberLoss, L1Loss):
    family.right(on=regression)(right)
family.right(on=masks)(DiceLoss)


@family.wrong("scale", on=classes)
class MeanForgotten(CrossEntropyLoss):
    """The loss is a mean over the samples, the gradient that of a sum: N times too large."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) * len(self.p)


@family.wrong("scale", on=classes)
class MeanTakenTwice(CrossEntropyLoss):
    """The gradient is divided by N in two places."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) / len(self.p)


@family.wrong("sign", on=classes)
class OneHotMinusP(CrossEntropyLoss):
    """one-hot - p: the direction of descent, returned as the gradient."""

    def backward(self, dy: float = 1.0) -> Array:
        return -super().backward(dy)


@family.wrong("ignores-dy", on=classes)
class UpstreamForgotten(CrossEntropyLoss):
    """dy is not multiplied in: a loss that is a part of a sum gets the wrong weight."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(1.0)


@family.wrong("mask", "partial-batch", "other", on=unlikely)
class ClippedInForwardOnly(CrossEntropyLoss):
    """Forward cuts p off at 1e-7, where the loss no longer moves; backward knows nothing of it."""

    def forward(self, scores: Array, target: Array) -> float:
        super().forward(scores, target)
        p = np.maximum(self.p[np.arange(len(target)), target], 1e-7)
        return float(-np.log(p).mean())


@family.wrong("missing-term", "mask", on=classes)
class TrueClassOnly(CrossEntropyLoss):
    """p - 1 for the true class and nothing for the others, which must be pushed down."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) * np.eye(self.p.shape[1])[self.target]


@family.wrong("missing-term", "other", on=classes)
class OneHotForgotten(CrossEntropyLoss):
    """The gradient is p / N: the true class is pushed down like all others."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * self.p / len(self.p)


@family.wrong("other", "overlap", "missing-term", "mask", on=classes)
class WholeColumnsReduced(CrossEntropyLoss):
    """p[:, target] -= 1 takes one off whole columns; p[arange(N), target] is meant."""

    def backward(self, dy: float = 1.0) -> Array:
        slope = self.p.copy()
        slope[:, self.target] -= 1
        return dy * slope / len(slope)


@family.wrong("wrong-axis", "other", on=classes)
class SoftmaxOverTheSamples(CrossEntropyLoss):
    """The probabilities in backward add up to one over the samples."""

    def forward(self, scores: Array, target: Array) -> float:
        loss = super().forward(scores, target)
        self.p = softmax(scores.T).T
        return loss


@family.wrong("other", "mask", "swapped", on=classes)
class TargetsOneOff(CrossEntropyLoss):
    """Classes counted from one on one side and from zero on the other."""

    def backward(self, dy: float = 1.0) -> Array:
        one_hot = np.eye(self.p.shape[1])[self.target - 1]
        return dy * (self.p - one_hot) / len(self.p)


@family.wrong("partial-batch", on=classes)
class FirstSampleOnly(CrossEntropyLoss):
    """Only the first sample gets a gradient."""

    def backward(self, dy: float = 1.0) -> Array:
        slope = super().backward(dy)
        slope[1:] = 0
        return slope


@family.wrong("other", "missing-term", on=classes)
class ScoresTakenForProbabilities(CrossEntropyLoss):
    """scores - one-hot: softmax was left out on the way back."""

    def forward(self, scores: Array, target: Array) -> float:
        loss = super().forward(scores, target)
        self.p = scores
        return loss


@family.wrong("missing-term", "other", on=classes)
class SmoothingForgotten(SmoothedCrossEntropyLoss):
    """Forward smooths the targets, backward subtracts the hard ones."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * (self.p - np.eye(self.p.shape[1])[self.target]) / len(self.p)


@family.wrong("missing-term", "scale", "other", on=weighted)
class WeightsForgotten(WeightedCrossEntropyLoss):
    """The classes have weights in the loss and none in its gradient."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * (self.p - np.eye(self.p.shape[1])[self.target]) / len(self.p)


@family.wrong("scale", on=weighted)
class DividedByTheNumber(WeightedCrossEntropyLoss):
    """The weighted mean divides by the sum of the weights; backward divides by N."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) * self.weight[self.target].sum() / len(self.p)


@family.wrong("missing-term", "other", on=labels)
class PositiveWeightForgotten(BCEWithLogitsLoss):
    """Positives weigh three times as much in the loss and once in its gradient: s - t."""

    def backward(self, dy: float = 1.0) -> Array:
        s = 1 / (1 + np.exp(-self.scores))
        return dy * (s - self.target) / s.size


@family.wrong("scale", on=labels)
class MeanOverSamplesOnly(BCEWithLogitsLoss):
    """The loss is a mean over all entries; the gradient is divided by the number of samples."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) * self.scores.shape[1]


@family.wrong("scale", on=regression)
class TwoForgotten(MSELoss):
    """The derivative of d^2 is 2 d; the two is missing."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy) / 2


@family.wrong("sign", on=regression)
class TargetMinusPrediction(MSELoss):
    """(t - y)^2 has the same value, but its derivative by y then needs a minus sign."""

    def backward(self, dy: float = 1.0) -> Array:
        return -super().backward(dy)


@family.wrong("other", "missing-term", on=regression)
class LossInsteadOfItsSlope(MSELoss):
    """The squares themselves are returned."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * self.difference**2 / self.difference.size


@family.wrong("mask", "other", on=regression)
class LargeDifferencesNotCut(HuberLoss):
    """The slope goes on growing beyond delta: that of the squared error."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * self.difference / self.difference.size


@family.wrong("other", "scale", "mask", on=regression)
class DeltaForgotten(HuberLoss):
    """Beyond delta the slope is delta; here it is one."""

    def backward(self, dy: float = 1.0) -> Array:
        d = self.difference
        return dy * np.where(np.abs(d) <= self.delta, d, np.sign(d)) / d.size


@family.wrong("other", "missing-term", on=regression)
class DifferenceInsteadOfSign(L1Loss):
    """The slope of |d| is the sign of d, not d."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * self.difference / self.difference.size


@family.wrong("missing-term", "mask", "partial-batch", on=classes)
class TrueClassNotPushedUp(HingeLoss):
    """The violated margins push their classes down; the true class should go up, and gets zero."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * (self.margins > 0) / len(self.margins)


@family.wrong("other", "missing-term", "mask", on=classes)
class TrueClassPushedOnce(HingeLoss):
    """The true class gets -1 per sample; it should get it once for each violated margin."""

    def backward(self, dy: float = 1.0) -> Array:
        slope = (self.margins > 0).astype(np.float64)
        slope[self.rows, self.target] = -1
        return dy * slope / len(slope)


@family.wrong("other", "mask", on=classes)
class MarginsInsteadOfOnes(HingeLoss):
    """Each violated margin has the slope 1, not its own size."""

    def backward(self, dy: float = 1.0) -> Array:
        slope = self.margins.copy()
        slope[self.rows, self.target] = -slope.sum(axis=1)
        return dy * slope / len(slope)


@family.wrong("missing-term", "other", on=masks)
class DenominatorTakenForConstant(DiceLoss):
    """The quotient rule has two terms; p stands below the line, too."""

    def backward(self, dy: float = 1.0) -> Array:
        return dy * -2 * self.target / self.total


@family.wrong("accumulates", "mutates", "nondeterministic", "stale-cache", on=classes)
class ProbabilitiesUsedUp(CrossEntropyLoss):
    """p[arange(N), target] -= 1 works on the cache itself: a second backward subtracts it again."""

    def backward(self, dy: float = 1.0) -> Array:
        slope = self.p
        slope[np.arange(len(slope)), self.target] -= 1
        return dy * slope / len(slope)
