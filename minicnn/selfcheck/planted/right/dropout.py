"""Layers that draw random numbers in training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Dropout:
    """In training, set entries to zero with probability p and divide the rest by 1 - p."""

    def __init__(self, p: float, *, rng: np.random.Generator) -> None:
        self.p = p
        self.rng = rng
        self.training = True

    def forward(self, x: Array) -> Array:
        """Draw a mask and keep it for backward; in evaluation y is x itself."""
        if not self.training:
            return x
        self.mask = self.rng.random(x.shape) >= self.p
        return x * self.mask / (1 - self.p)

    def backward(self, dy: Array) -> Array:
        """Let pass what was let pass, with the same factor."""
        return dy * self.mask / (1 - self.p) if self.training else dy

    def eval(self) -> Dropout:
        """Change nothing any more."""
        self.training = False
        return self


class ChannelDropout(Dropout):
    """Drop whole channels of (N, C, H, W)."""

    def forward(self, x: Array) -> Array:
        """Draw one number for each channel."""
        self.mask = self.rng.random((*x.shape[:2], 1, 1)) >= self.p
        return x * self.mask / (1 - self.p)


class GaussianNoise:
    """y = x (1 + noise)."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.rng = rng

    def forward(self, x: Array) -> Array:
        """Draw the noise and keep it."""
        self.factor = 1 + 0.5 * self.rng.normal(size=x.shape)
        return x * self.factor

    def backward(self, dy: Array) -> Array:
        """Return dy times the same factor."""
        return dy * self.factor
