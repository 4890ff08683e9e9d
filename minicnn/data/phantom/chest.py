"""The rays of a picture, and the maps of what they cross."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom.body import Body
from minicnn.data.phantom.dice import Array


@dataclass
class Grid:
    """The rays, in the coordinates of the body."""

    x: Array  # (B, S, S) cm, to the patient's left
    y: Array  # (B, S, S) cm, downwards
    pitch: Array  # (B, 1, 1) cm between rays


@dataclass
class Chest:
    """What each ray crosses: geometry, then thicknesses in cm; all (B, S, S)."""

    grid: Grid
    across: Array  # distance from the midline of the cage
    is_left: NDArray[np.bool_]  # the patient's left, the image's right
    edge: Array  # distance from the midline at which the cavity ends
    soft: Array  # the body, lungs included
    cavity: Array  # the lungs: what wall, heart and abdomen leave
    open: Array  # 0 to 1, where a thing inside the lung may show
    solid: Array  # part of the lung that is fluid instead of air, 0 to 1
    empty: Array  # part of the lung that is air without tissue, 0 to 1
    vessels: Array  # blood in the lungs
    extra: Array  # soft tissue in excess (hila, masses) or missing (airways, gas)
    bone: Array

    def rows(self, index: NDArray[np.intp]) -> Chest:
        """Return a copy of some of the images."""
        grid = Grid(self.grid.x[index], self.grid.y[index], self.grid.pitch[index])
        return Chest(grid, *(getattr(self, f.name)[index] for f in fields(self)[1:]))

    def put(self, index: NDArray[np.intp], part: Chest) -> None:
        """Write back what a finding may have changed in `rows(index)`."""
        for name in ("solid", "empty", "vessels", "extra"):
            getattr(self, name)[index] = getattr(part, name)


def picture_axes(samples: int) -> tuple[Array, Array]:
    """Return the picture's own coordinates, -1 to 1: across (1, 1, S) and down (1, S, 1)."""
    steps = (np.arange(samples, dtype=np.float32) + 0.5) * np.float32(2 / samples) - 1
    return steps[None, None, :], steps[None, :, None]


def lay_grid(body: Body, samples: int) -> Grid:
    """Place the rays of a picture with `samples` rays along each side.

    The beam is taken to be parallel: the tube stands far away.
    """
    u, v = picture_axes(samples)
    c, s = np.cos(body.roll), np.sin(body.roll)
    x = body.view_x * (c * u - s * v) - body.shift_x  # (B, S, S)
    y = body.view_y * (s * u + c * v) - body.shift_y  # (B, S, S)
    return Grid(x, y, 2 * np.maximum(body.view_x, body.view_y) / samples)
