"""Digital damage: coarse pixels and strong compression."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pixelate(x: Floats, share: float, rng: np.random.Generator) -> Floats:
    """Reduce height and width to a ``share`` of themselves, and enlarge again in blocks.

    Each coarse pixel is the mean of the area it covers; each fine one the mean of the
    coarse ones under it. Takes and returns pixels (N, C, H, W) in [0, 1].
    """
    for axis in (2, 3):
        n = x.shape[axis]
        coarse = max(1, math.floor(n * share))
        down = areas(n, coarse)  # (M, N)
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ (areas(coarse, n) @ down).T, -1, axis)
    return x


def areas(n_in: int, n_out: int) -> Floats:
    """Weights (M, N) that average ``n_in`` equal cells into ``n_out``, by overlap."""
    edges_in, edges_out = np.arange(n_in + 1) / n_in, np.arange(n_out + 1) / n_out
    low = np.maximum(edges_out[:-1, None], edges_in[None, :-1])  # (M, N)
    high = np.minimum(edges_out[1:, None], edges_in[None, 1:])
    overlap = np.maximum(high - low, 0)
    weights: Floats = overlap / overlap.sum(axis=1, keepdims=True)
    return weights


def jpeg(images: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Compress and open again, uint8 (N, C, H, W) with 1 or 3 channels.

    Other numbers of channels are compressed one by one.
    """
    from PIL import Image

    out = np.empty_like(images)
    colour = images.shape[1] == 3
    for i, image in enumerate(images):
        planes = [image.transpose(1, 2, 0)] if colour else list(image)
        opened = []
        for plane in planes:
            file = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(plane)).save(file, "JPEG", quality=quality)
            with Image.open(file) as picture:
                opened.append(np.asarray(picture))
        out[i] = opened[0].transpose(2, 0, 1) if colour else np.stack(opened)
    return out
