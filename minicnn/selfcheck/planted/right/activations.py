"""Functions that act on each number by itself, and softmax, which does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

erf = np.vectorize(math.erf, otypes=[np.float64])


class Activation:
    """y = f(x) for each entry; backward multiplies dy by the slope f'(x)."""

    def forward(self, x: Array) -> Array:
        """Keep x and y, return y."""
        self.x = x
        self.y = self.f(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dy f'(x)."""
        return dy * self.slope()

    def f(self, x: Array) -> Array:
        """Return the function's value."""
        raise NotImplementedError

    def slope(self) -> Array:
        """Return the function's slope at the x of the last forward."""
        raise NotImplementedError


class ReLU(Activation):
    """y = max(x, 0), with the slope 0 at 0."""

    def f(self, x: Array) -> Array:
        """Return max(x, 0)."""
        return np.maximum(x, 0)

    def slope(self) -> Array:
        """Return 1 where x is positive."""
        return (self.x > 0).astype(self.x.dtype)


class LeakyReLU(Activation):
    """y = x where x is positive, 0.1 x elsewhere."""

    def f(self, x: Array) -> Array:
        """Return x or 0.1 x."""
        return np.where(x > 0, x, 0.1 * x)

    def slope(self) -> Array:
        """Return 1 or 0.1."""
        return np.where(self.x > 0, 1.0, 0.1)


class PReLU:
    """y = x where x is positive, a[c] x elsewhere; the slopes a are learned, one per channel."""

    def __init__(self, channels: int, *, rng: np.random.Generator) -> None:
        self.params = {"slope": rng.uniform(0.1, 0.4, size=channels)}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Take x of shape (N, C)."""
        self.x = x
        return np.where(x > 0, x, self.params["slope"] * x)

    def backward(self, dy: Array) -> Array:
        """Set the gradient of the slopes, return that of x."""
        self.grads["slope"] = self.dslope(dy)
        return dy * np.where(self.x > 0, 1.0, self.params["slope"])

    def dslope(self, dy: Array) -> Array:
        """The slope of a channel matters where x is negative."""
        return (dy * np.minimum(self.x, 0)).sum(axis=0)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x))."""

    def f(self, x: Array) -> Array:
        """Return 1 / (1 + exp(-x))."""
        return 1 / (1 + np.exp(-x))

    def slope(self) -> Array:
        """Return y (1 - y)."""
        return self.y * (1 - self.y)


class Tanh(Activation):
    """y = tanh x."""

    def f(self, x: Array) -> Array:
        """Return tanh x."""
        return np.tanh(x)

    def slope(self) -> Array:
        """Return 1 - y^2."""
        return 1 - self.y**2


class GELU(Activation):
    """y = x P(x), where P is the normal distribution's: (1 + erf(x / sqrt 2)) / 2."""

    def f(self, x: Array) -> Array:
        """Return x P(x)."""
        return x * (1 + erf(x / math.sqrt(2))) / 2

    def slope(self) -> Array:
        """Return P(x) + x p(x), with the density p = P'."""
        x = self.x
        return (1 + erf(x / math.sqrt(2))) / 2 + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


class SiLU(Activation):
    """y = x s(x) with the sigmoid s."""

    def f(self, x: Array) -> Array:
        """Return x s(x)."""
        self.s = 1 / (1 + np.exp(-x))
        return x * self.s

    def slope(self) -> Array:
        """Return s + x s (1 - s)."""
        return self.s + self.x * self.s * (1 - self.s)


class ELU(Activation):
    """y = x where x is positive, a (exp(x) - 1) elsewhere, with a = 0.7."""

    a = 0.7

    def f(self, x: Array) -> Array:
        """Return x or a (exp(x) - 1)."""
        return np.where(x > 0, x, self.a * (np.exp(np.minimum(x, 0)) - 1))

    def slope(self) -> Array:
        """Return 1 or a exp(x), which is y + a."""
        return np.where(self.x > 0, 1.0, self.y + self.a)


class Softplus(Activation):
    """y = log(1 + exp x)."""

    def f(self, x: Array) -> Array:
        """Return log(1 + exp x)."""
        return np.logaddexp(x, 0)

    def slope(self) -> Array:
        """Return the sigmoid of x."""
        return 1 / (1 + np.exp(-self.x))


class Hardtanh(Activation):
    """y = x between -1 and 1, and the nearer of the two outside."""

    def f(self, x: Array) -> Array:
        """Return x cut to [-1, 1]."""
        return np.clip(x, -1, 1)

    def slope(self) -> Array:
        """Return 1 inside, 0 outside."""
        return (np.abs(self.x) < 1).astype(np.float64)


class Softmax:
    """y[n,k] = exp x[n,k] / sum over k of exp x[n,k]."""

    def forward(self, x: Array) -> Array:
        """Return probabilities that add up to 1 in each row."""
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return y (dy - sum over k of dy y): every output depends on every score."""
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))


class LogSoftmax:
    """y[n,k] = x[n,k] - log of the sum over k of exp x[n,k]."""

    def forward(self, x: Array) -> Array:
        """Return logarithms of probabilities."""
        shifted = x - x.max(axis=1, keepdims=True)
        self.y = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dy - p (sum over k of dy)."""
        return dy - np.exp(self.y) * dy.sum(axis=1, keepdims=True)
