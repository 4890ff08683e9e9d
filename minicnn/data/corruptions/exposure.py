"""Exposure: too much or too little, flat or hard, another curve of the film.

All functions take pixels (N, C, H, W) in [0, 1] and may leave that range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def brightness(x: Floats, factor: float, rng: np.random.Generator) -> Floats:
    """Multiply all pixels by ``factor``."""
    return x * factor


def contrast(x: Floats, factor: float, rng: np.random.Generator) -> Floats:
    """Multiply each pixel's distance from its image's mean by ``factor``."""
    mean = x.mean(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
    return mean + (x - mean) * factor


def gamma(x: Floats, power: float, rng: np.random.Generator) -> Floats:
    """Raise all pixels to ``power``: above 1 darkens the middle greys, below 1 lightens."""
    return x**power
