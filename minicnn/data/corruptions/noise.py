"""Noise: few photons, bad detectors, broken lines.

All functions take pixels (N, C, H, W) in [0, 1] and may leave that range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gaussian_noise(x: Floats, sigma: float, rng: np.random.Generator) -> Floats:
    """Add normal noise of standard deviation ``sigma``: electronics."""
    return x + rng.normal(0, sigma, x.shape)


def speckle_noise(x: Floats, sigma: float, rng: np.random.Generator) -> Floats:
    """Multiply by 1 + normal noise: the brighter a pixel, the more it varies."""
    return x * (1 + rng.normal(0, sigma, x.shape))


def impulse_noise(x: Floats, share: float, rng: np.random.Generator) -> Floats:
    """Turn a ``share`` of the pixels black or white, half each: dead detectors."""
    dice = rng.random(x.shape)
    return np.where(dice < share / 2, 0.0, np.where(dice < share, 1.0, x))


def shot_noise(x: Floats, photons: float, rng: np.random.Generator) -> Floats:
    """Count photons: Poisson with mean ``photons`` in a white pixel. Fewer are worse."""
    return rng.poisson(x * photons) / photons
