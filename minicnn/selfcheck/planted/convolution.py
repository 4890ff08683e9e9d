"""Mistakes in the backward pass of convolution."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.convolution import Conv2d, ConvTranspose2d, GroupedConv2d
from minicnn.selfcheck.planted.right.windows import Array

family = Family("convolution")


def plain(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Stride 1, a frame, a kernel that is not square, more outputs than inputs."""
    rng = np.random.default_rng(1)
    return layer(2, 3, (3, 2), padding=1, rng=rng), (rng.normal(size=(2, 2, 4, 5)),)


def square(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """As many outputs as inputs, a square kernel: where exchanged axes keep the shape."""
    rng = np.random.default_rng(2)
    return layer(3, 3, (3, 3), padding=1, rng=rng), (rng.normal(size=(2, 3, 4, 4)),)


def strided(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A stride that does not divide: the last column of the padded image is never met."""
    rng = np.random.default_rng(3)
    return layer(2, 2, (3, 3), stride=2, padding=1, rng=rng), (rng.normal(size=(2, 2, 5, 6)),)


def dilated(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A kernel with gaps."""
    rng = np.random.default_rng(4)
    return layer(2, 2, (2, 2), dilation=2, rng=rng), (rng.normal(size=(2, 2, 5, 5)),)


def as_many(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Samples, channels, rows and columns of y are all three: sums over any axes fit."""
    rng = np.random.default_rng(5)
    return layer(2, 3, (2, 2), rng=rng), (rng.normal(size=(3, 2, 4, 4)),)


def grouped(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two groups of two channels."""
    rng = np.random.default_rng(6)
    return layer(4, 2, rng=rng), (rng.normal(size=(2, 4, 3, 4)),)


def transposed(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three channels become two, the image twice as large."""
    rng = np.random.default_rng(7)
    return layer(3, 2, rng=rng), (rng.normal(size=(2, 3, 2, 3)),)


for setting in (plain, square, strided, dilated, as_many):
    family.right(on=setting, name=f"right-{setting.__name__.replace('_', '-')}")(Conv2d)
family.right(on=grouped)(GroupedConv2d)
family.right(on=transposed)(ConvTranspose2d)


@family.wrong("flipped", on=plain)
class KernelNotTurned(Conv2d):
    """dx correlates dy with the kernel as forward does with x; the kernel must be turned around."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"][:, :, ::-1, ::-1]
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps():
            self.window(dpadded, i, j)[...] += np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
        return self.crop(dpadded)


@family.wrong("transposed", "swapped", on=square)
class ChannelsExchangedInDx(Conv2d):
    """dx sums over the input channels of w instead of the outputs: with as many of each it fits."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"]
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps():
            self.window(dpadded, i, j)[...] += np.einsum("nohw,co->nchw", dy, weight[:, :, i, j])
        return self.crop(dpadded)


@family.wrong("overlap", on=plain)
@family.wrong("overlap", on=strided, name="overlaps-overwritten-strided")
class OverlapsOverwritten(Conv2d):
    """Windows overlap, so what they give to dx adds up; here the last one replaces the others."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"]
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps():
            self.window(dpadded, i, j)[...] = np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
        return self.crop(dpadded)


@family.wrong("shifted", "border", on=plain)
class FrameCroppedAtTheWrongEnd(Conv2d):
    """The frame is one wide on each side; taking two off at the end moves dx by one pixel."""

    def crop(self, padded: Array) -> Array:
        return padded[:, :, : -2 * self.padding, : -2 * self.padding]


@family.wrong("border", on=plain)
class CornerForgotten(Conv2d):
    """One corner of dx stays zero: a loop that starts at 1."""

    def dx(self, dy: Array) -> Array:
        dx = super().dx(dy).copy()
        dx[:, :, 0, 0] = 0
        return dx


@family.wrong("border", on=plain)
class BorderWrapsAround(Conv2d):
    """What belongs to the frame is added at the opposite edge: np.roll, or a negative index."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"]
        shape = self.padded.shape
        dx = np.zeros((*shape[:2], shape[2] - 2, shape[3] - 2))
        for i, j in self.taps():
            dpadded = np.zeros_like(self.padded)
            self.window(dpadded, i, j)[...] = np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
            dpadded[:, :, -2] += dpadded[:, :, 0]
            dpadded[:, :, 1] += dpadded[:, :, -1]
            dx += self.crop(dpadded)
        return dx


@family.wrong("border", on=plain)
class LastRowForgotten(Conv2d):
    """The last row of dx stays zero: the loop runs over range(H - 1)."""

    def dx(self, dy: Array) -> Array:
        dx = super().dx(dy).copy()
        dx[:, :, -1] = 0
        return dx


@family.wrong("scale", on=plain)
class OnePerMilleTooLarge(Conv2d):
    """dx is 0.1 % too large: within most tolerances, and yet no rounding error."""

    def dx(self, dy: Array) -> Array:
        return 1.001 * super().dx(dy)


@family.wrong("shifted", on=plain)
class WeightGradientFromTheNeighbour(Conv2d):
    """dw multiplies dy by the entry one to the left: the frame was counted twice."""

    def dw(self, dy: Array) -> Array:
        dw = np.zeros_like(self.params["weight"])
        moved = np.roll(self.padded, 1, axis=3)
        for i, j in self.taps():
            dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, self.window(moved, i, j))
        return dw


@family.wrong("partial-batch", on=plain)
class LastSampleOnly(Conv2d):
    """dw = ... stands in the loop over the samples where dw += ... should: the last one is left."""

    def dw(self, dy: Array) -> Array:
        dw = np.zeros_like(self.params["weight"])
        for n in range(len(dy)):
            for i, j in self.taps():
                met = self.window(self.padded, i, j)
                dw[:, :, i, j] = np.einsum("ohw,chw->oc", dy[n], met[n])
        return dw


@family.wrong("scale", on=plain)
class DividedByTheBatch(Conv2d):
    """The loss has taken the mean over the batch already; here dw is divided by N once more."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy) / len(dy)


@family.wrong("flipped", on=plain)
class WeightGradientTurned(Conv2d):
    """dw is turned around as if forward were a true convolution; it is a cross-correlation."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy)[:, :, ::-1, ::-1]


@family.wrong("transposed", on=square)
class WeightGradientTransposed(Conv2d):
    """The rows and columns of the kernel are exchanged in dw: i and j in the wrong order."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy).swapaxes(2, 3)


@family.wrong("transposed", "swapped", on=square)
class InputsAndOutputsExchangedInDw(Conv2d):
    """dw[c,o] instead of dw[o,c]: with as many inputs as outputs the shape does not tell."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy).swapaxes(0, 1)


@family.wrong("scale", on=plain)
class BiasGradientIsAMean(Conv2d):
    """db is the mean over samples and pixels; the bias goes into each of them, so they add up."""

    def db(self, dy: Array) -> Array:
        return dy.mean(axis=(0, 2, 3))


@family.wrong("ignores-dy", "missing-term", on=plain)
class BiasGradientFromOnePixel(Conv2d):
    """db sums over the samples but takes one pixel, as if y were (N, O)."""

    def db(self, dy: Array) -> Array:
        return dy[:, :, 0, 0].sum(axis=0)


@family.wrong("zero", on=plain)
class BiasGradientForgotten(Conv2d):
    """db was set up as zeros and never filled."""

    def db(self, dy: Array) -> Array:
        return np.zeros_like(self.params["bias"])


@family.wrong("wrong-axis", on=as_many)
class BiasGradientOverTheChannels(Conv2d):
    """db sums over (samples, channels, rows) and keeps the columns: the axes of channels-last."""

    def db(self, dy: Array) -> Array:
        return dy.sum(axis=(0, 1, 2))


@family.wrong("wrong-axis", on=as_many)
class BiasGradientPerSample(Conv2d):
    """db sums over everything but the samples; with as many samples as channels it fits."""

    def db(self, dy: Array) -> Array:
        return dy.sum(axis=(1, 2, 3))


@family.wrong("shifted", "other", on=strided)
class StrideForgottenInDw(Conv2d):
    """dw multiplies dy by neighbouring entries of x; the windows are a stride apart."""

    def dw(self, dy: Array) -> Array:
        dw = np.zeros_like(self.params["weight"])
        rows, columns = self.output_size
        for i, j in self.taps():
            met = self.padded[:, :, i : i + rows, j : j + columns]
            dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, met)
        return dw


@family.wrong("shifted", "other", "border", on=strided)
class StrideForgottenInDx(Conv2d):
    """dx is put together as if the windows were one pixel apart, and leaves the rest zero."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"]
        dpadded = np.zeros_like(self.padded)
        rows, columns = self.output_size
        for i, j in self.taps():
            part = np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
            dpadded[:, :, i : i + rows, j : j + columns] += part
        return self.crop(dpadded)


@family.wrong("shifted", "other", on=dilated)
class DilationForgottenInDw(Conv2d):
    """dw looks at the pixels next to each other; the taps of this kernel are two apart."""

    def dw(self, dy: Array) -> Array:
        self.dilation = 1
        dw = super().dw(dy)
        self.dilation = 2
        return dw


@family.wrong("transposed", "swapped", on=as_many)
class ReshapedWithoutMovingTheSamples(Conv2d):
    """dy.reshape(O, -1) mixes samples and channels; the channels must come first before that."""

    def dw(self, dy: Array) -> Array:
        o = dy.shape[1]
        rows = dy.reshape(o, -1)  # should be dy.swapaxes(0, 1).reshape(o, -1)
        dw = np.zeros_like(self.params["weight"])
        for i, j in self.taps():
            met = self.window(self.padded, i, j).swapaxes(0, 1)  # (C, N, H', W')
            dw[:, :, i, j] = rows @ met.reshape(len(met), -1).T
        return dw


@family.wrong("ignores-dy", "border", "missing-term", on=plain)
class LastColumnOfDyForgotten(Conv2d):
    """The loops of backward stop one column short: range(W_out - 1)."""

    def backward(self, dy: Array) -> Array:
        shortened = dy.copy()
        shortened[:, :, :, -1] = 0
        return super().backward(shortened)


@family.wrong("wrong-axis", "other", on=plain)
class ChannelsOfDyAddedUp(Conv2d):
    """Every output channel gets the same dw: dy was summed over its channels on the way."""

    def dw(self, dy: Array) -> Array:
        return super().dw(np.broadcast_to(dy.sum(axis=1, keepdims=True), dy.shape))


@family.wrong("other", "missing-term", "nonlinear-in-dy", on=plain)
class DecayHiddenInTheLayer(Conv2d):
    """dw contains a weight decay that the loss does not: that is the optimizer's business."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy) + 1e-3 * self.params["weight"]


@family.wrong("swapped", "transposed", on=grouped)
class GroupsExchanged(GroupedConv2d):
    """The parts of dy go to the groups in the wrong order."""

    def split(self, dy: Array) -> list[Array]:
        return super().split(dy)[::-1]


@family.wrong("flipped", on=transposed)
class TransposedConvolutionTurned(ConvTranspose2d):
    """dx of a transposed convolution is a plain one; here the kernel is turned all the same."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"][:, :, ::-1, ::-1]
        dx = np.zeros_like(self.x)
        for i, j in np.ndindex(3, 3):
            dx += np.einsum("nohw,co->nchw", self.spread(dy, i, j), weight[:, :, i, j])
        return dx


