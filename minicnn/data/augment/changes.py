"""Augmentation: small random changes that leave the diagnosis as it is.

No two patients stand alike before the film, and no two machines expose alike. A network
that has seen each image slightly turned, moved, scaled, brightened and stretched cannot
learn a position or an exposure by heart. Geometry is one affine map per image, sampled
once, so that combining rotation, scale and shift blurs no more than one of them alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.errors import ArgumentError, DtypeError, ShapeError


class Augment:
    """Change each image of a batch at random.

    Every strength is the largest change; the change of an image is drawn uniformly between
    its two extremes. All strengths 0 leave the images as they are.

    Parameters
    ----------
    rotation : float
        Degrees, at most 180.
    translation : float
        Share of the image's height and width, below 1.
    scale : float
        Relative change of size, below 1: 0.1 draws factors from 0.9 to 1.1.
    brightness : float
        Added to pixels in [0, 1].
    contrast : float
        Relative change of each pixel's distance from its image's mean, below 1.
    gamma : float
        The image is raised to a power between exp(-gamma) and exp(gamma), which bends the
        exposure curve; pixels outside [0, 1] are clipped first. 0 leaves this out.
    flip : float
        Probability of a mirror image, left and right exchanged. Off by default: it moves
        the heart to the other side.

    Notes
    -----
    The defaults are the range of pose and exposure of ordinary frontal chest X-rays.
    Shifts of brightness and contrast matter most for carrying over to another hospital.
    """

    def __init__(
        self,
        *,
        rotation: float = 10.0,
        translation: float = 0.08,
        scale: float = 0.12,
        brightness: float = 0.12,
        contrast: float = 0.25,
        gamma: float = 0.0,
        flip: float = 0.0,
    ) -> None:
        self.rotation = check_number("rotation", rotation, minimum=0, maximum=180)
        self.translation = check_number("translation", translation, minimum=0, below=1)
        self.scale = check_number("scale", scale, minimum=0, below=1)
        self.brightness = check_number("brightness", brightness, minimum=0, maximum=1)
        self.contrast = check_number("contrast", contrast, minimum=0, below=1)
        self.gamma = check_number("gamma", gamma, minimum=0, maximum=3)
        self.flip = check_number("flip", flip, minimum=0, maximum=1)

    def __call__(self, x: NDArray, rng: np.random.Generator) -> NDArray:
        """Return a changed copy of the batch.

        Parameters
        ----------
        x : NDArray
            (N, C, H, W), float, pixels in [0, 1], before normalisation.
        rng : numpy.random.Generator
            Each image takes the same number of draws whatever the strengths, so that
            switching one change off leaves the others as they were.
        """
        if x.ndim != 4:
            raise ShapeError(f"the batch to augment has shape {x.shape}; expected (N, C, H, W)")
        if x.dtype.kind != "f":
            raise DtypeError(f"the batch to augment is {x.dtype}; expected float32 or float64")
        draws = rng.uniform(-1, 1, (8, len(x)))  # (8, N)
        # The warp only reads the batch; what follows works in place on its fresh result.
        y = self._move(x, draws[:5])
        return self._expose(y, draws[5:])

    def matrices(self, draws: NDArray, height: int, width: int) -> NDArray:
        """Return the affine maps (N, 2, 3) from output to input pixels.

        Parameters
        ----------
        draws : NDArray
            (5, N) in [-1, 1]: angle, scale, shift down, shift right, mirror.
        height, width : int
            Size of the images in pixels.
        """
        angle = np.deg2rad(self.rotation) * draws[0]  # (N,)
        # To show the image larger, the map from output to input takes smaller steps.
        step = 1 / (1 + self.scale * draws[1])  # (N,)
        mirror = np.where((draws[4] + 1) / 2 < self.flip, -1.0, 1.0)  # (N,)
        cos, sin = np.cos(angle) * step, np.sin(angle) * step
        down = self.translation * height * draws[2]
        right = self.translation * width * draws[3]
        rows = [[cos, -sin * mirror, down], [sin, cos * mirror, right]]
        return np.stack([np.stack(row, axis=1) for row in rows], axis=1)  # (N, 2, 3)

    def _move(self, x: NDArray, draws: NDArray) -> NDArray:
        if not (self.rotation or self.translation or self.scale or self.flip):
            return x.copy()
        from minicnn.functional.warp import affine_warp

        matrices = self.matrices(draws, x.shape[2], x.shape[3]).astype(x.dtype)
        return affine_warp(np.ascontiguousarray(x), matrices)

    def _expose(self, x: NDArray, draws: NDArray) -> NDArray:
        """Change the exposure of x in place and return it."""
        each = (len(x), 1, 1, 1)
        if self.gamma:
            np.clip(x, 0, 1, out=x)
            x **= np.exp(self.gamma * draws[0]).astype(x.dtype).reshape(each)
        if self.contrast or self.brightness:
            # y = (x - mean) factor + mean + shift
            factor = (1 + self.contrast * draws[1]).astype(x.dtype).reshape(each)
            shift = (self.brightness * draws[2]).astype(x.dtype).reshape(each)
            mean = x.mean(axis=(1, 2, 3), keepdims=True)  # (N, 1, 1, 1)
            x *= factor
            x += mean * (1 - factor) + shift
        return x

    def to_config(self) -> dict[str, float]:
        """Return all strengths."""
        return {name: getattr(self, name) for name in inspect.signature(Augment).parameters}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the augmentation from what `to_config` returned."""
        known = list(inspect.signature(Augment).parameters)
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise ArgumentError(
                f"unknown augmentation {', '.join(unknown)}; this version knows: {', '.join(known)}"
            )
        return cls(**config)

    def __repr__(self) -> str:
        strengths = ", ".join(f"{k}={v:g}" for k, v in self.to_config().items() if v)
        return f"Augment({strengths})"
