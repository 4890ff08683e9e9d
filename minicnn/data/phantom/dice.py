"""Random numbers with names: one row of dice per image, one column per question asked.

Every image owns a row of uniform numbers, drawn once from its own generator.
Code that works on a batch asks ``dice.uniform(3, 5)`` and receives one answer
per image, shaped so that it broadcasts against the (B, S, S) maps. The answers
depend on the image's row alone: not on the batch it was rendered with, nor on
the size it was rendered at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Always float32. NumPy's type hints promise float64 for a product with a Python
# float, which at run time keeps the array's type, so the hint leaves it open.
Array = NDArray[Any]


class Dice:
    """A batch of independent rows of uniform numbers, used up from left to right.

    Parameters
    ----------
    uniforms
        (B, K) numbers in [0, 1). Each question below uses up one column (`bell`
        three); asking for more than K raises IndexError.
    """

    def __init__(self, uniforms: NDArray[np.float64]) -> None:
        self._columns = np.ascontiguousarray(uniforms.T, dtype=np.float32)  # (K, B)
        self._next = 0

    def _column(self) -> Array:
        column = self._columns[self._next]
        self._next += 1
        return column[:, None, None]  # (B, 1, 1)

    def rows(self, index: NDArray[np.intp]) -> Dice:
        """Return fresh dice for some of the images, with nothing used up yet."""
        part = Dice.__new__(Dice)
        part._columns = self._columns[:, index]
        part._next = 0
        return part

    def uniform(self, low: float | Array, high: float | Array) -> Array:
        """Return one number per image between `low` and `high`, (B, 1, 1)."""
        return low + (high - low) * self._column()

    def bell(self, middle: float | Array, spread: float | Array) -> Array:
        """Return bell-shaped numbers around `middle`, never farther than 3 `spread`.

        The sum of three uniform numbers has standard deviation 1/2 and looks
        normal without the normal's tails, which would bend a body out of shape.
        """
        total = self._column() + self._column() + self._column()
        return middle + (2.0 * spread) * (total - 1.5)

    def chance(self, probability: float | Array) -> NDArray[np.bool_]:
        """Return True with the given probability, (B, 1, 1)."""
        return self._column() < probability

    def sign(self) -> Array:
        """Return -1 or +1, (B, 1, 1)."""
        return np.where(self._column() < 0.5, np.float32(-1), np.float32(1))

    def pick(self, choices: int) -> NDArray[np.int32]:
        """Return a whole number from 0 to `choices` - 1, (B, 1, 1)."""
        return (self._column() * choices).astype(np.int32)
