"""Single precision: right code with seven digits, and mistakes that hide behind the rounding."""

# ruff: noqa: D102 - a method that is overridden is described by its class

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.activations import (
    Array,
    Sigmoid,
    Tanh,
)
from minicnn.selfcheck.planted.right.convolution import Conv2d
from minicnn.selfcheck.planted.right.linear import Linear
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss
from minicnn.selfcheck.planted.right.normalization import BatchNorm

family = Family("precision")


def times(factor: float) -> Any:
    """x of a certain size."""

    def setting(layer: Any) -> tuple[Any, tuple[Any, ...]]:
        return layer(), (factor * np.random.default_rng(131).normal(size=(3, 4)),)

    setting.__doc__ = f"Numbers of about {factor:g}."
    return setting


def small(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A linear layer like any other."""
    rng = np.random.default_rng(143)
    return layer(4, 3, rng=rng), (rng.normal(size=(3, 4)),)


def single(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Everything is float32: input, parameters, output, gradients."""
    target, (x,) = small(layer)
    for name in target.params:
        target.params[name] = target.params[name].astype(np.float32)
    return target, (x.astype(np.float32),)


def single_alone(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A float32 input for a layer without parameters."""
    return layer(), (np.random.default_rng(144).normal(size=(3, 4)).astype(np.float32),)


family.right(on=single, name="all-in-single-precision")(Linear)


family.right(on=single_alone, name="sigmoid-in-single-precision")(Sigmoid)


@family.right(on=small)
class SingleInside(Linear):
    """All products are computed in float32 and returned as float64: seven digits."""

    def forward(self, x: Array) -> Array:
        self.x = x.astype(np.float32)
        w, b = (self.params[name].astype(np.float32) for name in ("weight", "bias"))
        return (self.x @ w + b).astype(np.float64)

    def dw(self, dy: Array) -> Array:
        return (self.x.T @ dy.astype(np.float32)).astype(np.float64)

    def dx(self, dy: Array) -> Array:
        w = self.params["weight"].astype(np.float32)
        return (dy.astype(np.float32) @ w.T).astype(np.float64)


@family.right(on=small)
class SingleBackward(Linear):
    """Forward is exact, and backward computes in float32."""

    def dw(self, dy: Array) -> Array:
        return (self.x.astype(np.float32).T @ dy.astype(np.float32)).astype(np.float64)


@family.right(on=times(1.0))
class SingleTanh(Tanh):
    """A curve in float32: differences are rough, and all there is."""

    def f(self, x: Array) -> Array:
        return np.tanh(x.astype(np.float32)).astype(np.float64)


@family.wrong("scale", on=small)
class SingleInsideAndScaled(SingleInside):
    """Computed in float32, and 2 % too large besides."""

    def dw(self, dy: Array) -> Array:
        return 1.02 * super().dw(dy)


@family.wrong("scale", on=single)
class SingleDividedByTheBatch(Linear):
    """All in float32, and dw divided by N."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy) / len(dy)


@family.wrong("dtype", on=single)
class DoubleGradient(Linear):
    """All in float32, and dw comes out as float64."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy).astype(np.float64)


def single_image(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """A convolution all in float32."""
    rng = np.random.default_rng(172)
    target = layer(2, 2, (3, 3), padding=1, rng=rng)
    for name in target.params:
        target.params[name] = target.params[name].astype(np.float32)
    return target, (rng.normal(size=(2, 2, 4, 4)).astype(np.float32),)


def single_scores(loss: Any) -> tuple[Any, tuple[Any, ...]]:
    """Scores in float32."""
    scores = np.random.default_rng(173).normal(size=(4, 3)).astype(np.float32)
    return loss(), (scores, np.array([2, 0, 1, 2]))


def long_rows(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Rows of 400 numbers."""
    return layer(), (np.random.default_rng(174).normal(size=(2, 400)),)


def features(layer: Any) -> tuple[Any, tuple[Any, ...]]:
    """Five samples, three features."""
    rng = np.random.default_rng(175)
    return layer(3, rng=rng), (rng.normal(size=(5, 3)),)


class SingleConv2d(Conv2d):
    """Convolution in float32, whose sums have seven digits."""

    def forward(self, x: Array) -> Array:
        return super().forward(x).astype(np.float32)

    def dx(self, dy: Array) -> Array:
        return super().dx(dy).astype(np.float32)


family.right(on=single_image)(SingleConv2d)


@family.wrong("flipped", on=single_image)
class SingleConv2dTurned(SingleConv2d):
    """All in float32, and dw turned around."""

    def dw(self, dy: Array) -> Array:
        return super().dw(dy)[:, :, ::-1, ::-1]


@family.right(on=single_scores)
class SingleCrossEntropy(CrossEntropyLoss):
    """The loss is a float, and the gradient has the dtype of the scores."""

    def backward(self, dy: float = 1.0) -> Array:
        return super().backward(dy).astype(self.p.dtype)


@family.wrong("sign", on=single_scores)
class SingleCrossEntropyNegated(SingleCrossEntropy):
    """All in float32, with the wrong sign."""

    def backward(self, dy: float = 1.0) -> Array:
        return -super().backward(dy)


@family.right(on=long_rows)
class SingleMean:
    """The mean of 400 numbers, summed in float32: each of them hardly moves it."""

    def forward(self, x: Array) -> Array:
        """Return an array of shape (N,)."""
        self.shape = x.shape
        return x.astype(np.float32).mean(axis=1).astype(np.float64)

    def backward(self, dy: Array) -> Array:
        """Return equal parts."""
        return np.repeat(dy[:, None] / self.shape[1], self.shape[1], axis=1)


@family.wrong("scale", on=long_rows)
class SingleMeanNotDivided(SingleMean):
    """The gradient of a sum."""

    def backward(self, dy: Array) -> Array:
        return super().backward(dy) * self.shape[1]


@family.right(on=features)
class SingleNorm(BatchNorm):
    """Batch normalization in float32 inside, for float64."""

    def forward(self, x: Array) -> Array:
        return super().forward(x.astype(np.float32)).astype(np.float64)


@family.wrong("missing-term", on=features)
class SingleNormMeanForgotten(SingleNorm):
    """In float32 inside, and the way through the mean is missing."""

    def dx(self, dy: Array) -> Array:
        dxhat = dy * self.params["gamma"]
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=0)
        return (dxhat - through_var) / self.std
