"""Linear layers, and layers that only move numbers around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Linear:
    """y = x W + b, with x of shape (N, D), W of shape (D, M)."""

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        self.params = {
            "weight": rng.normal(size=(inputs, outputs)) / np.sqrt(inputs),
            "bias": rng.normal(size=outputs),
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, M)."""
        self.x = x
        return x @ self.params["weight"] + self.params["bias"]

    def backward(self, dy: Array) -> Array:
        """Set the gradients of the parameters, return that of x."""
        self.grads["weight"] = self.dw(dy)
        self.grads["bias"] = self.db(dy)
        return self.dx(dy)

    def dw(self, dy: Array) -> Array:
        """Return dL/dW = x^T dy, (D, M)."""
        return self.x.T @ dy

    def db(self, dy: Array) -> Array:
        """Return dL/db: the bias goes into every sample, (M,)."""
        return dy.sum(axis=0)

    def dx(self, dy: Array) -> Array:
        """Return dL/dx = dy W^T, (N, D)."""
        return dy @ self.params["weight"].T


class Flatten:
    """(N, C, H, W) becomes (N, C H W); y is a view of x, and dx one of dy."""

    def forward(self, x: Array) -> Array:
        """Return a view of shape (N, C H W)."""
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        """Return a view of shape (N, C, H, W)."""
        return dy.reshape(self.shape)


class Embedding:
    """y[n] = W[index[n]]: a table whose rows are looked up."""

    def __init__(self, rows: int, columns: int, *, rng: np.random.Generator) -> None:
        self.params = {"weight": rng.normal(size=(rows, columns))}
        self.grads: dict[str, Array] = {}

    def forward(self, index: Array) -> Array:
        """Return y of shape (N, D) for whole numbers of shape (N,)."""
        self.index = index
        return self.params["weight"][index]

    def backward(self, dy: Array) -> None:
        """Set the gradient of the table; whole numbers have none."""
        self.grads["weight"] = self.dw(dy)

    def dw(self, dy: Array) -> Array:
        """A row that was looked up twice gets both gradients."""
        dw = np.zeros_like(self.params["weight"])
        np.add.at(dw, self.index, dy)
        return dw


class Multiply:
    """y = a b, entry by entry: two inputs and two gradients."""

    def forward(self, a: Array, b: Array) -> Array:
        """Return a b."""
        self.a, self.b = a, b
        return a * b

    def backward(self, dy: Array) -> tuple[Array, Array]:
        """Return the gradients of a and b."""
        return dy * self.b, dy * self.a


class Concatenate:
    """y holds the columns of a, then those of b."""

    def forward(self, a: Array, b: Array) -> Array:
        """Return an array of shape (N, A + B)."""
        self.cut = a.shape[1]
        return np.concatenate([a, b], axis=1)

    def backward(self, dy: Array) -> tuple[Array, Array]:
        """Return the gradients of a and b."""
        return dy[:, : self.cut], dy[:, self.cut :]


class Roll:
    """y is x moved by one along its last axis; what falls off comes in again."""

    def forward(self, x: Array) -> Array:
        """Return an array of the shape of x."""
        return np.roll(x, 1, axis=-1)

    def backward(self, dy: Array) -> Array:
        """Move it back."""
        return np.roll(dy, -1, axis=-1)


class ZeroPad:
    """x with a frame of zeros, one wide."""

    def forward(self, x: Array) -> Array:
        """Return (N, C, H + 2, W + 2)."""
        return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))

    def backward(self, dy: Array) -> Array:
        """Take the frame off."""
        return dy[:, :, 1:-1, 1:-1]
