"""Mistakes in the backward pass of pooling."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.pooling import (
    AvgPool2d,
    GlobalAvgPool2d,
    MaxPool2d,
    Upsample2d,
)
from minicnn.selfcheck.planted.right.windows import Array

family = Family("pooling")


def image(*shape: int, seed: int = 11) -> Array:
    """Return random numbers."""
    return np.random.default_rng(seed).normal(size=shape)


def plain(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Windows side by side."""
    return layer((2, 2), stride=2), (image(2, 2, 4, 6),)


def overlapping(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Windows of three rows, two apart, in a frame."""
    return layer((3, 3), stride=2, padding=1), (image(2, 2, 5, 5),)


def negative(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """The same with negative numbers only: a zero would win against all of them."""
    return layer((3, 3), stride=2, padding=1), (-np.abs(image(2, 2, 5, 5)),)


def oblong(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Windows that are higher than wide, and a remainder on both sides."""
    return layer((3, 2), stride=2), (image(2, 2, 6, 5),)


def ties(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Few different numbers, so that many windows have two largest entries or more."""
    x = np.random.default_rng(12).integers(0, 3, size=(2, 2, 4, 4)).astype(np.float64)
    return layer((2, 2), stride=2), (x,)


def whole(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(), (image(2, 3, 4, 4),)


for setting in (plain, overlapping, negative, oblong, ties):
    family.right(on=setting, name=f"right-max-{setting.__name__}")(MaxPool2d)
for setting in (plain, overlapping, oblong):
    family.right(on=setting, name=f"right-avg-{setting.__name__}")(AvgPool2d)
family.right(on=whole)(GlobalAvgPool2d)
family.right(on=whole)(Upsample2d)


@family.wrong("subgradient", "mask", on=ties)
class TiesDuplicated(MaxPool2d):
    """Every entry that equals the largest gets all of dy: x == y finds two where two are equal."""

    def share(self, tap: int) -> Array:
        i, j = self.taps()[tap]
        largest = np.max([self.window(self.padded, a, b) for a, b in self.taps()], axis=0)
        return self.window(self.padded, i, j) == largest


@family.wrong("mask", "other", on=plain)
class AlwaysTheFirst(MaxPool2d):
    """dy goes to the first entry of each window, whichever was the largest."""

    def share(self, tap: int) -> Array:
        return np.asarray(tap == 0)


@family.wrong("mask", on=plain)
class TheSmallestInstead(MaxPool2d):
    """dy goes to the smallest entry: argmin for argmax."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        self.winner = np.stack([self.window(x, i, j) for i, j in self.taps()]).argmin(axis=0)
        return y


@family.wrong("mask", "other", on=plain)
class SpreadEvenly(MaxPool2d):
    """dy is shared out evenly, as for a mean."""

    def share(self, tap: int) -> Array:
        return np.asarray(1 / len(self.taps()))


@family.wrong("mask", on=plain)
class EverybodyGetsAll(MaxPool2d):
    """Each entry of a window gets all of dy: the mask was forgotten."""

    def share(self, tap: int) -> Array:
        return np.asarray(1.0)


@family.wrong("overlap", on=overlapping)
class MaxOverlapsOverwritten(MaxPool2d):
    """An entry that wins in two windows gets one dy only: dx = where dx += should stand."""

    def backward(self, dy: Array) -> Array:
        dpadded = np.zeros_like(self.padded)
        for tap, (i, j) in enumerate(self.taps()):
            to = self.window(dpadded, i, j)
            to[...] = np.where(self.share(tap), dy, to)
        return self.crop(dpadded)


@family.wrong("overlap", on=overlapping)
class AddedThroughAnIndex(MaxPool2d):
    """dx[index] += dy adds once where an index occurs twice; np.add.at adds each time."""

    def backward(self, dy: Array) -> Array:
        dpadded = np.zeros_like(self.padded)
        n, c, row, column = np.indices(dy.shape)
        i, j = np.array(self.taps()).T[:, self.winner]  # the place in the window
        dpadded[n, c, self.stride * row + i, self.stride * column + j] += dy
        return self.crop(dpadded)


@family.wrong("stale-cache", on=plain)
class WinnersOfTheBatchBefore(MaxPool2d):
    """The winners are found once, at the first batch, and kept for all later ones."""

    first = None

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        if self.first is None:
            self.first = self.winner
        self.winner = self.first
        return y


@family.wrong("border", "mask", "other", on=oblong)
class RemainderGetsGradient(MaxPool2d):
    """No window has met the last column, and yet it gets the gradient of its neighbour."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy).copy()
        dx[:, :, :, -1] = dx[:, :, :, -2]
        return dx


@family.wrong("border", "mask", "missing-term", "other", on=negative)
class FrameOfZerosInBackward(MaxPool2d):
    """Backward looks for the winners in a frame of zeros; forward had none in the running there."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        zeros = self.pad(x, value=0)
        self.winner = np.stack([self.window(zeros, i, j) for i, j in self.taps()]).argmax(axis=0)
        return y


@family.wrong("swapped", "transposed", "mask", on=plain)
class PlaceInTheWindowTransposed(MaxPool2d):
    """The number of the winner is read column by column; it was counted row by row."""

    def share(self, tap: int) -> Array:
        i, j = self.taps()[tap]
        return self.winner == j * self.kernel_size[0] + i


@family.wrong("missing-term", "swapped", "other", on=plain)
class AllChannelsIntoTheFirst(MaxPool2d):
    """A flat index without the channel's offset: every gradient lands in channel 0."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        collected = np.zeros_like(dx)
        collected[:, 0] = dx.sum(axis=1)
        return collected


@family.wrong("scale", on=plain)
class DividedByTheSide(AvgPool2d):
    """dy is divided by k, not by the k^2 entries of the window."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) * self.kernel_size[0]


@family.wrong("border", on=overlapping)
class OnlyValidEntriesCounted(AvgPool2d):
    """Forward divides by the whole window, backward at the border by what lies in the image."""

    def backward(self, dy: Array) -> Array:
        inside = self.pad(np.ones_like(self.crop(self.padded)))
        valid = np.sum([self.window(inside, i, j) for i, j in self.taps()], axis=0)
        return super().backward(dy * len(self.taps()) / valid)


@family.wrong("ignores-dy", on=plain)
class AverageIgnoresDy(AvgPool2d):
    """Each entry gets 1/k^2, and dy is not looked at: right if the loss is a sum, and only then."""

    def backward(self, dy: Array) -> Array:
        return super().backward(np.ones_like(dy))


@family.wrong("overlap", on=overlapping)
class AverageOverlapsOverwritten(AvgPool2d):
    """Overlapping windows replace each other's part instead of adding to it."""

    def backward(self, dy: Array) -> Array:
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps():
            self.window(dpadded, i, j)[...] = dy / len(self.taps())
        return self.crop(dpadded)


@family.wrong("shifted", "border", "other", on=plain)
class WindowsOneTooFar(AvgPool2d):
    """dx starts one column late, and the last windows stick out of the image."""

    def backward(self, dy: Array) -> Array:
        return np.roll(super().backward(dy), 1, axis=3)


@family.wrong("scale", on=whole)
class GlobalMeanOfRowsOnly(GlobalAvgPool2d):
    """dy is divided by H; the mean went over H W pixels."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) * self.shape[3]


@family.wrong("scale", on=whole)
class GlobalMeanNotDivided(GlobalAvgPool2d):
    """dy is copied to all pixels and not divided: the gradient of a sum."""

    def backward(self, dy: Array) -> Array:
        return np.broadcast_to(dy[:, :, None, None], self.shape).copy()


@family.wrong("scale", on=whole)
class UpsampledBackByTheMean(Upsample2d):
    """dx is the mean of the four copies' gradients: upsampling undone, not its derivative."""

    def backward(self, dy: Array) -> Array:
        return self.blocks(dy).mean(axis=(3, 5))


@family.wrong("overlap", "missing-term", "ignores-dy", on=whole)
class UpsampledBackByOneCopy(Upsample2d):
    """dx takes one of the four copies' gradients: dy[..., ::2, ::2]."""

    def backward(self, dy: Array) -> Array:
        return dy[:, :, ::2, ::2]


@family.wrong("transposed", on=whole)
class UpsampledBackTransposed(Upsample2d):
    """Rows and columns are exchanged on the way back; on a square image nothing complains."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy).swapaxes(2, 3)
