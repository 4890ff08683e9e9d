"""Alignment: the chest upright, its axis in the middle, the lungs always as large."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minicnn.data.preprocess.lungs import find_lungs
from minicnn.data.preprocess.resample import area_mean
from minicnn.data.preprocess.step import PixelStep
from minicnn.data.preprocess.symmetry import find_axis

# Axis and lungs are found on a copy of at most so many pixels along each side: they are
# large things, and the work grows with the cube of this.
SEARCHED = 40


@dataclasses.dataclass(frozen=True)
class Align(PixelStep):
    """Turn each image upright, and centre and scale it on its lungs, in one warp.

    The axis is that about which the image resembles its mirror image most; the lungs are the
    dark fields on both sides of it. Where none is found, in an image all black or with one
    white lung, that part of the alignment is left out. Every change is bounded, so that a
    wrong find does little harm.

    Parameters
    ----------
    rotation : float
        The largest angle in degrees, at most 45; 0 does not turn.
    shift : float
        The farthest move as a share of height and width, at most 0.5; 0 does not move.
    scale : float
        The largest relative change of size, at most 1; 0 does not scale.
    fill : float
        The share of the image that the box around the lungs shall take, in that direction
        in which it takes more; above 0 and at most 1.
    """

    name: ClassVar[str] = "align"
    rotation: float = 12.0
    shift: float = 0.15
    scale: float = 0.25
    fill: float = 0.8

    def __post_init__(self) -> None:
        self._number("rotation", minimum=0, maximum=45)
        self._number("shift", minimum=0, maximum=0.5)
        self._number("scale", minimum=0, maximum=1)
        self._number("fill", above=0, maximum=1)

    def __call__(self, x: NDArray) -> NDArray:
        """Return the aligned images, (N, C, H, W); beyond the border it is repeated."""
        from minicnn.functional.warp import affine_warp

        return affine_warp(np.ascontiguousarray(x), self.matrices(x).astype(x.dtype))

    def matrices(self, x: NDArray) -> NDArray[np.float64]:
        """Find the affine maps (N, 2, 3) from pixels of the result to those of the images.

        Both are counted from the middle, as in `minicnn.functional.warp.affine_warp`.
        """
        from minicnn.functional.warp import affine_warp

        _, _, height, width = x.shape
        small = _searched(x)  # (N, h, w)
        ratio = np.array([height / small.shape[1], width / small.shape[2]])
        angle, offset = find_axis(small, self.rotation)
        offset = np.clip(offset * ratio[1], -self.shift * width, self.shift * width)
        nothing = np.zeros(len(x))
        upright = _matrices(angle, nothing, offset / ratio[1], nothing + 1).astype(x.dtype)
        box, found = find_lungs(affine_warp(small[:, None], upright)[:, 0])
        top, bottom, left, right = (box * ratio.repeat(2)).T
        middle = np.clip((top + bottom) / 2, -self.shift * height, self.shift * height)
        # The box counts whole pixels at both ends.
        larger = np.minimum(
            height / (bottom - top + ratio[0]), width / (right - left + ratio[1])
        )  # how much larger the box could be drawn
        zoom = np.clip(self.fill * larger, 1 / (1 + self.scale), 1 + self.scale)
        return _matrices(angle, np.where(found, middle, 0), offset, np.where(found, zoom, 1))


def _matrices(angle: NDArray, down: NDArray, right: NDArray, zoom: NDArray) -> NDArray[np.float64]:
    """Return maps (N, 2, 3) that show (down, right) of the turned image in the middle."""
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    first = [cos / zoom, -sin / zoom, cos * down - sin * right]
    second = [sin / zoom, cos / zoom, sin * down + cos * right]
    return np.stack([np.stack(first, axis=1), np.stack(second, axis=1)], axis=1)


def _searched(x: NDArray) -> NDArray:
    """Return small grey copies, (N, h, w), of pixels in [0, 1]."""
    grey = x.mean(axis=1)  # (N, H, W)
    for axis in (1, 2):
        size = grey.shape[axis]
        small = max(1, round(size * SEARCHED / max(x.shape[2:])))
        if small < size:
            grey = area_mean(grey, small, axis)
    return np.ascontiguousarray(grey)
