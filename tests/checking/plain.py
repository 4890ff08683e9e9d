"""Small layers written as a student would, right ones; tests break one thing at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


class Linear:
    """y = x w + b."""

    def __init__(self, inputs: int = 4, outputs: int = 3, dtype: Any = np.float64) -> None:
        self.params = {
            "w": normal(inputs, outputs, seed=1).astype(dtype),
            "b": normal(outputs, seed=2).astype(dtype),
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, dy: Array) -> Array:
        self.grads["w"] = self.x.T @ dy
        self.grads["b"] = dy.sum(axis=0)
        return dy @ self.params["w"].T


class ReLU:
    """y = max(x, 0); its slope at 0 is a matter of choice."""

    def __init__(self, at_zero: float = 0.0) -> None:
        self.at_zero = at_zero

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dy: Array) -> Array:
        return dy * np.where(self.x > 0, 1, np.where(self.x == 0, self.at_zero, 0))


class Tanh:
    """y = tanh x."""

    def forward(self, x: Array) -> Array:
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (1 - self.y**2)


class Dropout:
    """Half of the numbers, doubled."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(7)

    def forward(self, x: Array) -> Array:
        self.mask = 2.0 * (self.rng.random(x.shape) < 0.5)
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class Pool:
    """The maximum of windows of two by two; a tie goes to all, is split, or goes to the first."""

    def __init__(self, ties: str) -> None:
        self.ties = ties

    def forward(self, x: Array) -> Array:
        n, c, h, w = x.shape
        windows = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        self.windows = windows.reshape(n, c, h // 2, w // 2, 4)
        self.shape = x.shape
        return self.windows.max(axis=-1)

    def backward(self, dy: Array) -> Array:
        best = (self.windows == self.windows.max(axis=-1, keepdims=True)).astype(float)
        if self.ties == "split":
            best /= best.sum(axis=-1, keepdims=True)
        if self.ties == "first":
            best = np.eye(4)[self.windows.argmax(axis=-1)]
        n, c, h, w = self.shape
        spread = (best * dy[..., None]).reshape(n, c, h // 2, w // 2, 2, 2)
        return spread.transpose(0, 1, 2, 4, 3, 5).reshape(self.shape)


class Net:
    """Layers in a row, their parameters by number."""

    def __init__(self, *layers: Any) -> None:
        self.layers = list(layers)

    def _collect(self, attribute: str) -> dict[str, Array]:
        return {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            for name, array in getattr(layer, attribute, {}).items()
        }

    @property
    def params(self) -> dict[str, Array]:
        return self._collect("params")

    @property
    def grads(self) -> dict[str, Array]:
        return self._collect("grads")

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


def changed(base: type, **methods: Any) -> Any:
    """Return an instance of a class with some methods replaced."""
    return type(f"Wrong{base.__name__}", (base,), methods)()
