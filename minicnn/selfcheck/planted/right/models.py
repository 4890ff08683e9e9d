"""Small networks, and a network with its loss and penalty in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.selfcheck.planted.right.activations import Tanh
from minicnn.selfcheck.planted.right.linear import Array, Linear
from minicnn.selfcheck.planted.right.losses import CrossEntropyLoss


class Network:
    """Layers in a row; parameters are named by the number of their layer."""

    def __init__(self, *layers: Any) -> None:
        self.layers = layers
        self.params = {
            f"{i}.{name}": array
            for i, layer in enumerate(layers)
            for name, array in getattr(layer, "params", {}).items()
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Run the layers, first to last."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Run them backwards, last to first, and collect their gradients."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        self.collect()
        return dy

    def collect(self) -> None:
        """Put the gradients of the layers where the network's are looked for."""
        for i, layer in enumerate(self.layers):
            for name, grad in getattr(layer, "grads", {}).items():
                self.grads[f"{i}.{name}"] = grad


class Residual:
    """y = x + main(x)."""

    def __init__(self, width: int, *, rng: np.random.Generator) -> None:
        self.main = Network(Linear(width, width, rng=rng), Tanh())
        self.params, self.grads = self.main.params, self.main.grads

    def forward(self, x: Array) -> Array:
        """Return x + main(x)."""
        return x + self.main.forward(x)

    def backward(self, dy: Array) -> Array:
        """x acts in two ways: their gradients add up."""
        return dy + self.main.backward(dy)


class TwoHeads:
    """Two linear layers read the same x; y holds both their outputs."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.heads = [Linear(3, 2, rng=rng), Linear(3, 2, rng=rng)]
        self.params = {
            f"{i}.{name}": array
            for i, head in enumerate(self.heads)
            for name, array in head.params.items()
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return an array of shape (N, 4)."""
        return np.concatenate([head.forward(x) for head in self.heads], axis=1)

    def backward(self, dy: Array) -> Array:
        """Add up what comes back from the heads."""
        parts = [head.backward(part) for head, part in zip(self.heads, self.split(dy), strict=True)]
        for i, head in enumerate(self.heads):
            for name, grad in head.grads.items():
                self.grads[f"{i}.{name}"] = grad
        return self.join(parts)

    def split(self, dy: Array) -> list[Array]:
        """Return the parts of dy that belong to the heads."""
        return [dy[:, :2], dy[:, 2:]]

    def join(self, parts: list[Array]) -> Array:
        """Return the gradient of x from those of the heads."""
        return parts[0] + parts[1]


class TiedAutoencoder:
    """y = tanh(x W) W^T: one matrix, used twice."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.params = {"weight": rng.normal(size=(4, 2))}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return an array of the shape of x."""
        self.x = x
        self.h = np.tanh(x @ self.params["weight"])
        return self.h @ self.params["weight"].T

    def backward(self, dy: Array) -> Array:
        """Both uses of the matrix give a gradient: they add up."""
        self.da = dy @ self.params["weight"] * (1 - self.h**2)
        self.grads["weight"] = self.encoder() + self.decoder(dy)
        return self.da @ self.params["weight"].T

    def encoder(self) -> Array:
        """Return the gradient from the first use."""
        return self.x.T @ self.da

    def decoder(self, dy: Array) -> Array:
        """Return the gradient from the second use."""
        return dy.T @ self.h


class Recurrent:
    """h_t = tanh(x_t U + h_{t-1} V); y is the last h. x has the shape (N, T, D)."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.params = {"U": rng.normal(size=(2, 3)), "V": rng.normal(size=(3, 3))}
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return the state after the last step, (N, 3)."""
        self.x = x
        self.h = [np.zeros((len(x), 3))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t] @ self.params["U"] + self.h[-1] @ self.params["V"]))
        return self.h[-1]

    def backward(self, dy: Array) -> Array:
        """Go back through the steps; each one uses the same two matrices."""
        self.grads.update({name: np.zeros_like(array) for name, array in self.params.items()})
        dx = np.zeros_like(self.x)
        for t in self.steps():
            da = dy * (1 - self.h[t + 1] ** 2)
            self.grads["U"] += self.x[:, t].T @ da
            self.grads["V"] += self.h[t].T @ da
            dx[:, t] = da @ self.params["U"].T
            dy = self.before(da)
        return dx

    def steps(self) -> list[int]:
        """Return the steps in the order of backward."""
        return list(range(self.x.shape[1]))[::-1]

    def before(self, da: Array) -> Array:
        """Return the gradient of the state before."""
        return da @ self.params["V"].T


class Classifier:
    """A network with its loss and a penalty: forward(x, target) is a number.

    loss = cross-entropy + lam / 2 times the sum of the squared weights, biases left out.
    """

    lam = 0.3

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.network = Network(Linear(4, 3, rng=rng), Tanh(), Linear(3, 3, rng=rng))
        self.loss = CrossEntropyLoss()
        self.params, self.grads = self.network.params, self.network.grads

    def weights(self) -> dict[str, Array]:
        """Return the parameters that are penalized: matrices, no biases."""
        return {name: array for name, array in self.params.items() if array.ndim > 1}

    def penalty(self) -> float:
        """Return what is added to the loss."""
        return self.lam / 2 * sum(float((w**2).sum()) for w in self.weights().values())

    def slope(self, w: Array) -> Array:
        """Return the gradient of the penalty."""
        return self.lam * w

    def forward(self, x: Array, target: Array) -> float:
        """Return the loss with its penalty."""
        return self.loss.forward(self.network.forward(x), target) + self.penalty()

    def backward(self, dy: float = 1.0) -> Array:
        """Set all gradients, return that of x."""
        dx = self.network.backward(self.loss.backward(dy))
        for name, w in self.weights().items():
            self.grads[name] = self.grads[name] + dy * self.slope(w)
        return dx
