"""CLAHE: contrast-limited adaptive histogram equalisation (Zuiderveld 1994).

Equalisation, with two amendments. It is *adaptive*: each tile of the image has its own
curve, and between the tiles' centres the curves are interpolated. It is *limited*: a
curve is never steeper than the clip limit, so that noise is not blown up where an image
is even. K. Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems
IV, 1994, pages 474-485.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from minicnn.data.preprocess.step import PixelStep, Shape, check_unit, levels

BINS = 256
# What is clipped off is spread over the other bins, which fills some of them to the limit
# too; a few rounds leave nothing to spread.
ROUNDS = 8


@dataclasses.dataclass(frozen=True)
class CLAHE(PixelStep):
    """Equalise tile by tile, with a limit to the contrast.

    Parameters
    ----------
    clip : float
        The steepest slope a curve may have, from 1, which changes nothing, to 256, which is
        no limit. In Zuiderveld's words: the highest bin, as a multiple of the mean one.
    tiles : int
        Tiles along each side, from 1 up to the number of pixels.
    """

    name: ClassVar[str] = "clahe"
    clip: float = 2.0
    tiles: int = 4

    def __post_init__(self) -> None:
        self._number("clip", minimum=1, maximum=BINS)
        self._count("tiles")

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape``; refuse more tiles than pixels."""
        self._fits("tiles", shape)
        return shape

    def __call__(self, x: NDArray) -> NDArray:
        """Equalise each channel of each image, (N, C, H, W)."""
        check_unit(self.name, x)
        self.output_shape((x.shape[1], x.shape[2], x.shape[3]))
        level = levels(x).reshape(-1, *x.shape[2:]).astype(np.intp)  # (P, H, W), P = N C
        curves = tile_curves(level, self.tiles, self.clip)  # (P, T, T, 256)
        top, bottom, down = _between(x.shape[2], self.tiles)  # (H,) each
        left, right, across = _between(x.shape[3], self.tiles)  # (W,) each
        plane = np.arange(len(level))[:, None, None]

        def look_up(row: NDArray, column: NDArray) -> NDArray:
            found: NDArray = curves[plane, row[:, None], column, level]  # (P, H, W)
            return found

        down = down[:, None]  # (H, 1)
        above = look_up(top, left) * (1 - across) + look_up(top, right) * across
        below = look_up(bottom, left) * (1 - across) + look_up(bottom, right) * across
        return (above * (1 - down) + below * down).reshape(x.shape).astype(x.dtype)


def tile_curves(level: NDArray[np.intp], tiles: int, clip: float) -> NDArray:
    """Return the curve of each tile: where its 256 levels go, from 0 to 1.

    Parameters
    ----------
    level
        (P, H, W) grey levels.
    tiles
        T, tiles along each side; where it does not divide a side, tiles differ by a pixel.
    clip
        The highest bin as a multiple of the mean one.

    Returns
    -------
    NDArray
        (P, T, T, 256).
    """
    planes, height, width = level.shape
    row = np.searchsorted(_bounds(height, tiles), np.arange(height), side="right") - 1  # (H,)
    column = np.searchsorted(_bounds(width, tiles), np.arange(width), side="right") - 1
    tile = (np.arange(planes)[:, None, None] * tiles + row[:, None]) * tiles + column
    bins = np.bincount((tile * BINS + level).ravel(), minlength=planes * tiles**2 * BINS)
    share = bins.reshape(planes, tiles, tiles, BINS).astype(np.float32)
    share /= share.sum(axis=-1, keepdims=True)
    share = clip_histogram(share, clip / BINS)
    # The share of pixels below a level, half of those at it included: an even tile lands in
    # the middle, not at one end. The lowest level stays 0 and the highest 1, so that a flat
    # histogram changes nothing; the ends hold at most everything, so nothing is divided by 0.
    rank = np.cumsum(share, axis=-1) - share / 2
    first, last = rank[..., :1], rank[..., -1:]
    curves: NDArray = (rank - first) / (last - first)
    return curves


def clip_histogram(share: NDArray, limit: float) -> NDArray:
    """Cut the bins at ``limit`` and spread what was cut over those below it, evenly.

    Parameters
    ----------
    share
        (..., 256), each row with sum 1.
    limit
        At least 1 / 256, else there would not be room for all.
    """
    for _ in range(ROUNDS):
        excess = np.maximum(share - limit, 0).sum(axis=-1, keepdims=True)
        if excess.max(initial=0) < 1e-6:
            break
        below = share < limit
        each = excess / np.maximum(below.sum(axis=-1, keepdims=True), 1)
        share = np.minimum(share, limit) + np.where(below, each, 0)
    return np.minimum(share, limit)


def _bounds(size: int, tiles: int) -> NDArray[np.intp]:
    """Return where tiles begin, (T + 1,)."""
    return (np.arange(tiles + 1) * size // tiles).astype(np.intp)


def _between(size: int, tiles: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray]:
    """Return for each pixel the tile centres on both sides, and how far it is between them."""
    bounds = _bounds(size, tiles)
    centres = (bounds[:-1] + bounds[1:] - 1) / 2  # (T,)
    place = np.interp(np.arange(size), centres, np.arange(tiles))  # (size,) in tiles
    before = np.floor(place).astype(np.intp)
    after = np.minimum(before + 1, tiles - 1)
    return before, after, (place - before).astype(np.float32)
