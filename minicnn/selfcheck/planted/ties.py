"""Ties: where several entries are the largest, each way to share the gradient is right."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import (
    Array,
)
from minicnn.selfcheck.planted.right.pooling import MaxPool2d

family = Family("ties")


def ties(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three different numbers only, so that most windows have more than one largest entry."""
    x = np.random.default_rng(123).integers(0, 3, size=(1, 2, 4, 4)).astype(np.float64)
    return layer((2, 2), stride=2), (x,)


def overlapping_ties(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Ties that several windows share."""
    x = np.random.default_rng(124).integers(0, 2, size=(1, 2, 4, 4)).astype(np.float64)
    return layer((3, 3), stride=1, padding=1), (x,)


def flat(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """An image of one grey value: every window is a tie of all its entries."""
    return layer((2, 2), stride=1), (np.full((1, 1, 3, 3), 0.5),)


def near_ties(distance: float) -> Any:
    """Largest entries that differ by less than the step of most differences."""

    def setting(layer: Any) -> tuple[Any, tuple[Any, ...]]:
        rng = np.random.default_rng(125)
        x = rng.integers(0, 3, size=(1, 2, 4, 4)) + distance * rng.permutation(32).reshape(
            1, 2, 4, 4
        )
        return layer((2, 2), stride=2), (x,)

    return setting


def equal_pairs(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two inputs, equal in some places."""
    rng = np.random.default_rng(126)
    a, b = rng.normal(size=(2, 2, 3))
    b[:, 0] = a[:, 0]
    return layer(), (a, b)


family.right(on=ties, name="ties-the-first")(MaxPool2d)


family.right(on=overlapping_ties, name="overlapping-ties-the-first")(MaxPool2d)


family.right(on=flat, name="flat-image")(MaxPool2d)


family.right(on=near_ties(1e-7), name="near-ties")(MaxPool2d)


family.right(on=near_ties(1e-10), name="nearer-ties")(MaxPool2d)


@family.right(on=ties)
@family.right(on=overlapping_ties, name="last-of-overlapping-ties")
class LastOfTies(MaxPool2d):
    """Of equal entries the last one gets the gradient."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        self.winner = len(met) - 1 - met[::-1].argmax(axis=0)
        return y


@family.right(on=ties)
@family.right(on=flat, name="ties-share-equally-in-a-flat-image")
class TiesShareEqually(MaxPool2d):
    """Equal entries share the gradient in equal parts."""

    def share(self, tap: int) -> Array:
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        winners = met == met.max(axis=0)
        return winners[tap] / winners.sum(axis=0)


@family.right(on=ties)
class TiesShareUnequally(MaxPool2d):
    """Of equal entries the first gets 70 %, the last 30 %: odd, and right all the same."""

    def share(self, tap: int) -> Array:
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        last = len(met) - 1 - met[::-1].argmax(axis=0)
        return 0.7 * (self.winner == tap) + 0.3 * (last == tap)


@family.wrong("subgradient", "mask", "scale", "other", on=ties)
class TiesLoseSome(MaxPool2d):
    """Equal entries share the gradient as if all entries of the window were equal: some is lost."""

    def share(self, tap: int) -> Array:
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        winners = met == met.max(axis=0)
        ties_here = winners.sum(axis=0) > 1
        return winners[tap] / np.where(ties_here, len(met), 1)


@family.wrong("subgradient", "mask", on=overlapping_ties)
@family.wrong("subgradient", "mask", on=flat, name="ties-duplicated-in-a-flat-image")
class TiesDuplicatedInOverlaps(MaxPool2d):
    """Every entry that equals the largest gets all of dy, in every window."""

    def share(self, tap: int) -> Array:
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        return met[tap] == met.max(axis=0)


@family.wrong("mask", "subgradient", on=near_ties(1e-7))
class NearTiesTakenForTies(MaxPool2d):
    """np.isclose finds entries that are nearly the largest, and each of them gets all of dy."""

    def share(self, tap: int) -> Array:
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        return np.isclose(met[tap], met.max(axis=0), atol=1e-3)


@family.right(on=equal_pairs)
class Maximum:
    """y = max(a, b); where they are equal a gets the gradient."""

    def forward(self, a: Array, b: Array) -> Array:
        """Return the larger one of each pair."""
        self.a, self.b = a, b
        return np.maximum(a, b)

    def backward(self, dy: Array) -> tuple[Array, Array]:
        """Return the gradients of a and b."""
        return dy * (self.a >= self.b), dy * (self.a < self.b)


@family.right(on=equal_pairs)
class MaximumShared(Maximum):
    """Where a and b are equal each gets half of the gradient."""

    def backward(self, dy: Array) -> tuple[Array, Array]:
        half = (self.a == self.b) / 2
        return dy * ((self.a > self.b) + half), dy * ((self.a < self.b) + half)


@family.wrong("subgradient", "mask", on=equal_pairs)
class MaximumTwice(Maximum):
    """Where a and b are equal both get all of the gradient: a >= b and b >= a."""

    def backward(self, dy: Array) -> tuple[Array, Array]:
        return dy * (self.a >= self.b), dy * (self.b >= self.a)


@family.wrong("subgradient", "mask", "zero", on=equal_pairs)
class MaximumNever(Maximum):
    """Where a and b are equal neither gets a gradient: a > b and b > a. It is lost."""

    def backward(self, dy: Array) -> tuple[Array, Array]:
        return dy * (self.a > self.b), dy * (self.b > self.a)


def columns(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """The largest entry of some rows occurs twice."""
    return layer(), (np.array([[1.0, 3.0, 3.0], [0.5, -1.0, 0.2], [2.0, 2.0, 2.0]]),)


@family.right(on=columns)
class RowMaximum:
    """y[n] is the largest entry of a row; of equal ones the first gets the gradient."""

    def forward(self, x: Array) -> Array:
        """Return an array of shape (N,)."""
        self.x = x
        return x.max(axis=1)

    def share(self) -> Array:
        """Return which part of dy[n] each entry gets."""
        return np.eye(self.x.shape[1])[self.x.argmax(axis=1)]

    def backward(self, dy: Array) -> Array:
        """Send dy to the winners."""
        return dy[:, None] * self.share()


@family.wrong("subgradient", "mask", on=columns)
class RowMaximumDuplicated(RowMaximum):
    """Every entry that equals the largest gets all of dy."""

    def share(self) -> Array:
        return (self.x == self.x.max(axis=1, keepdims=True)).astype(np.float64)
