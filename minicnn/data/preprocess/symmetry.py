"""The axis of symmetry of a frontal chest X-ray: how far it leans, and where it stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The axis is looked for this far from the middle, as a share of the width: farther out, too
# little is left to compare.
FARTHEST = 0.2
# Patients stand nearly upright and in the middle: the asymmetry that outweighs the largest
# angle looked for, and the largest distance.
UPRIGHT, CENTRED = 0.04, 0.25
# A find so near the rim of what was looked at (1) is none: the least lies beyond it.
EXTREME = 0.85
COARSE, FINE = 3.0, 1.0  # degrees between the angles tried
# Rows and columns count less towards the border, where letters, arms and the edge itself are.
WINDOW = 0.3


def find_axis(x: NDArray, largest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the line about which each image resembles its mirror image most.

    The image is turned by each of many angles, and mirrored about each of many columns;
    of all, the pair (angle, column) is taken at which

        sum w (x - mirrored x)^2 / (2 sum w (x - mean)^2)

    is least, plus a little for what is unlikely (`UPRIGHT`, `CENTRED`): 0 for perfect
    symmetry, 1 where both sides know nothing of each other. Between the angles and columns
    that were tried, the place of the least follows from a parabola.

    Parameters
    ----------
    x
        (N, H, W), float; small images do, detail does not help.
    largest
        The largest angle to try, in degrees; 0 looks for the column only.

    Returns
    -------
    angle : NDArray
        (N,) degrees by which to turn each image, clockwise positive, so that its axis is upright.
    offset : NDArray
        (N,) columns from the middle to the axis of the turned image. Both are 0 where there
        is no axis to be found: in a constant image, or with one side of the chest white.
    """
    steps = int(np.ceil(largest / COARSE))
    angles = np.linspace(-largest, largest, 2 * steps + 1)  # the same for all images
    tried = np.broadcast_to(angles[:, None], (len(angles), len(x)))
    scores, offsets = _score(x, tried, largest)  # (A, N), (A, N)
    best, images = scores.argmin(axis=0), np.arange(len(x))
    if steps:
        # Around the best of the coarse angles once more, in smaller steps.
        around = np.arange(-COARSE + FINE, COARSE, FINE)  # (B,)
        tried = np.clip(angles[best] + around[:, None], -largest, largest)  # (B, N)
        scores, offsets = _score(x, tried, largest)
        best = scores.argmin(axis=0)
        inner = np.clip(best, 1, len(around) - 2)
        bend = _vertex(*(scores[inner + k, images] for k in (-1, 0, 1)))
        angle = tried[best, images] + np.where(best == inner, bend, 0) * FINE
    else:
        angle = tried[best, images]
    offset = offsets[best, images]
    farthest = max(FARTHEST * x.shape[2], 1)
    extreme = (angle / (largest or 1)) ** 2 + (offset / farthest) ** 2
    nothing = extreme > EXTREME**2
    return np.where(nothing, 0, angle), np.where(nothing, 0, offset)


def turn(x: NDArray, degrees: NDArray) -> NDArray:
    """Turn each image (N, H, W) clockwise about its middle by its own angle (N,)."""
    from minicnn.functional.warp import affine_warp

    angle = np.deg2rad(degrees)
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(len(x))
    matrix = np.stack([cos, -sin, zero, sin, cos, zero], axis=1).reshape(-1, 2, 3)  # (N, 2, 3)
    # Rows count downwards: the place a pixel comes from lies anticlockwise of it.
    return affine_warp(np.ascontiguousarray(x[:, None]), matrix.astype(x.dtype))[:, 0]


def _score(
    x: NDArray, tried: NDArray, largest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each angle (A, N), the asymmetry about the best column, and where that one is."""
    pairs = [_best_column(turn(x, degrees)) for degrees in tried]
    scores, offsets = zip(*pairs, strict=True)
    # Where nothing else decides, as in a constant image, what is likely does.
    unlikely = (tried / largest) ** 2 if largest else np.zeros(tried.shape)
    return np.stack(scores) + UPRIGHT * unlikely, np.stack(offsets)


def _best_column(x: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least asymmetry of each image (N, H, W) about a column, and that column's offset."""
    _, height, width = x.shape
    reach = int(FARTHEST * width)
    # The sum of two mirrored columns' numbers; between whole columns, the odd ones.
    sums = np.arange(width - 1 - 2 * reach, width + 2 * reach)  # (S,)
    sums = sums[(sums >= 1) & (sums <= 2 * width - 3)]
    if len(sums) == 0:
        return np.zeros(len(x)), np.zeros(len(x))
    row_weight = _window(np.arange(height) - (height - 1) / 2, height)  # (H,)
    found = np.empty((len(sums), len(x)))  # (S, N)
    for s, total in enumerate(sums):
        first, last = max(0, total - width + 1), min(width - 1, total)
        weight = row_weight[:, None] * _window(np.arange(first, last + 1) - total / 2, width)
        weight /= weight.sum()
        part = x[:, :, first : last + 1].astype(np.float64)  # (N, H, w)
        mean = np.einsum("nhw,hw->n", part, weight)[:, None, None]
        spread = np.einsum("nhw,hw->n", (part - mean) ** 2, weight)
        difference = np.einsum("nhw,hw->n", (part - part[:, :, ::-1]) ** 2, weight)
        found[s] = np.where(spread > 1e-12, difference / (2 * np.maximum(spread, 1e-12)), 1.0)
        found[s] += CENTRED * ((total - width + 1) / (2 * max(reach, 1))) ** 2
    best, images = found.argmin(axis=0), np.arange(len(x))
    inner = np.clip(best, 1, max(1, len(sums) - 2))
    if len(sums) >= 3:
        bend = _vertex(*(found[inner + k, images] for k in (-1, 0, 1)))
        place = sums[best] + np.where(best == inner, bend, 0)
    else:
        place = sums[best].astype(np.float64)
    return found[best, images], place / 2 - (width - 1) / 2


def _vertex(before: NDArray, here: NDArray, after: NDArray) -> NDArray[np.float64]:
    """Where the parabola through three values at -1, 0, 1 is least, within half a step."""
    curve = before - 2 * here + after
    place = (before - after) / (2 * np.where(curve > 1e-12, curve, 1.0))
    return np.where(curve > 1e-12, np.clip(place, -0.5, 0.5), 0.0)


def _window(distance: NDArray, size: int) -> NDArray[np.float64]:
    weight: NDArray[np.float64] = np.exp(-0.5 * (distance / (WINDOW * size)) ** 2)
    return weight
