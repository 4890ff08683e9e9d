"""Right code that is given, or gives, arrays of an unusual kind: views, numbers, other layouts."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import ReLU, Sigmoid
from minicnn.selfcheck.planted.right.convolution import Conv2d
from minicnn.selfcheck.planted.right.linear import Array, Embedding, Linear, Multiply
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss, MSELoss
from minicnn.selfcheck.planted.right.pooling import AvgPool2d, GlobalAvgPool2d

family = Family("arrays")


def alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(), (np.random.default_rng(151).normal(size=(3, 4)),)


def linear(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(152)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


def one_sample(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A batch of one, of which a sum over the batch is a copy at most."""
    rng = np.random.default_rng(155)
    return layer(4, 2, rng=rng), (rng.normal(size=(1, 4)),)


def one_number(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """One sample of one number, in and out."""
    rng = np.random.default_rng(156)
    return layer(1, 1, rng=rng), (rng.normal(size=(1, 1)),)


def frame_only(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """The frame is so wide that the windows at the corners see nothing but frame."""
    rng = np.random.default_rng(157)
    return layer(1, 2, (2, 2), stride=2, padding=2, rng=rng), (rng.normal(size=(1, 1, 3, 3)),)


def frame_pooled(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Mean pooling over windows that lie in the frame."""
    return layer((2, 2), stride=2, padding=2), (
        np.random.default_rng(158).normal(size=(1, 2, 3, 3)),
    )


def read_only(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """x may not be written to."""
    target, (x,) = linear(layer)
    x.flags.writeable = False
    return target, (x,)


def column_by_column(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """x lies in memory column by column."""
    target, (x,) = linear(layer)
    return target, (np.asfortranarray(x),)


def every_second(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """x is every second row of a larger array, backwards."""
    target, (x,) = linear(layer)
    return target, (x.repeat(2, axis=0)[::-2],)


def same_twice(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """One array is given for both inputs: each has its own gradient all the same."""
    x = np.random.default_rng(159).normal(size=(2, 3))
    return layer(), (x, x)


def two(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Two inputs."""
    rng = np.random.default_rng(160)
    return layer(), (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))


def with_none(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """The second input is None."""
    return layer(), (np.random.default_rng(161).normal(size=(3, 4)), None)


def with_lengths(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """The second input holds whole numbers."""
    return layer(), (np.random.default_rng(162).normal(size=(3, 4)), np.array([4, 1, 2]))


def words(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Whole numbers in two dimensions."""
    return layer(5, 2, rng=np.random.default_rng(163)), (np.array([[1, 0], [4, 1]]),)


def images(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A small batch of images."""
    return layer(), (np.random.default_rng(165).normal(size=(2, 3, 2, 2)),)


def regression(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Predictions and targets."""
    rng = np.random.default_rng(166)
    return loss(), (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))


def classes(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Labels as bytes, from a file, say."""
    rng = np.random.default_rng(167)
    return loss(), (rng.normal(size=(4, 3)), np.array([2, 0, 1, 2], dtype=np.uint8))


family.right(on=one_sample, name="batch-of-one")(Linear)


family.right(on=one_number, name="one-number")(Linear)


family.right(on=frame_only, name="windows-in-the-frame")(Conv2d)


family.right(on=frame_pooled, name="means-of-the-frame")(AvgPool2d)


family.right(on=read_only, name="read-only-input")(Linear)


family.right(on=column_by_column, name="input-column-by-column")(Linear)


family.right(on=every_second, name="input-not-contiguous")(Linear)


family.right(on=same_twice, name="one-array-for-two-inputs")(Multiply)


family.right(on=classes, name="labels-as-bytes")(CrossEntropyLoss)


@family.right(on=alone)
class Identity:
    """y is x and dx is dy: the very same arrays."""

    def forward(self, x: Array) -> Array:
        """Return x itself."""
        return x

    def backward(self, dy: Array) -> Array:
        """Return dy itself."""
        return dy


@family.right(on=alone)
class IdentityWithDicts(Identity):
    """No parameters, and dicts for them all the same."""

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}


@family.wrong("sign", on=alone)
class GradientReversed(Identity):
    """The gradient changes its sign on purpose (domain adaptation): not forward's derivative."""

    def backward(self, dy: Array) -> Array:
        return -dy


@family.right(on=alone)
class Transposed:
    """y is a transposed view of x, dx one of dy."""

    def forward(self, x: Array) -> Array:
        """Return a view."""
        return x.T

    def backward(self, dy: Array) -> Array:
        """Return a view."""
        return dy.T


@family.right(on=alone)
class Reversed:
    """y and dx are views that run backwards."""

    def forward(self, x: Array) -> Array:
        """Return a view."""
        return x[:, ::-1]

    def backward(self, dy: Array) -> Array:
        """Return a view."""
        return dy[:, ::-1]


@family.right(on=linear)
class ColumnByColumn(Linear):
    """The gradients lie in memory column by column, or are views of something larger."""

    def dw(self, dy: Array) -> Array:
        return np.asfortranarray(super().dw(dy))

    def dx(self, dy: Array) -> Array:
        return np.repeat(super().dx(dy), 2, axis=1)[:, ::2]


@family.right(on=images)
class BroadcastGradient(GlobalAvgPool2d):
    """dx is a read-only view in which all pixels of a channel are one number in memory."""

    def backward(self, dy: Array) -> Array:
        pixels = self.shape[2] * self.shape[3]
        return np.broadcast_to(dy[:, :, None, None] / pixels, self.shape)


@family.right(on=alone)
class ScalarParameter:
    """y = s x with one number s: a 0-d array, and a NumPy number as its gradient."""

    def __init__(self) -> None:
        self.params = {"s": np.array(1.3)}
        self.grads: dict[str, Any] = {}

    def forward(self, x: Array) -> Array:
        """Return s x."""
        self.x = x
        return self.params["s"] * x

    def backward(self, dy: Array) -> Array:
        """The gradient of s is a sum over everything."""
        self.grads["s"] = (dy * self.x).sum()
        return dy * self.params["s"]


@family.right(on=alone)
class Total:
    """y is one number, a sum: a 0-d output of a layer that is no loss."""

    def forward(self, x: Array) -> Any:
        """Return a NumPy number."""
        self.x = x
        return (x**2).sum()

    def backward(self, dy: Any) -> Array:
        """Take a number."""
        return 2 * dy * self.x


@family.right(on=alone)
class TotalAsArray(Total):
    """y is an array with no axes."""

    def forward(self, x: Array) -> Any:
        return np.asarray(super().forward(x))


@family.right(on=two)
class ListReturned(Multiply):
    """The two gradients come in a list instead of a tuple."""

    def backward(self, dy: Array) -> Any:
        return list(super().backward(dy))


@family.right(on=with_none)
class OptionalMask:
    """A second input that may be None: a constant, with None as its gradient."""

    def forward(self, x: Array, mask: Array | None) -> Array:
        """Return x, or x times the mask."""
        self.mask = mask
        return 2 * x if mask is None else 2 * x * mask

    def backward(self, dy: Array) -> Array:
        """Return the gradient of x only."""
        return 2 * dy if self.mask is None else 2 * dy * self.mask


@family.right(on=with_lengths)
class FirstEntries:
    """The second input says how many entries of each row are kept."""

    def forward(self, x: Array, lengths: Array) -> Array:
        """Return x with zeros behind."""
        self.keep = np.arange(x.shape[1]) < lengths[:, None]
        return x * self.keep

    def backward(self, dy: Array) -> Array:
        """Return the gradient of x only."""
        return dy * self.keep


@family.wrong("mask", on=with_lengths)
class FirstEntriesAndOneMore(FirstEntries):
    """Backward keeps one entry more than forward did: <= for <."""

    def backward(self, dy: Array) -> Array:
        more = np.roll(self.keep, 1, axis=1)
        more[:, 0] = True
        return dy * more


@family.right(on=words)
class Words(Embedding):
    """Whole numbers of shape (N, T), and None in the place of dx."""


@family.right(on=alone)
class CumulativeSum:
    """y[k] is the sum of x[0] to x[k]: every output is another sum."""

    def forward(self, x: Array) -> Array:
        """Return the sums along the rows."""
        return x.cumsum(axis=1)

    def backward(self, dy: Array) -> Array:
        """x[k] is in all sums from k on."""
        return dy[:, ::-1].cumsum(axis=1)[:, ::-1]


@family.wrong("flipped", "other", "wrong-axis", "transposed", on=alone)
class CumulativeSumForwards(CumulativeSum):
    """dx sums dy from the start; the sums run from the end."""

    def backward(self, dy: Array) -> Array:
        return dy.cumsum(axis=1)


@family.right(on=alone)
class FirstTwoColumns:
    """Most of x is not used, and gets zeros."""

    def forward(self, x: Array) -> Array:
        """Return a view."""
        self.shape = x.shape
        return x[:, :2]

    def backward(self, dy: Array) -> Array:
        """Put zeros where nothing was read."""
        dx = np.zeros(self.shape)
        dx[:, :2] = dy
        return dx


@family.right(on=alone)
class Sorted:
    """y is x in order: a permutation that depends on x."""

    def forward(self, x: Array) -> Array:
        """Return sorted rows."""
        self.order = x.argsort(axis=1)
        return np.sort(x, axis=1)

    def backward(self, dy: Array) -> Array:
        """Send each dy to where its number came from."""
        dx = np.empty_like(dy)
        np.put_along_axis(dx, self.order, dy, axis=1)
        return dx


@family.wrong("swapped", "other", on=alone)
class SortedTheWrongWayBack(Sorted):
    """dx takes dy in the order of the sorting; it must be put into that order."""

    def backward(self, dy: Array) -> Array:
        return np.take_along_axis(dy, self.order, axis=1)


@family.right(on=regression)
class LossAsNumpyNumber(MSELoss):
    """The loss is a NumPy number, not a Python float."""

    def forward(self, y: Array, target: Array) -> Any:
        return np.float64(super().forward(y, target))


@family.right(on=regression)
class LossAsArray(MSELoss):
    """The loss is an array with no axes."""

    def forward(self, y: Array, target: Array) -> Any:
        return np.asarray(super().forward(y, target))


@family.right(on=alone)
class OutputIsTheCache(Sigmoid):
    """y is handed out and kept for backward: one array, which nobody changes."""


@family.right(on=alone)
class MaskInPlace(ReLU):
    """It works in place on arrays of its own."""

    def forward(self, x: Array) -> Array:
        self.x = x
        y = x.copy()
        y[y < 0] = 0
        return y

    def backward(self, dy: Array) -> Array:
        dx = dy.copy()
        dx *= self.x > 0
        return dx