@family.wrong("missing-term", "ignores-dy", on=transposed)
class TransposedConvolutionOneTap(ConvTranspose2d):
    """dx reads one entry of dy for each pixel; every pixel was spread over nine."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"]
        return np.einsum("nohw,co->nchw", self.spread(dy, 1, 1), weight[:, :, 1, 1])


@family.wrong("zero", on=plain)
class InputGradientForgotten(Conv2d):
    """dx is zeros: the first layer needs none, and so nobody noticed."""

    def dx(self, dy: Array) -> Array:
        return np.zeros_like(self.crop(self.padded))


@family.wrong("sign", on=plain)
class WeightGradientSubtracted(Conv2d):
    """dw -= ... where dw += ... should stand: the step downhill is not backward's business."""

    def dw(self, dy: Array) -> Array:
        return -super().dw(dy)


@family.wrong("missing-term", "border", "other", on=plain)
class OneTapForgotten(Conv2d):
    """dx leaves the last tap of the kernel out: range(k - 1)."""

    def dx(self, dy: Array) -> Array:
        weight = self.params["weight"]
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps()[:-1]:
            self.window(dpadded, i, j)[...] += np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
        return self.crop(dpadded)


@family.wrong("border", "shifted", "other", on=plain)
class FrameForgottenInDw(Conv2d):
    """dw reads x without its frame, and wherever the window leaves the image it finds nothing."""

    def dw(self, dy: Array) -> Array:
        dw = np.zeros_like(self.params["weight"])
        inside = self.crop(self.padded)
        for i, j in self.taps():
            met = inside[:, :, i:, j:]
            rows, columns = (min(a, b) for a, b in zip(met.shape[2:], dy.shape[2:], strict=True))
            dw[:, :, i, j] = np.einsum(
                "nohw,nchw->oc", dy[:, :, :rows, :columns], met[:, :, :rows, :columns]
            )
        return dw
