"""Where the lungs are: the dark fields inside the bright body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.data.filters import gaussian_blur
from minicnn.data.preprocess.step import levels

# Lungs are looked for inside this share of height and width: outside are air, arms, letters.
INSIDE = 0.94
# The lungs lie around the middle: pixels count less the farther out they are.
WINDOW = 0.3
SMOOTH = 0.015  # of the side
# Less than this share of the image is no pair of lungs.
LEAST = 0.05
# The box leaves out this share of the dark pixels at each end: fingers of darkness, bowel gas.
TAIL = 0.04


def find_lungs(x: NDArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Find the box around both lungs of upright images whose axis stands in the middle.

    Otsu's threshold parts an image into dark and bright so that the two groups differ most;
    the same again parts the dark into lungs and air. Air is the darker part where it hangs
    together with the border. What is left counts on both sides of the axis, so that one
    white lung does not hide where its side of the chest ends.

    Parameters
    ----------
    x
        (N, H, W), float in [0, 1].

    Returns
    -------
    box : NDArray
        (N, 4) top, bottom, left, right, in pixels from the middle of the image.
    found : NDArray
        (N,) whether there was anything to find; else the box is the whole image.
    """
    _, height, width = x.shape
    smooth = gaussian_blur(x[:, None], SMOOTH * min(height, width))[:, 0]
    all_pixels = np.ones(smooth.shape, bool)
    dark = smooth < otsu(smooth, all_pixels)[:, None, None]  # (N, H, W)
    darkest = smooth < otsu(smooth, dark)[:, None, None]
    inside = _inside(height, width)
    air = darkest & ~inside
    while True:  # the air spreads from the border until it spreads no further
        wider = darkest & _spread(air)
        if (wider == air).all():
            break
        air = wider
    lungs = dark & ~air & inside
    weight = lungs * _window(height)[:, None] * _window(width)  # (N, H, W)
    weight += weight[:, :, ::-1]
    found = lungs.mean(axis=(1, 2)) >= LEAST
    top, bottom = _ends(weight.sum(axis=2))
    left, right = _ends(weight.sum(axis=1))
    middle = np.array([height - 1, height - 1, width - 1, width - 1]) / 2
    box = np.stack([top, bottom, left, right], axis=1) - middle  # (N, 4)
    return np.where(found[:, None], box, middle * [-1, 1, -1, 1]), found


def otsu(x: NDArray, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the threshold that parts the grey levels of each image's masked pixels best.

    Best: the variance between the two groups, n0 n1 (mean0 - mean1)^2, is largest. N. Otsu,
    A threshold selection method from gray-level histograms, IEEE Trans. SMC 9, 1979. Where
    all masked pixels are of one level, or there are none, the threshold is not above them.

    Parameters
    ----------
    x, mask
        (N, H, W) pixels in [0, 1], and which of them count.

    Returns
    -------
    NDArray
        (N,), between two grey levels; the darker group lies below.
    """
    level = levels(np.clip(x, 0, 1)).reshape(len(x), -1).astype(np.intp)  # (N, H W)
    rows = np.arange(len(x))[:, None] * 256
    counted = (rows + level)[mask.reshape(len(x), -1)]
    bins = np.bincount(counted, minlength=len(x) * 256).reshape(-1, 256)
    n0 = np.cumsum(bins, axis=1)  # (N, 256) pixels up to a level
    s0 = np.cumsum(bins * np.arange(256), axis=1)
    n1, s1 = n0[:, -1:] - n0, s0[:, -1:] - s0
    between = n0 * n1 * (s0 / np.maximum(n0, 1) - s1 / np.maximum(n1, 1)) ** 2.0
    best = between.argmax(axis=1)
    parted = between.max(axis=1) > 0
    threshold: NDArray[np.float64] = np.where(parted, (best + 0.5) / 255, 0.0)
    return threshold


def _inside(height: int, width: int) -> NDArray[np.bool_]:
    """Return the inner part of the image, (H, W)."""
    row = np.abs(np.arange(height) - (height - 1) / 2) <= INSIDE * height / 2 - 0.5
    column = np.abs(np.arange(width) - (width - 1) / 2) <= INSIDE * width / 2 - 0.5
    return row[:, None] & column


def _window(size: int) -> NDArray[np.float64]:
    distance = np.arange(size) - (size - 1) / 2
    weight: NDArray[np.float64] = np.exp(-0.5 * (distance / (WINDOW * size)) ** 2)
    return weight


def _spread(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let a mask (N, H, W) grow by its neighbours above, below, left and right."""
    wider = mask.copy()
    wider[:, 1:] |= mask[:, :-1]
    wider[:, :-1] |= mask[:, 1:]
    wider[:, :, 1:] |= mask[:, :, :-1]
    wider[:, :, :-1] |= mask[:, :, 1:]
    return wider


def _ends(profile: NDArray) -> tuple[NDArray, NDArray]:
    """Return where a profile (N, size) has passed `TAIL` of its sum, from either end."""
    share = np.cumsum(profile, axis=1) / np.maximum(profile.sum(axis=1, keepdims=True), 1)
    first = (share < TAIL).sum(axis=1)
    last = (share < 1 - TAIL).sum(axis=1)
    return first, np.minimum(last, profile.shape[1] - 1)
