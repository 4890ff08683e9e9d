"""Smaller images: cut out of the middle, or with fewer pixels for the same view."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minicnn.data.preprocess.step import PixelStep, Shape
from minicnn.errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Crop(PixelStep):
    """Keep a square in the middle.

    Parameters
    ----------
    size : int
        Its side in pixels, at most the image's.
    """

    name: ClassVar[str] = "crop"
    size: int

    def __post_init__(self) -> None:
        self._count("size")

    def output_shape(self, shape: Shape) -> Shape:
        """Return (C, size, size)."""
        self._fits("size", shape)
        return shape[0], self.size, self.size

    def __call__(self, x: NDArray) -> NDArray:
        """Return the middle, (N, C, size, size); of two middles the upper left one."""
        _, height, width = self.output_shape(_shape(x))
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        return x[:, :, top : top + height, left : left + width].copy()


@dataclasses.dataclass(frozen=True)
class Resize(PixelStep):
    """Show the whole image with fewer pixels.

    Parameters
    ----------
    size : int
        Height and width of the result, at most the image's; another proportion is squeezed.
    antialias : bool
        Whether each new pixel is the mean over the area it covers. Without, it is the one
        pixel at its centre, and what is finer than the new grid turns into false patterns:
        ribs may show a moire, thin lines come and go.
    """

    name: ClassVar[str] = "resize"
    size: int
    antialias: bool = True

    def __post_init__(self) -> None:
        self._count("size")
        if not isinstance(self.antialias, bool):
            raise ArgumentError(f"resize: antialias is {self.antialias!r}; give yes or no")

    def output_shape(self, shape: Shape) -> Shape:
        """Return (C, size, size)."""
        self._fits("size", shape)
        return shape[0], self.size, self.size

    def __call__(self, x: NDArray) -> NDArray:
        """Return (N, C, size, size)."""
        _, height, width = self.output_shape(_shape(x))
        if self.antialias:
            return area_mean(area_mean(x, height, axis=2), width, axis=3)
        rows, columns = _centres(x.shape[2], height), _centres(x.shape[3], width)
        return x[:, :, rows[:, None], columns]


def area_mean(x: NDArray, size: int, axis: int) -> NDArray:
    """Average along one axis over ``size`` equal pieces, parts of pixels included.

    The running sum S of the pixels, interpolated between them, is the integral of the image
    up to any place; a piece from a to b has the mean (S(b) - S(a)) / (b - a).
    """
    x = np.moveaxis(x, axis, -1)
    length = x.shape[-1]
    total = np.zeros((*x.shape[:-1], length + 1))  # float64: small differences of large sums
    np.cumsum(x, axis=-1, out=total[..., 1:])
    edges = np.arange(size + 1) * length / size  # (size + 1,)
    before = np.minimum(edges.astype(np.intp), length - 1)
    part = edges - before  # of the pixel that an edge cuts
    at_edges = total[..., before] * (1 - part) + total[..., before + 1] * part
    mean = np.diff(at_edges, axis=-1) * (size / length)
    return np.ascontiguousarray(np.moveaxis(mean, -1, axis), dtype=x.dtype)


def _centres(length: int, size: int) -> NDArray[np.intp]:
    """Return the pixels in which the centres of ``size`` equal pieces lie, (size,)."""
    return ((2 * np.arange(size) + 1) * length // (2 * size)).astype(np.intp)


def _shape(x: NDArray) -> Shape:
    return x.shape[1], x.shape[2], x.shape[3]
