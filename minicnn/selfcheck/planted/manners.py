"""Right code with unusual manners: what it returns, keeps, prints, shares and is given."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import ReLU, Sigmoid, Tanh
from minicnn.selfcheck.planted.right.convolution import Conv2d
from minicnn.selfcheck.planted.right.dropout import Dropout
from minicnn.selfcheck.planted.right.linear import Array, Embedding, Linear, Multiply
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss, MSELoss
from minicnn.selfcheck.planted.right.models import Network
from minicnn.selfcheck.planted.right.normalization import BatchNorm
from minicnn.selfcheck.planted.right.pooling import AvgPool2d, GlobalAvgPool2d

family = Family("manners")


def alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """For layers without settings."""
    return layer(), (np.random.default_rng(151).normal(size=(3, 4)),)


def linear(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three samples, four numbers in, two out."""
    rng = np.random.default_rng(152)
    return layer(4, 2, rng=rng), (rng.normal(size=(3, 4)),)


def with_rng(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A layer that is given a generator and nothing else."""
    return layer(rng=np.random.default_rng(153)), (np.random.default_rng(154).normal(size=(3, 4)),)


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


def features(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Five samples, three features."""
    rng = np.random.default_rng(164)
    return layer(3, rng=rng), (rng.normal(size=(5, 3)),)


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


@family.right(on=linear)
class GradsMadeAnew(Linear):
    """There is no grads before the first backward, and a new dict after each one."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        del self.grads

    def backward(self, dy: Array) -> Array:
        self.grads = {"weight": self.dw(dy), "bias": self.db(dy)}
        return self.dx(dy)


@family.right(on=linear)
class GradsInPlace(Linear):
    """The arrays in grads are made once and filled again each time, as optimizers like it."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def backward(self, dy: Array) -> Array:
        self.grads["weight"][...] = self.dw(dy)
        self.grads["bias"][...] = self.db(dy)
        return self.dx(dy)


@family.right(on=linear)
class ParamsAsProperty:
    """params and grads are put together when they are asked for; the arrays are live."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        self.w = rng.normal(size=(inputs, outputs))
        self.dw = np.zeros_like(self.w)

    @property
    def params(self) -> dict[str, Array]:
        """The parameters by name."""
        return {"w": self.w}

    @property
    def grads(self) -> dict[str, Array]:
        """Their gradients by the same names."""
        return {"w": self.dw}

    def forward(self, x: Array) -> Array:
        """Return x W."""
        self.x = x
        return x @ self.w

    def backward(self, dy: Array) -> Array:
        """Replace the gradient, return that of x."""
        self.dw = self.x.T @ dy
        return dy @ self.w.T


@family.right(on=linear)
class Slots:
    """An object without a __dict__."""

    __slots__ = ("grads", "params", "x")

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        self.params = {"weight": rng.normal(size=(inputs, outputs))}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return x W."""
        self.x = x
        return x @ self.params["weight"]

    def backward(self, dy: Array) -> Array:
        """Set the gradient, return that of x."""
        self.grads["weight"] = self.x.T @ dy
        return dy @ self.params["weight"].T


@family.right(on=with_rng)
class Lazy:
    """The weights are made by the first forward, which knows how wide x is."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.rng = rng
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return x W."""
        if not self.params:
            self.params["weight"] = self.rng.normal(size=(x.shape[1], 2))
        self.x = x
        return x @ self.params["weight"]

    def backward(self, dy: Array) -> Array:
        """Set the gradient, return that of x."""
        self.grads["weight"] = self.x.T @ dy
        return dy @ self.params["weight"].T


@family.wrong("scale", on=with_rng)
class LazyAndHalved(Lazy):
    """The weights are made by the first forward, and their gradient is halved."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.grads["weight"] = self.grads["weight"] / 2
        return dx


@family.right(on=linear)
class NeverUsed(Linear):
    """A parameter that forward does not look at: its gradient is truly zero."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng=rng)
        self.params["spare"] = rng.normal(size=3)

    def backward(self, dy: Array) -> Array:
        self.grads["spare"] = np.zeros(3)
        return super().backward(dy)


@family.wrong("missing-term", "other", on=linear)
class NeverUsedButLearned(NeverUsed):
    """A parameter that forward does not look at, with a gradient that is not zero."""

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.grads["spare"] = np.full(3, dy.sum())
        return dx


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


@family.right(on=alone)
class Chatty(Tanh):
    """It prints what it does."""

    def forward(self, x: Array) -> Array:
        print("forward", x.shape)
        return super().forward(x)

    def backward(self, dy: Array) -> Array:
        print("backward", dy.shape)
        return super().backward(dy)


@family.right(on=alone)
class Worried(Tanh):
    """It warns, and so does NumPy about log(0), the result of which is not used."""

    def forward(self, x: Array) -> Array:
        warnings.warn("this layer is old", stacklevel=2)
        np.where(x > 0, np.log(np.maximum(x, 0)), 0.0)
        return super().forward(x)


@family.right(on=alone)
class Counting(Tanh):
    """It counts its calls and keeps a diary; neither changes what it computes."""

    def __init__(self) -> None:
        self.calls = 0
        self.diary: list[float] = []

    def forward(self, x: Array) -> Array:
        self.calls += 1
        self.diary.append(float(x.mean()))
        return super().forward(x)


@family.right(on=alone)
class WithACircle(Tanh):
    """It refers to itself."""

    def __init__(self) -> None:
        self.me = self
        self.friends = [self]


@family.right(on=alone)
class WithAnIterator(Tanh):
    """It holds an open iterator, which cannot be copied."""

    def __init__(self) -> None:
        self.names: Iterator[str] = (name for name in ("a", "b"))


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


@family.right(on=with_rng)
class RandomState:
    """The old kind of generator, on the object."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.random = np.random.RandomState(7)

    def forward(self, x: Array) -> Array:
        """Draw a mask and keep it."""
        self.mask = self.random.rand(*x.shape) > 0.4
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        """Use the same mask."""
        return dy * self.mask


@family.right(on=with_rng)
class SeededEachTime:
    """Each forward makes a generator with the same seed: the same mask each time."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.seed = 5

    def forward(self, x: Array) -> Array:
        """Draw the mask of this seed."""
        self.mask = np.random.default_rng(self.seed).random(x.shape) > 0.4
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        """Use the same mask."""
        return dy * self.mask


@family.right(on=with_rng)
class GeneratorInside:
    """The generator sits in a layer, in a list, in a dict."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.inside = {"layers": [Dropout(0.4, rng=rng)]}

    def forward(self, x: Array) -> Array:
        """Run the layers."""
        for layer in self.inside["layers"]:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Run them backwards."""
        for layer in reversed(self.inside["layers"]):
            dy = layer.backward(dy)
        return dy


@family.right(on=features)
class DropoutAfterNorm(Network):
    """A generator and running statistics in one network: both must be put back between calls."""

    def __init__(self, width: int, *, rng: np.random.Generator) -> None:
        super().__init__(
            Linear(width, width, rng=rng),
            BatchNorm(width, rng=rng),
            Dropout(0.3, rng=np.random.default_rng(168)),
            Sigmoid(),
        )


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


# Pairs and functions with unusual manners.


def square_forward(x: Array) -> tuple[Array, Any]:
    """y = x^2; the cache is x itself, not in a tuple."""
    return x**2, x


@family.right(on=lambda backward: ((square_forward, backward), alone(lambda: None)[1]))
def bare_cache(dy: Array, cache: Any) -> Array:
    """The cache is a bare array."""
    return 2 * dy * cache


def dropout_forward(x: Array, dropout_param: dict[str, Any]) -> tuple[Array, Any]:
    """Draw a mask with the generator that lies among the settings."""
    mask = dropout_param["rng"].random(x.shape) > dropout_param["p"]
    return x * mask / (1 - dropout_param["p"]), (mask, dropout_param)


def dropout(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """A dict of settings with a generator in it."""
    x = np.random.default_rng(169).normal(size=(3, 4))
    return (dropout_forward, backward), (x, {"p": 0.4, "rng": np.random.default_rng(170)})


@family.right(on=dropout)
def generator_among_the_settings(dy: Array, cache: Any) -> Array:
    """The generator comes in a dict of constants."""
    mask, dropout_param = cache
    return dy * mask / (1 - dropout_param["p"])


@family.wrong("scale", on=dropout)
def settings_forgotten(dy: Array, cache: Any) -> Array:
    """The factor 1 / (1 - p) is missing."""
    return dy * cache[0]


def scale_forward(x: Array, s: Array) -> tuple[Array, Any]:
    """y = s x, with a cache in a dict."""
    return s * x, {"x": x, "s": s}


def scaled(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """An input that is one number."""
    x = np.random.default_rng(171).normal(size=(3, 4))
    return (scale_forward, backward), (x, np.array(0.7))


@family.right(on=scaled)
def gradients_as_list(dy: Array, cache: Any) -> list[Any]:
    """The gradients come in a list, one of them as a NumPy number."""
    return [dy * cache["s"], (dy * cache["x"]).sum()]


@family.right(on=lambda f: (f, regression(lambda: None)[1]))
def targets_are_floats(x: Array, y: Array) -> tuple[Any, Array]:
    """A loss and its gradient from one function, with targets that are floats."""
    d = x - y
    return (d**2).sum() / 2, d


@family.wrong("sign", on=lambda f: (f, regression(lambda: None)[1]))
def targets_are_floats_and_first(x: Array, y: Array) -> tuple[Any, Array]:
    """The gradient of the targets is returned in the place of that of the predictions."""
    d = x - y
    return (d**2).sum() / 2, -d
