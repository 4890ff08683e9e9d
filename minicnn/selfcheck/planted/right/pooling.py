"""Pooling: the largest entry of each window, or their mean."""

from __future__ import annotations

import numpy as np

from minicnn.selfcheck.planted.right.windows import Array, Windows


class MaxPool2d(Windows):
    """y is the largest entry of each window; of equal ones, the first gets the gradient."""

    def __init__(self, kernel_size: tuple[int, int], stride: int = 2, padding: int = 0) -> None:
        super().__init__(kernel_size, stride, padding)

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, C, H', W')."""
        self.padded = self.pad(x, value=-np.inf)
        met = np.stack([self.window(self.padded, i, j) for i, j in self.taps()])
        self.winner = met.argmax(axis=0)  # (N, C, H', W'), the number of the tap
        return met.max(axis=0)

    def share(self, tap: int) -> Array:
        """Return which part of each dy goes to a tap."""
        return self.winner == tap

    def backward(self, dy: Array) -> Array:
        """Send each dy to the winner of its window; what windows share adds up."""
        dpadded = np.zeros_like(self.padded)
        for tap, (i, j) in enumerate(self.taps()):
            self.window(dpadded, i, j)[...] += dy * self.share(tap)
        return self.crop(dpadded)


class AvgPool2d(Windows):
    """y is the mean of each window; the zeros of the frame count, too."""

    def __init__(self, kernel_size: tuple[int, int], stride: int = 2, padding: int = 0) -> None:
        super().__init__(kernel_size, stride, padding)

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, C, H', W')."""
        self.padded = self.pad(x)
        return np.mean([self.window(self.padded, i, j) for i, j in self.taps()], axis=0)

    def backward(self, dy: Array) -> Array:
        """Each entry of a window gets an equal part of dy."""
        dpadded = np.zeros_like(self.padded)
        for i, j in self.taps():
            self.window(dpadded, i, j)[...] += dy / len(self.taps())
        return self.crop(dpadded)


class GlobalAvgPool2d:
    """y[n,c] is the mean of a channel."""

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, C)."""
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, dy: Array) -> Array:
        """Each pixel gets an equal part of dy."""
        pixels = self.shape[2] * self.shape[3]
        return np.broadcast_to(dy[:, :, None, None] / pixels, self.shape).copy()


class Upsample2d:
    """Each pixel becomes a block of 2 x 2 equal ones."""

    def forward(self, x: Array) -> Array:
        """Return y of shape (N, C, 2H, 2W)."""
        return x.repeat(2, axis=2).repeat(2, axis=3)

    def blocks(self, dy: Array) -> Array:
        """Return dy as (N, C, H, 2, W, 2)."""
        n, c, h, w = dy.shape
        return dy.reshape(n, c, h // 2, 2, w // 2, 2)

    def backward(self, dy: Array) -> Array:
        """The four copies add up."""
        return self.blocks(dy).sum(axis=(3, 5))
