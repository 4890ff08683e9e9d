"""Losses: forward returns a number, backward the gradient of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softmax(scores: Array) -> Array:
    """Return probabilities, row by row."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class CrossEntropyLoss:
    """The mean over the samples of -log p[n, target[n]]."""

    def forward(self, scores: Array, target: Array) -> float:
        """Take scores (N, K) and whole numbers (N,)."""
        shifted = scores - scores.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p = np.exp(log_p)
        self.target = target
        return float(-log_p[np.arange(len(target)), target].mean())

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy (p - one-hot) / N."""
        one_hot = np.eye(self.p.shape[1])[self.target]
        return dy * (self.p - one_hot) / len(self.p)


class WeightedCrossEntropyLoss:
    """The weighted mean of -log p: each class has a weight, the mean divides by their sum."""

    def __init__(self, weight: Array) -> None:
        self.weight = weight

    def forward(self, scores: Array, target: Array) -> float:
        """Take scores (N, K) and whole numbers (N,)."""
        self.p, self.target = softmax(scores), target
        log_p = np.log(self.p[np.arange(len(target)), target])
        w = self.weight[target]
        return float(-(w * log_p).sum() / w.sum())

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy w (p - one-hot) / sum of w."""
        w = self.weight[self.target][:, None]
        return dy * w * (self.p - np.eye(self.p.shape[1])[self.target]) / w.sum()


class SmoothedCrossEntropyLoss:
    """Cross-entropy with a little of the target given to every class."""

    smoothing = 0.2

    def forward(self, scores: Array, target: Array) -> float:
        """Take scores (N, K) and whole numbers (N,)."""
        self.p, self.target = softmax(scores), target
        return float(-(self.goal() * np.log(self.p)).sum() / len(scores))

    def goal(self) -> Array:
        """Return the smoothed target, (N, K)."""
        classes = self.p.shape[1]
        return (1 - self.smoothing) * np.eye(classes)[self.target] + self.smoothing / classes

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy (p - goal) / N."""
        return dy * (self.p - self.goal()) / len(self.p)


class BCEWithLogitsLoss:
    """The mean of -(w t log s + (1 - t) log (1 - s)), s the sigmoid of the scores, w = 3."""

    pos_weight = 3.0

    def forward(self, scores: Array, target: Array) -> float:
        """Take scores and targets of one shape, the targets between 0 and 1."""
        self.scores, self.target = scores, target
        positive = self.pos_weight * target * np.logaddexp(0, -scores)
        return float((positive + (1 - target) * np.logaddexp(0, scores)).mean())

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy (s (1 - t) - w t (1 - s)) / (number of entries)."""
        s = 1 / (1 + np.exp(-self.scores))
        slope = s * (1 - self.target) - self.pos_weight * self.target * (1 - s)
        return dy * slope / self.scores.size


class MSELoss:
    """The mean over all entries of (y - t)^2."""

    def forward(self, y: Array, target: Array) -> float:
        """Take two arrays of one shape."""
        self.difference = y - target
        return float((self.difference**2).mean())

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy 2 (y - t) / (number of entries)."""
        return dy * 2 * self.difference / self.difference.size


class HuberLoss:
    """The mean of d^2 / 2 for small differences d, of delta (|d| - delta / 2) for large ones."""

    delta = 0.7

    def forward(self, y: Array, target: Array) -> float:
        """Take two arrays of one shape."""
        self.difference = d = y - target
        large = self.delta * (np.abs(d) - self.delta / 2)
        return float(np.where(np.abs(d) <= self.delta, d**2 / 2, large).mean())

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy times the difference, cut to [-delta, delta], over the number of entries."""
        slope = np.clip(self.difference, -self.delta, self.delta)
        return dy * slope / slope.size


class L1Loss:
    """The mean of |y - t|."""

    def forward(self, y: Array, target: Array) -> float:
        """Take two arrays of one shape."""
        self.difference = y - target
        return float(np.abs(self.difference).mean())

    def backward(self, dy: float = 1.0) -> Array:
        """Return dy times the signs over the number of entries."""
        return dy * np.sign(self.difference) / self.difference.size


class HingeLoss:
    """The mean over the samples of the sum over the wrong classes of max(0, s_k - s_t + 1)."""

    def forward(self, scores: Array, target: Array) -> float:
        """Take scores (N, K) and whole numbers (N,)."""
        self.rows, self.target = np.arange(len(target)), target
        self.margins = np.maximum(0, scores - scores[self.rows, target][:, None] + 1)
        self.margins[self.rows, target] = 0
        return float(self.margins.sum() / len(scores))

    def backward(self, dy: float = 1.0) -> Array:
        """Each violated margin pushes its class down and the true class up."""
        slope = (self.margins > 0).astype(np.float64)
        slope[self.rows, self.target] = -slope.sum(axis=1)
        return dy * slope / len(slope)


class DiceLoss:
    """1 - 2 sum(p t) / (sum p + sum t): for masks of lungs, say."""

    def forward(self, p: Array, target: Array) -> float:
        """Take two arrays of one shape, with values between 0 and 1."""
        self.target = target
        self.common, self.total = (p * target).sum(), p.sum() + target.sum()
        return float(1 - 2 * self.common / self.total)

    def backward(self, dy: float = 1.0) -> Array:
        """Follow the quotient rule: p stands above the line and below it."""
        return dy * -2 * (self.target * self.total - self.common) / self.total**2
