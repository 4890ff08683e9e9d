"""Histogram equalisation: every grey level as often as every other, as far as that can be."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minicnn.data.preprocess.step import PixelStep, check_unit, levels


@dataclasses.dataclass(frozen=True)
class Equalize(PixelStep):
    """Send each grey level to the share of pixels that are at most as bright.

        y = (F(x) - F(darkest)) / (1 - F(darkest))

    F is the share of the image's pixels up to a level, of 256. The darkest level becomes
    0 and the brightest 1. Whatever curve the exposure had, it is gone; what was even is
    stretched until its noise shows. A constant image has nothing to equalise and stays.
    """

    name: ClassVar[str] = "equalize"

    def __call__(self, x: NDArray) -> NDArray:
        """Equalise each channel of each image, (N, C, H, W)."""
        check_unit(self.name, x)
        count, channels, height, width = x.shape
        level = levels(x).reshape(count * channels, height * width)  # (N C, H W)
        row = np.arange(len(level))[:, None]
        bins = np.bincount((row * 256 + level).ravel(), minlength=len(level) * 256)
        up_to = np.cumsum(bins.reshape(len(level), 256), axis=1)  # (N C, 256)
        first = np.take_along_axis(up_to, level.min(axis=1, keepdims=True).astype(np.intp), 1)
        above = height * width - first  # (N C, 1) pixels that are not the darkest
        curve = (up_to - first) / np.maximum(above, 1)  # (N C, 256)
        y = np.take_along_axis(curve, level.astype(np.intp), axis=1).reshape(x.shape)
        constant = (above == 0).reshape(count, channels, 1, 1)
        return np.where(constant, x, y).astype(x.dtype)
