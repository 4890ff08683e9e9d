"""Random texture that is the same at every resolution.

Random numbers sit on a coarse lattice that covers the image and a cubic
B-spline is drawn through them. Because the lattice is aligned with the image,
the spline is a matrix product from each side, T = A L A^T.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from minicnn.data.phantom.dice import Array

GRAINS = (7, 16, 34, 64)  # cells along the lattices of Noise, coarse to finest
MARGIN = 3  # lattice points beyond the cells that a cubic spline needs


@dataclass
class Noise:
    """Texture of four grains, each (B, S, S) of mean 0 and variance 1."""

    coarse: Array  # grains of some 5 cm
    medium: Array  # 2 cm
    fine: Array  # 1 cm
    finest: Array  # half a centimetre

    def rows(self, index: NDArray[np.intp]) -> Noise:
        """Return the texture of some of the images."""
        return Noise(*(getattr(self, f.name)[index] for f in fields(self)))

    def net(self) -> Array:
        """Return a net of fine lines, 0 to 1: where either fine texture crosses zero."""
        wide = np.exp(-((self.fine / np.float32(0.35)) ** 2))
        return np.maximum(wide, np.exp(-((self.finest / np.float32(0.4)) ** 2)))


def make_noise(lattices: Sequence[Array], samples: int) -> Noise:
    """Draw the four textures from their lattices, each (B, cells + 3, cells + 3)."""
    return Noise(*(texture(lattice, samples) for lattice in lattices))


def texture(lattice: Array, samples: int) -> Array:
    """Return smooth noise of mean 0 and variance 1.

    Parameters
    ----------
    lattice
        (B, cells + 3, cells + 3) standard normal numbers.
    samples
        Rays along each side of the image.

    Returns
    -------
    Array
        (B, samples, samples).
    """
    matrix = _spline_matrix(samples, lattice.shape[-1] - MARGIN)
    return matrix @ lattice @ matrix.T


@lru_cache(maxsize=16)
def _spline_matrix(samples: int, cells: int) -> Array:
    """Return A, (samples, cells + 3): the weight of each lattice point at each sample."""
    position = (np.arange(samples) + 0.5) / samples * cells
    cell = position.astype(int)
    t = position - cell
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    )  # (samples, 4), times 6
    matrix = np.zeros((samples, cells + MARGIN))
    for k in range(4):
        matrix[np.arange(samples), cell + k] = weights[:, k] / 6
    # A mean of independent numbers varies less than each of them does; dividing
    # by the root of the summed squares of the weights gives variance 1 on average.
    return (matrix / np.sqrt((matrix**2).sum(axis=1).mean())).astype(np.float32)
