"""Normalization: over the batch, over the features, over groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Norm:
    """y = gamma xhat + beta, xhat = (x - mean) / sqrt(var + eps), x of shape (N, D).

    The mean and the variance go over ``axis``: 0 is batch, 1 is layer normalization.
    """

    axis = 0

    def __init__(self, features: int, *, eps: float = 1e-5, rng: np.random.Generator) -> None:
        self.eps = eps
        self.params = {
            "gamma": rng.uniform(0.5, 1.5, size=features),
            "beta": rng.normal(size=features),
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return an array of the shape of x."""
        self.x = x
        self.mean = x.mean(axis=self.axis, keepdims=True)
        self.var = x.var(axis=self.axis, keepdims=True)
        self.std = np.sqrt(self.var + self.eps)
        self.xhat = (x - self.mean) / self.std
        return self.params["gamma"] * self.xhat + self.params["beta"]

    def backward(self, dy: Array) -> Array:
        """Set the gradients of gamma and beta, return that of x."""
        self.grads["gamma"] = self.dgamma(dy)
        self.grads["beta"] = self.dbeta(dy)
        return self.dx(dy)

    def dgamma(self, dy: Array) -> Array:
        """Return the sum over the samples of dy xhat."""
        return (dy * self.xhat).sum(axis=0)

    def dbeta(self, dy: Array) -> Array:
        """Return the sum over the samples of dy."""
        return dy.sum(axis=0)

    def dx(self, dy: Array) -> Array:
        """x acts directly, through the mean and through the variance: three terms."""
        dxhat = dy * self.params["gamma"]
        through_mean = dxhat.mean(axis=self.axis, keepdims=True)
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=self.axis, keepdims=True)
        return (dxhat - through_mean - through_var) / self.std


class BatchNorm(Norm):
    """Statistics of the batch in training, running ones in evaluation."""

    momentum = 0.1

    def __init__(self, features: int, *, eps: float = 1e-5, rng: np.random.Generator) -> None:
        super().__init__(features, eps=eps, rng=rng)
        self.training = True
        self.running_mean = rng.normal(size=features)
        self.running_var = rng.uniform(0.5, 1.5, size=features)

    def forward(self, x: Array) -> Array:
        """In training, move the running statistics a little; in evaluation, use them."""
        if self.training:
            y = super().forward(x)
            unbiased = self.var[0] * len(x) / (len(x) - 1)
            self.running_mean += self.momentum * (self.mean[0] - self.running_mean)
            self.running_var += self.momentum * (unbiased - self.running_var)
            return y
        self.std = np.sqrt(self.running_var + self.eps)
        self.xhat = (x - self.running_mean) / self.std
        return self.params["gamma"] * self.xhat + self.params["beta"]

    def dx(self, dy: Array) -> Array:
        """In evaluation the statistics are constants, and of three terms one is left."""
        return super().dx(dy) if self.training else dy * self.params["gamma"] / self.std

    def eval(self) -> BatchNorm:
        """Use the running statistics from now on."""
        self.training = False
        return self


class LayerNorm(Norm):
    """Each sample is normalized by itself."""

    axis = 1


class GroupNorm:
    """Each group of channels of each sample is normalized by itself; x is (N, C, H, W)."""

    eps = 1e-5

    def __init__(self, groups: int, channels: int, *, rng: np.random.Generator) -> None:
        self.groups = groups
        self.params = {
            "gamma": rng.uniform(0.5, 1.5, size=channels),
            "beta": rng.normal(size=channels),
        }
        self.grads: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return an array of the shape of x."""
        grouped = x.reshape(len(x), self.groups, -1)  # (N, G, C/G H W)
        mean = grouped.mean(axis=2, keepdims=True)
        self.std = np.sqrt(grouped.var(axis=2, keepdims=True) + self.eps)
        self.xhat = (grouped - mean) / self.std
        gamma, beta = (self.params[name][:, None, None] for name in ("gamma", "beta"))
        return gamma * self.xhat.reshape(x.shape) + beta

    def backward(self, dy: Array) -> Array:
        """Set the gradients of gamma and beta, return that of x."""
        self.grads["gamma"] = (dy * self.xhat.reshape(dy.shape)).sum(axis=(0, 2, 3))
        self.grads["beta"] = dy.sum(axis=(0, 2, 3))
        dxhat = (dy * self.params["gamma"][:, None, None]).reshape(self.xhat.shape)
        return self.dx(dxhat).reshape(dy.shape)

    def dx(self, dxhat: Array) -> Array:
        """Return the gradient of x, in groups: (N, G, C/G H W)."""
        through_mean = dxhat.mean(axis=2, keepdims=True)
        through_var = self.xhat * (dxhat * self.xhat).mean(axis=2, keepdims=True)
        return (dxhat - through_mean - through_var) / self.std


class UnitLength:
    """y = x / |x| for each row."""

    def forward(self, x: Array) -> Array:
        """Return rows of length 1."""
        self.length = np.sqrt((x**2).sum(axis=1, keepdims=True))
        self.y = x / self.length
        return self.y

    def backward(self, dy: Array) -> Array:
        """What points along y changes only the length: it is taken out."""
        return (dy - self.y * (dy * self.y).sum(axis=1, keepdims=True)) / self.length
