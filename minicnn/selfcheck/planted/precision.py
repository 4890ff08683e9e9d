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
from minicnn.selfcheck.planted.right.linear import Linear

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
