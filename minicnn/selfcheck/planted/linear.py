"""Mistakes in linear layers, and in layers that only move numbers around."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.linear import (
    Array,
    Concatenate,
    Embedding,
    Flatten,
    Linear,
    Multiply,
    Roll,
    ZeroPad,
)

family = Family("linear")


def plain(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(21)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


def square(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """As many samples as inputs and outputs, so that every shape fits."""
    rng = np.random.default_rng(22)
    return layer(3, 3, rng=rng), (rng.normal(size=(3, 3)),)


def alone(*shape: int) -> Any:
    """For layers without parameters: the setting with x of a shape."""
    return lambda layer: (layer(), (np.random.default_rng(23).normal(size=shape),))


def two(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two inputs of the same shape."""
    rng = np.random.default_rng(24)
    return layer(), (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))


def words(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Row 1 is looked up three times, row 3 never."""
    return layer(4, 2, rng=np.random.default_rng(25)), (np.array([1, 0, 1, 2, 1]),)


for setting in (plain, square):
    family.right(on=setting, name=f"right-{setting.__name__}")(Linear)
for case, shape in ((Flatten, (2, 2, 3, 2)), (Roll, (2, 4)), (ZeroPad, (2, 2, 2, 3))):
    family.right(on=alone(*shape))(case)
family.right(on=words)(Embedding)
family.right(on=two)(Multiply)
family.right(on=two)(Concatenate)


@family.wrong("transposed", on=square)
class WeightGradientTransposed(Linear):
    """dw = dy^T x: the shape (out, in) of another convention, which fits a square matrix."""

    def dw(self, dy: Array) -> Array:
        return dy.T @ self.x


@family.wrong("transposed", on=square)
class WeightNotTransposed(Linear):
    """dx = dy W where dx = dy W^T should stand."""

    def dx(self, dy: Array) -> Array:
        return dy @ self.params["weight"]


@family.wrong("wrong-axis", on=square)
class BiasOverTheOutputs(Linear):
    """db sums over the outputs; it should sum over the samples."""

    def db(self, dy: Array) -> Array:
        return dy.sum(axis=1)


@family.wrong("scale", on=plain)
class BiasGradientIsAMean(Linear):
    """db = mean of dy; the bias goes into every sample, so their gradients add up."""

    def db(self, dy: Array) -> Array:
        return dy.mean(axis=0)


@family.wrong("partial-batch", on=plain)
class FirstSampleOnly(Linear):
    """dw is the outer product of the first sample with its dy: written for one, used for many."""

    def dw(self, dy: Array) -> Array:
        return np.outer(self.x[0], dy[0])


@family.wrong("partial-batch", on=plain)
class LastSampleMissing(Linear):
    """The loop over the samples ends one early: range(N - 1)."""

    def dw(self, dy: Array) -> Array:
        return self.x[:-1].T @ dy[:-1]


@family.wrong("scale", on=plain)
class DividedByTheBatch(Linear):
    """dw is divided by N, which the loss has done already."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy) / len(dy)


@family.wrong("scale", on=plain)
class HalfTheGradient(Linear):
    """A stray factor of one half."""

    def dw(self, dy: Array) -> Array:
        return 0.5 * super().dw(dy)


@family.wrong("sign", on=plain)
class InputGradientNegated(Linear):
    """dx has the wrong sign, and the layers below learn to make things worse."""

    def dx(self, dy: Array) -> Array:
        return -super().dx(dy)


@family.wrong("zero", on=plain)
class WeightGradientNeverFilled(Linear):
    """grads was set up with zeros, and dw was computed into a variable of its own."""

    def dw(self, dy: Array) -> Array:
        return np.zeros_like(self.params["weight"])


@family.wrong("ignores-dy", on=plain)
class BiasGradientCountsSamples(Linear):
    """db is the number of samples: right only if every dy is one."""

    def db(self, dy: Array) -> Array:
        return np.full(dy.shape[1], float(len(dy)))


@family.wrong("missing-term", "other", "transposed", on=square)
class WeightsSkippedInDx(Linear):
    """dx = dy: the way back through the weights was forgotten."""

    def dx(self, dy: Array) -> Array:
        return dy.copy()


@family.wrong("ignores-dy", "other", on=square)
class InputGradientIsTheWeights(Linear):
    """dx = W^T, the derivative of y by x, not multiplied by dy: the chain rule's first half."""

    def dx(self, dy: Array) -> Array:
        return self.params["weight"].T.copy()


@family.wrong("other", "transposed", "missing-term", on=plain)
class WeightGradientFromTheOutput(Linear):
    """dw uses the outputs in the place of dy."""

    def forward(self, x: Array) -> Array:
        self.y = super().forward(x)
        return self.y

    def dw(self, dy: Array) -> Array:
        return self.x.T @ (dy * self.y)


@family.wrong("transposed", "swapped", "other", on=alone(2, 2, 3, 2))
class FlattenedInAnotherOrder(Flatten):
    """dx is put together column by column (order="F"), y was taken apart row by row."""

    def backward(self, dy: Array) -> Array:
        n, c, h, w = self.shape
        return dy.reshape(n, w, h, c).transpose(0, 3, 2, 1)


@family.wrong("transposed", on=alone(2, 2, 3, 3))
class ImagesTransposedByFlatten(Flatten):
    """Rows and columns change places in dx; the images are square, so the shape is right."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy).swapaxes(2, 3)


@family.wrong("swapped", "transposed", "other", on=alone(2, 2, 3, 2))
class ChannelsLastInFlatten(Flatten):
    """dy is reshaped as (N, H, W, C) and the channels moved forward; y was (N, C, H, W)."""

    def backward(self, dy: Array) -> Array:
        n, c, h, w = self.shape
        return dy.reshape(n, h, w, c).transpose(0, 3, 1, 2)


@family.wrong("overlap", on=words)
class RepeatedWordsCountOnce(Embedding):
    """dw[index] += dy adds once for an index that occurs three times; np.add.at adds each time."""

    def dw(self, dy: Array) -> Array:
        dw = np.zeros_like(self.params["weight"])
        dw[self.index] += dy
        return dw


@family.wrong("swapped", on=two)
class FactorsExchanged(Multiply):
    """The gradient of a contains a, and that of b contains b: (dy a, dy b)."""

    def backward(self, dy: Array) -> tuple[Array, Array]:
        return dy * self.a, dy * self.b


@family.wrong("swapped", on=two)
class PartsExchanged(Concatenate):
    """The first part of dy goes to the second input."""

    def backward(self, dy: Array) -> tuple[Array, Array]:
        first, second = super().backward(dy)
        return second, first


@family.wrong("shifted", on=alone(2, 5))
class RolledOnInsteadOfBack(Roll):
    """dy is moved on in the direction of forward; it must be moved back."""

    def backward(self, dy: Array) -> Array:
        return np.roll(dy, 1, axis=-1)


@family.wrong("shifted", "border", on=alone(2, 2, 3, 3))
class FrameTakenOffAtTheStart(ZeroPad):
    """Two rows and columns are cut off at the end and none at the start."""

    def backward(self, dy: Array) -> Array:
        return dy[:, :, :-2, :-2]


@family.wrong("flipped", on=alone(2, 5))
class ReversedOnTheWayBack(Roll):
    """dy comes back in reverse order."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy)[:, ::-1]


@family.wrong("swapped", "shifted", "other", on=plain)
class SamplesExchanged(Linear):
    """The samples were shuffled in between: dx of one sample belongs to another."""

    def dx(self, dy: Array) -> Array:
        return super().dx(dy)[[1, 0, 2]]


@family.wrong("missing-term", "zero", "other", on=two)
class SecondFactorTreatedAsConstant(Multiply):
    """y = a b was differentiated by a alone; the gradient of b was set to zero."""

    def backward(self, dy: Array) -> tuple[Array, Array]:
        return dy * self.b, np.zeros_like(self.b)
