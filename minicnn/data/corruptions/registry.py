"""All corruptions by name, with the strengths of their five severities."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.data.corruptions import blur, digital, exposure, noise
from minicnn.errors import ArgumentError, DataError, DtypeError, ShapeError

SEVERITIES = (1, 2, 3, 4, 5)
# Images changed at once: bounds the memory of float64 pixels.
CHUNK = 512

Change = Callable[[NDArray[np.float64], Any, np.random.Generator], NDArray[np.float64]]


@dataclasses.dataclass(frozen=True)
class Corruption:
    """One way to spoil images.

    Parameters
    ----------
    name, group
        As in tables: ``"shot noise"`` of the group ``"noise"``.
    change
        The function; None for JPEG, which works on uint8 images.
    strengths
        Its argument at severity 1 ... 5.
    of_medmnist_c
        Whether MedMNIST-C applies it to chest X-rays.
    """

    name: str
    group: str
    change: Change | None
    strengths: tuple[Any, ...]
    of_medmnist_c: bool = True


def _table(strengths: Mapping[str, tuple[Any, ...]]) -> dict[str, Corruption]:
    changes: list[tuple[str, str, Change | None, bool]] = [
        ("gaussian noise", "noise", noise.gaussian_noise, True),
        ("speckle noise", "noise", noise.speckle_noise, True),
        ("impulse noise", "noise", noise.impulse_noise, True),
        ("shot noise", "noise", noise.shot_noise, True),
        ("gaussian blur", "blur", blur.gaussian_blur, True),
        ("defocus blur", "blur", blur.defocus_blur, False),
        ("motion blur", "blur", blur.motion_blur, False),
        ("zoom blur", "blur", blur.zoom_blur, False),
        ("brightness up", "exposure", exposure.brightness, True),
        ("brightness down", "exposure", exposure.brightness, True),
        ("contrast up", "exposure", exposure.contrast, True),
        ("contrast down", "exposure", exposure.contrast, True),
        ("gamma up", "exposure", exposure.gamma, True),
        ("gamma down", "exposure", exposure.gamma, True),
        ("pixelate", "digital", digital.pixelate, True),
        ("jpeg", "digital", None, True),
    ]
    return {
        name: Corruption(name, group, change, strengths[name], known)
        for name, group, change, known in changes
    }


# Of MedMNIST-C for both its chest sets; the three blurs it does not apply there carry its
# strengths for blood cells (defocus), ultrasound (motion) and dermatoscope images (zoom).
_COMMON: dict[str, tuple[Any, ...]] = {
    "gaussian blur": (3, 5, 7, 9, 11),
    "defocus blur": (2, 3, 4, 5, 6),
    "motion blur": ((5, 5), (9, 7), (9, 10), (13, 10), (17, 12)),
    "zoom blur": (1.10, 1.15, 1.20, 1.25, 1.30),
    "brightness up": (1.1, 1.2, 1.3, 1.4, 1.5),
    "brightness down": (0.9, 0.8, 0.7, 0.6, 0.5),
    "contrast up": (1.1, 1.2, 1.3, 1.4, 1.6),
    "contrast down": (0.9, 0.8, 0.7, 0.6, 0.4),
    "gamma up": (1.1, 1.2, 1.3, 1.4, 1.6),
    "gamma down": (0.9, 0.8, 0.7, 0.6, 0.4),
    "jpeg": (50, 30, 15, 10, 7),
}
_ONE_CLASS = _table(  # its strengths for PneumoniaMNIST
    {
        **_COMMON,
        "gaussian noise": (0.04, 0.05, 0.06, 0.07, 0.08),
        "speckle noise": (0.05, 0.07, 0.10, 0.15, 0.20),
        "impulse noise": (0.005, 0.010, 0.013, 0.017, 0.020),
        "shot noise": (300, 200, 150, 100, 80),
        "pixelate": (0.8, 0.7, 0.6, 0.5, 0.4),
    }
)
_SEVERAL_LABELS = _table(  # its strengths for ChestMNIST
    {
        **_COMMON,
        "gaussian noise": (0.04, 0.08, 0.12, 0.18, 0.26),
        "speckle noise": (0.05, 0.15, 0.20, 0.35, 0.45),
        "impulse noise": (0.01, 0.03, 0.06, 0.09, 0.17),
        "shot noise": (60, 25, 18, 10, 5),
        "pixelate": (0.30, 0.25, 0.20, 0.15, 0.10),
    }
)
NAMES = tuple(_ONE_CLASS)


def table_for(multilabel: bool) -> dict[str, Corruption]:
    """Return the corruptions by name, as strong as MedMNIST-C makes them for such a task.

    It is milder where an image has one class (PneumoniaMNIST) than where it has several
    labels (ChestMNIST).
    """
    return dict(_SEVERAL_LABELS if multilabel else _ONE_CLASS)


def corrupt(
    images: NDArray, name: str, severity: int, *, multilabel: bool = False, seed: int = 0
) -> NDArray[np.uint8]:
    """Return corrupted copies.

    Parameters
    ----------
    images
        (N, C, H, W), uint8; floats must lie in [0, 1].
    name
        One of `NAMES`.
    severity
        1 (mild) to 5.
    multilabel
        Which strengths, see `table_for`.
    seed
        Of the random ones. The same seed, name and severity give the same images.

    Returns
    -------
    NDArray
        (N, C, H, W) uint8.

    Raises
    ------
    ShapeError, DtypeError, DataError
        If the images are not of that kind.
    ArgumentError
        If name or severity is unknown.
    """
    known = table_for(multilabel)
    if name not in known:
        raise ArgumentError(f"unknown corruption {name!r}; expected one of: {', '.join(known)}")
    if severity not in SEVERITIES:
        raise ArgumentError(f"severity is {severity!r}; expected a whole number from 1 (mild) to 5")
    check_count("seed", seed, 0)
    _check_images(images)
    one = known[name]
    strength = one.strengths[severity - 1]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), severity])
    out = np.empty(images.shape, dtype=np.uint8)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        pixels = part / 255 if part.dtype == np.uint8 else part.astype(np.float64)
        if one.change is None:
            out[start : start + CHUNK] = digital.jpeg(to_uint8(pixels), strength)
        else:
            out[start : start + CHUNK] = to_uint8(one.change(pixels, strength, rng))
    return out


def to_uint8(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Round pixels in [0, 1] to the nearest of 256 levels; beyond is cut off."""
    levels: NDArray[np.uint8] = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels


def _check_images(images: NDArray) -> None:
    if images.ndim != 4:
        raise ShapeError(f"images to corrupt have shape {images.shape}; expected (N, C, H, W)")
    if images.dtype == np.uint8 or not images.size:
        return
    if images.dtype.kind != "f":
        raise DtypeError(f"images to corrupt are {images.dtype}; expected uint8 or a float type")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"images to corrupt reach from {low:g} to {high:g}; expected pixels in [0, 1], or "
            f"uint8: a corruption is stated in shares of white"
        )
