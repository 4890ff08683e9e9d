"""Blur: a wide focus, a patient who breathes, a detector out of place.

All functions take pixels (N, C, H, W) in [0, 1] and stay in that range, since every blur
is a weighted mean. At the border the edge pixels are repeated.

MedMNIST-C states its widths for images of 224 pixels. A blur of the same share of a small
image would be a fraction of a pixel and change nothing, one of the same number of pixels
would leave nothing to see; widths are therefore scaled by the square root of the size,
which is about what lies between the strengths that Hendrycks and Dietterich (2019, arXiv
1903.12261) chose for images of 224 and of 32 pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FULL_SIZE = 224
# A blur reaches so many standard deviations.
REACH = 4.0
# Samples per pixel and direction when a disc is drawn.
FINE = 8


def width_at(side: int) -> float:
    """Return the factor on widths for images of ``side`` pixels: 1 at 224."""
    return math.sqrt(side / FULL_SIZE)


def gaussian_blur(x: Floats, kernel: float, rng: np.random.Generator) -> Floats:
    """Blur with a Gaussian.

    ``kernel`` is the width of a window in pixels, of which the usual rule makes
    sigma = 0.3 ((kernel - 1) / 2 - 1) + 0.8.
    """
    sigma = (0.3 * ((kernel - 1) / 2 - 1) + 0.8) * width_at(min(x.shape[2:]))
    weights = gaussian(sigma)
    return _along(_along(x, weights, 2), weights, 3)


def defocus_blur(x: Floats, radius: float, rng: np.random.Generator) -> Floats:
    """Replace each point by a disc of ``radius`` pixels, as a lens out of focus does."""
    return _convolve(x, disc(radius * width_at(min(x.shape[2:]))))


def motion_blur(x: Floats, strength: tuple[float, float], rng: np.random.Generator) -> Floats:
    """Smear each image in one direction, drawn within 45 degrees of the horizontal.

    ``strength`` is (radius, sigma): the trail is half of a Gaussian that ends at the radius.
    """
    factor = width_at(min(x.shape[2:]))
    radius, sigma = (factor * v for v in strength)
    angles = rng.uniform(-math.pi / 4, math.pi / 4, len(x))
    out = np.empty_like(x)
    for i, angle in enumerate(angles):
        out[i] = _convolve(x[i : i + 1], trail(radius, sigma, angle))[0]
    return out


def zoom_blur(x: Floats, largest: float, rng: np.random.Generator) -> Floats:
    """Average the image with ones magnified up to ``largest``: motion towards the detector."""
    factors = np.linspace(1, largest, 11)
    total = np.zeros_like(x)
    for factor in factors:
        total += magnify(x, factor)
    return total / len(factors)


def gaussian(sigma: float) -> Floats:
    """Weights (2 R + 1,) of a Gaussian, each the mass over its pixel; they add up to 1."""
    radius = max(1, math.ceil(REACH * sigma))
    edges = (np.arange(-radius, radius + 2) - 0.5) / (sigma * math.sqrt(2))
    steps = np.diff([math.erf(e) for e in edges])
    weights: Floats = steps / steps.sum()
    return weights


def disc(radius: float) -> Floats:
    """Weights (K, K) of a disc, each the share of its pixel that is covered; sum 1."""
    half = max(1, math.ceil(radius))
    width = 2 * half + 1
    fine = (np.arange(width * FINE) + 0.5) / FINE - width / 2  # centres of small squares
    inside = fine[:, None] ** 2 + fine[None, :] ** 2 <= radius**2
    covered = inside.reshape(width, FINE, width, FINE).mean(axis=(1, 3))  # (K, K)
    if not covered.any():  # smaller than the small squares: no blur at all
        covered[half, half] = 1
    weights: Floats = covered / covered.sum()
    return weights


def trail(radius: float, sigma: float, angle: float) -> Floats:
    """Weights (K, K) of a line from the centre at ``angle`` (radians, up from the right).

    The mass falls off as exp(-t^2 / 2 sigma^2) and is shared between neighbouring pixels.
    """
    half = max(1, math.ceil(radius) + 1)
    t = np.linspace(0, radius, max(2, FINE * half))  # along the line
    mass = np.exp(-(t**2) / (2 * sigma**2))
    rows, columns = half - t * math.sin(angle), half + t * math.cos(angle)
    weights = np.zeros((2 * half + 1, 2 * half + 1))
    i, j = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, right = rows - i, columns - j
    for di, share_i in ((0, 1 - below), (1, below)):
        for dj, share_j in ((0, 1 - right), (1, right)):
            reach = (np.minimum(i + di, 2 * half), np.minimum(j + dj, 2 * half))
            np.add.at(weights, reach, mass * share_i * share_j)
    return weights / weights.sum()


def magnify(x: Floats, factor: float) -> Floats:
    """Magnify about the centre by ``factor`` of at least 1, bilinearly, at the same size."""
    for axis in (2, 3):
        n = x.shape[axis]
        middle = (n - 1) / 2
        at = middle + (np.arange(n) - middle) / factor  # within 0 ... n - 1
        low = np.clip(np.floor(at).astype(int), 0, n - 1)
        high = np.minimum(low + 1, n - 1)
        shape = [1, 1, 1, 1]
        shape[axis] = n
        share = (at - low).reshape(shape)
        x = x.take(low, axis) * (1 - share) + x.take(high, axis) * share
    return x


def _along(x: Floats, weights: Floats, axis: int) -> Floats:
    """Correlate along one axis with weights (2 R + 1,), the border repeated."""
    radius, n = len(weights) // 2, x.shape[axis]
    pads = [(0, 0)] * 4
    pads[axis] = (radius, radius)
    padded = np.pad(x, pads, mode="edge")
    out = np.zeros_like(x)
    for k, w in enumerate(weights):
        out += w * padded.take(range(k, k + n), axis)
    return out


def _convolve(x: Floats, weights: Floats) -> Floats:
    """Spread each pixel over weights (K, K), the border repeated."""
    height, width = x.shape[2:]
    radius = len(weights) // 2
    padded = np.pad(x, [(0, 0), (0, 0), (radius, radius), (radius, radius)], mode="edge")
    out = np.zeros_like(x)
    for i, j in np.argwhere(weights > 0):
        # Flipped: what lies at weight (i, j) comes from the opposite side.
        top, left = 2 * radius - i, 2 * radius - j
        out += weights[i, j] * padded[:, :, top : top + height, left : left + width]
    return out
