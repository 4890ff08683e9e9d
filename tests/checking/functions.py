"""Functions with their right derivative as pairs, and ways to spoil a gradient in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.checking.plain import Array

Pair = tuple[Callable[..., Any], Callable[..., Any]]
Spoil = Callable[[Array], Any]


def pointwise(f: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Pair:
    """y = f(x), entry by entry."""
    return lambda x: (f(x), x), lambda dy, x: dy * slope(x)


def reciprocal(x: Array) -> Array:
    return 1 / x


RECIPROCAL = pointwise(reciprocal, lambda x: -1 / x**2)
SIN = pointwise(np.sin, np.cos)
SQUARE = pointwise(np.square, lambda x: 2 * x)
TANH = pointwise(np.tanh, lambda x: 1 - np.tanh(x) ** 2)


def spoilt(pair: Pair, spoil: Spoil, which: int = 0) -> Pair:
    """Change one of the gradients of a pair in place."""
    forward, backward = pair

    def wrong(dy: Array, cache: Any) -> Any:
        gradients = backward(dy, cache)
        spoil(gradients[which] if isinstance(gradients, tuple) else gradients)
        return gradients

    return forward, wrong


def times(value: float, *index: Any) -> Spoil:
    """Multiply one entry, or several."""

    def spoil(gradient: Array) -> None:
        gradient[index] *= value

    return spoil


def swap(one: Any, other: Any) -> Spoil:
    """Exchange two entries."""

    def spoil(gradient: Array) -> None:
        gradient[one], gradient[other] = gradient[other], gradient[one]

    return spoil


def affine(x: Array, w: Array, b: Array) -> tuple[Array, Any]:
    return x @ w + b, (x, w)


def affine_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


AFFINE = affine, affine_backward


def normalization(axis: Any = -1, eps: float = 1e-5) -> Pair:
    """y = g (x - mean) / sigma, mean and sigma over an axis."""

    def forward(x: Array, g: Array) -> tuple[Array, Any]:
        sigma = np.sqrt(x.var(axis=axis, keepdims=True) + eps)
        xhat = (x - x.mean(axis=axis, keepdims=True)) / sigma
        return g * xhat, (xhat, sigma, g)

    def backward(dy: Array, cache: Any) -> tuple[Array, Array]:
        xhat, sigma, g = cache
        dxhat = dy * g
        dx = dxhat - dxhat.mean(axis=axis, keepdims=True)
        dx -= xhat * (dxhat * xhat).mean(axis=axis, keepdims=True)
        return dx / sigma, (dy * xhat).sum(axis=0)

    return forward, backward


def rms_normalization(eps: float = 1e-8) -> Pair:
    """y = x / r, r the root of the mean square of a row."""

    def forward(x: Array) -> tuple[Array, Any]:
        r = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
        return x / r, (x / r, r)

    def backward(dy: Array, cache: Any) -> Array:
        y, r = cache
        return (dy - y * (dy * y).mean(axis=-1, keepdims=True)) / r

    return forward, backward


def unit_rows(x: Array) -> tuple[Array, Any]:
    r = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / r, (x / r, r)


def unit_rows_backward(dy: Array, cache: Any) -> Array:
    y, r = cache
    return (dy - y * (dy * y).sum(axis=-1, keepdims=True)) / r


UNIT_ROWS = unit_rows, unit_rows_backward


def softmax(temperature: float = 1.0) -> Pair:
    def forward(x: Array) -> tuple[Array, Array]:
        z = x / temperature
        p = np.exp(z - z.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        return p, p

    def backward(dy: Array, p: Array) -> Array:
        return p * (dy - (dy * p).sum(axis=-1, keepdims=True)) / temperature

    return forward, backward


def cross_entropy(scores: Array, labels: Array) -> tuple[float, Array]:
    z = scores - scores.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(z))
    d = np.exp(log_p)
    # d[label] - 1 would lose all digits of a sure right answer.
    d[rows, labels] = 0
    d[rows, labels] = -d.sum(axis=1)
    return -log_p[rows, labels].mean(), d / len(z)
