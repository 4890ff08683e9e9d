"""All changes with their strengths, drawn and done on a batch."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.data.augment import exposure, geometry
from minicnn.data.augment.cutout import cut_out
from minicnn.data.augment.mixup import Mix, draw_mix
from minicnn.data.filters import gaussian_blur
from minicnn.errors import ArgumentError, DtypeError, ShapeError

# Bounds of the strengths, as `check_number` takes them.
BOUNDS: dict[str, dict[str, float]] = {
    "rotation": {"minimum": 0, "maximum": 180},
    "translation": {"minimum": 0, "below": 1},
    "scale": {"minimum": 0, "below": 1},
    "brightness": {"minimum": 0, "maximum": 1},
    "contrast": {"minimum": 0, "below": 1},
    "gamma": {"minimum": 0, "maximum": 3},
    "flip": {"minimum": 0, "maximum": 1},
    "noise": {"minimum": 0, "maximum": 1},
    "blur": {"minimum": 0, "maximum": 10},
    "cutout": {"minimum": 0, "maximum": 1},
    "mixup": {"minimum": 0, "maximum": 10},
}


class Augment:
    """Change each image of a batch at random.

    Every strength is the largest change; the change of an image is drawn uniformly between
    its two extremes. All strengths 0 leave the images as they are. The changes come in the
    order in which a machine makes them: geometry, blur, exposure, noise, then the cut-out.

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
    noise : float
        Standard deviation of Gaussian noise on pixels in [0, 1], drawn from 0 up to this.
    blur : float
        Standard deviation of a Gaussian blur in pixels, drawn from 0 up to this; at most 10.
    cutout : float
        Side of a square painted grey, as a share of the image's side, drawn from 0 up to this.
    mixup : float
        alpha of `mix`: 0.2 mixes a little. Labels are mixed with the images, so this is not
        part of a call; whoever computes the loss asks for it.

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
        noise: float = 0.0,
        blur: float = 0.0,
        cutout: float = 0.0,
        mixup: float = 0.0,
    ) -> None:
        self.rotation = _strength("rotation", rotation)
        self.translation = _strength("translation", translation)
        self.scale = _strength("scale", scale)
        self.brightness = _strength("brightness", brightness)
        self.contrast = _strength("contrast", contrast)
        self.gamma = _strength("gamma", gamma)
        self.flip = _strength("flip", flip)
        self.noise = _strength("noise", noise)
        self.blur = _strength("blur", blur)
        self.cutout = _strength("cutout", cutout)
        self.mixup = _strength("mixup", mixup)

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
        if not (self.blur or self.noise or self.cutout):
            return self._expose(y, draws[5:])
        own = _generator_from(draws)
        sigma, side, down, right, grain = own.random((5, len(x)))  # (N,) each, in [0, 1)
        if self.blur:
            y = gaussian_blur(y, self.blur * sigma)
        y = self._expose(y, draws[5:])
        if self.noise:
            noise = own.standard_normal(y.shape, np.float32)  # (N, C, H, W)
            noise *= (self.noise * grain).astype(np.float32).reshape(-1, 1, 1, 1)
            y += noise
        if self.cutout:
            cut_out(y, self.cutout * side, down, right)
        return y

    def mix(self, count: int, rng: np.random.Generator) -> Mix | None:
        """Draw who is mixed with whom in a batch of ``count`` images; None without mix-up."""
        return draw_mix(count, self.mixup, rng) if self.mixup else None

    def matrices(self, draws: NDArray, height: int, width: int) -> NDArray[np.float64]:
        """Return the affine maps (N, 2, 3) of draws (5, N), see `geometry.matrices`."""
        return geometry.matrices(
            draws,
            (height, width),
            rotation=self.rotation,
            scale=self.scale,
            translation=self.translation,
            flip=self.flip,
        )

    def _move(self, x: NDArray, draws: NDArray) -> NDArray:
        if not (self.rotation or self.translation or self.scale or self.flip):
            return x.copy()
        from minicnn.functional.warp import affine_warp

        matrices = self.matrices(draws, x.shape[2], x.shape[3]).astype(x.dtype)
        return affine_warp(np.ascontiguousarray(x), matrices)

    def _expose(self, x: NDArray, draws: NDArray) -> NDArray:
        """Change the exposure of x in place and return it."""
        if self.gamma:
            exposure.bend(x, np.exp(self.gamma * draws[0]))
        if self.contrast or self.brightness:
            exposure.stretch(x, 1 + self.contrast * draws[1], self.brightness * draws[2])
        return x

    def to_config(self) -> dict[str, float]:
        """Return all strengths."""
        return {name: getattr(self, name) for name in BOUNDS}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the augmentation from what `to_config` returned."""
        unknown = sorted(set(config) - set(BOUNDS))
        if unknown:
            raise ArgumentError(
                f"unknown augmentation {', '.join(unknown)}; "
                f"this version knows: {', '.join(BOUNDS)}"
            )
        return cls(**config)

    def __repr__(self) -> str:
        strengths = ", ".join(f"{k}={v:g}" for k, v in self.to_config().items() if v)
        return f"Augment({strengths})"


def parse_strengths(text: str) -> dict[str, float]:
    """Read strengths from words, as ``noise=0.05,cutout=0.3``.

    Raises
    ------
    ArgumentError
        A change is unknown or named twice, or its strength is no number or out of bounds.
    """
    strengths: dict[str, float] = {}
    for part in text.split(","):
        name, _, word = part.partition("=")
        if name not in BOUNDS:
            near = difflib.get_close_matches(name, BOUNDS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ArgumentError(
                f"there is no augmentation {name!r}; {hint}known: {', '.join(BOUNDS)}; "
                f"write NAME=STRENGTH,..."
            )
        if name in strengths:
            raise ArgumentError(f"the augmentation {name} is given twice; give it once")
        try:
            value = float(word)
        except ValueError:
            raise ArgumentError(
                f"the augmentation {name} is {word!r}; write its strength as a number, "
                f"as {name}=0.1"
            ) from None
        strengths[name] = _strength(name, value)
    return strengths


def _strength(name: str, value: float) -> float:
    return check_number(name, value, **BOUNDS[name])


def _generator_from(draws: NDArray[np.float64]) -> np.random.Generator:
    """Return a generator for what needs many numbers, seeded by a batch's first draws.

    Taken from the batch's own generator, they would move all that comes after them.
    """
    words = draws.ravel()[:16].view(np.uint32)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(words.tolist())))
