"""Denoising by looking at a pixel's neighbours: the median, and a Gaussian mean."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from minicnn.data.filters import gaussian_blur
from minicnn.data.preprocess.step import PixelStep, Shape


@dataclasses.dataclass(frozen=True)
class Median(PixelStep):
    """Replace every pixel by the median of the square around it.

    Takes out single bright and dark pixels whole, and keeps edges where they are; corners
    and lines thinner than half the square are lost.

    Parameters
    ----------
    size : int
        Side of the square in pixels, odd. Beyond the border its pixels are repeated.
    """

    name: ClassVar[str] = "median"
    size: int = 3

    def __post_init__(self) -> None:
        self._count("size", odd=True)

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape``; refuse a square larger than the image."""
        self._fits("size", shape)
        return shape

    def __call__(self, x: NDArray) -> NDArray:
        """Return the medians, (N, C, H, W)."""
        reach = self.size // 2
        margin = ((0, 0), (0, 0), (reach, reach), (reach, reach))
        window = (self.size, self.size)
        squares = sliding_window_view(np.pad(x, margin, mode="edge"), window, axis=(2, 3))
        flat = squares.reshape(*x.shape, self.size**2)  # (N, C, H, W, size^2)
        middle = self.size**2 // 2
        medians: NDArray = np.partition(flat, middle, axis=-1)[..., middle]
        return medians


@dataclasses.dataclass(frozen=True)
class Gaussian(PixelStep):
    """Replace every pixel by a mean of its neighbours, weighted by a Gaussian.

    The best that a weighted mean can do against noise, and it blurs edges as it does noise.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, above 0 and at most 50.
    """

    name: ClassVar[str] = "gaussian"
    sigma: float = 0.8

    def __post_init__(self) -> None:
        self._number("sigma", above=0, maximum=50)

    def __call__(self, x: NDArray) -> NDArray:
        """Return the means, (N, C, H, W)."""
        return gaussian_blur(x, self.sigma)
