"""Denoising by looking for similar places: non-local means (Buades, Coll and Morel 2005)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minicnn.data.preprocess.step import PixelStep


@dataclasses.dataclass(frozen=True)
class NonLocalMeans(PixelStep):
    """Replace every pixel p by a mean of pixels q whose surroundings look alike.

        y(p) = sum_q w(p, q) x(q) / sum_q w(p, q),   w(p, q) = exp(-d(p, q) / h^2)

    d is the mean squared difference of the two patches around p and q; q runs over a window
    around p. Along an edge there are many alike places, across it none: the noise goes and
    the edge stays. Buades, Coll, Morel: A non-local algorithm for image denoising, CVPR 2005.

    Parameters
    ----------
    strength : float
        h, in pixels from 0 to 1; about the noise's standard deviation. At most 1.
    patch, search : int
        Sides of patch and window in pixels, odd. The work grows with the square of
        ``search``. Beyond the border the image is mirrored.
    """

    name: ClassVar[str] = "nlm"
    strength: float = 0.03
    patch: int = 3
    search: int = 9

    def __post_init__(self) -> None:
        self._number("strength", above=0, maximum=1)
        self._count("patch", odd=True)
        self._count("search", 3, odd=True)

    def __call__(self, x: NDArray) -> NDArray:
        """Return the means, (N, C, H, W)."""
        _, _, height, width = x.shape
        far, near = self.search // 2, self.patch // 2
        margin = ((0, 0), (0, 0), (far + near, far + near), (far + near, far + near))
        padded = np.pad(x, margin, mode="symmetric")

        def shifted(down: int, right: int) -> NDArray:
            rows = slice(far + down, far + down + height + 2 * near)
            columns = slice(far + right, far + right + width + 2 * near)
            return padded[:, :, rows, columns]  # (N, C, H + 2 near, W + 2 near)

        here = shifted(0, 0)
        total, weights = np.zeros_like(x), np.zeros_like(x)  # (N, C, H, W)
        scale = -1 / (self.strength**2 * self.patch**2)
        for down in range(-far, far + 1):
            for right in range(-far, far + 1):
                there = shifted(down, right)
                alike = _box_sum((here - there) ** 2, self.patch)  # (N, C, H, W)
                alike *= scale
                np.exp(alike, out=alike)
                weights += alike
                alike *= there[:, :, near : near + height, near : near + width]
                total += alike
        total /= weights  # at least 1: that of the pixel itself
        return total


def _box_sum(x: NDArray, size: int) -> NDArray:
    """Sum over every square of ``size`` pixels, (N, C, H, W) to (N, C, H - size + 1, ...)."""
    for axis in (2, 3):
        x = np.moveaxis(x, axis, 0)
        count = len(x) - size + 1
        y = x[:count].copy()
        for k in range(1, size):
            y += x[k : k + count]
        x = np.moveaxis(y, 0, axis)
    return x
