"""Normalisation: pixels become numbers around 0 with a spread of about 1.

=====================  =======================================================
fixed                  `Normalize` with mean and standard deviation given
per data set           `Normalize` without: measured on the training images
per image              `NormalizeImage`: each image its own; forgets exposure
=====================  =======================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from minicnn.data.preprocess.step import Shape
from minicnn.errors import ArgumentError, DataError, ShapeError, StateError

# Images per slice when a whole data set is measured: bounds the memory.
CHUNK = 1024
# Least standard deviation of an image that is stretched: two grey levels of 256. What
# varies less is noise of the sensor or a constant image, and would be blown up.
FAINT = 2 / 255


class Normalize:
    """Subtract a mean and divide by a standard deviation, per channel.

    Parameters
    ----------
    mean, std : sequence of float, optional
        One value per channel, on pixels in [0, 1]. Left out, `fit` measures them over all
        training pixels. A channel that never varies is only centred, never divided by 0.
    """

    name: ClassVar[str] = "normalize"
    last: ClassVar[bool] = True

    def __init__(
        self, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
    ) -> None:
        if (mean is None) != (std is None):
            raise ArgumentError("normalize got one of mean and std; give both, or none to fit them")
        self.mean = None if mean is None else _floats("mean", mean)
        self.std = None if std is None else _floats("std", std)
        if self.mean is not None and self.std is not None:
            if len(self.mean) != len(self.std):
                raise ArgumentError(
                    f"normalize got {len(self.mean)} means and {len(self.std)} standard "
                    "deviations; expected one of each per channel"
                )
            if min(self.std) <= 0:
                raise ArgumentError(f"normalize got std {list(self.std)}; each must be above 0")

    @property
    def fitted(self) -> bool:
        """Whether mean and standard deviation are known."""
        return self.mean is not None

    def fit(self, images: NDArray) -> None:
        """Measure mean and standard deviation, unless they were given."""
        if self.mean is not None:
            return
        mean, std = _moments(images)
        self.mean = tuple(mean.tolist())
        self.std = tuple(np.where(std > 0, std, 1.0).tolist())

    def __call__(self, x: NDArray) -> NDArray:
        """Return (x - mean) / std."""
        if self.mean is None or self.std is None:
            raise StateError("normalize was not fitted; call Preprocess.fit(train images) first")
        if x.shape[1] != len(self.mean):
            raise ShapeError(
                f"the images have {x.shape[1]} channels, the model's preprocessing was fitted on "
                f"{len(self.mean)}; give images with {len(self.mean)} channels"
            )
        mean = np.asarray(self.mean, x.dtype)[:, None, None]  # (C, 1, 1)
        std = np.asarray(self.std, x.dtype)[:, None, None]  # (C, 1, 1)
        y: NDArray = (x - mean) / std
        return y

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape``; refuse another number of channels than was fitted."""
        if self.mean is not None and len(self.mean) != shape[0]:
            raise ShapeError(
                f"normalize has {len(self.mean)} means, and the images have {shape[0]} channels; "
                f"give one mean and one standard deviation per channel"
            )
        return shape

    def to_config(self) -> dict[str, Any]:
        """Return mean and standard deviation."""
        if self.mean is None or self.std is None:
            raise StateError("normalize was not fitted; call Preprocess.fit(train images) first")
        return {"step": self.name, "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the step from its means and standard deviations."""
        return cls(config["mean"], config["std"])

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class NormalizeImage:
    """Subtract an image's own mean and divide by its own standard deviation, per channel.

    Whatever the exposure, every image comes out with mean 0 and deviation 1; how bright an
    image was is forgotten, and so is the brightness that a finding may add to it. An image
    that varies by less than two grey levels of 256 is only centred: a constant one gives
    zeros.
    """

    name: ClassVar[str] = "normalize-image"
    last: ClassVar[bool] = True
    fitted: ClassVar[bool] = True

    def fit(self, images: NDArray) -> None:
        """Do nothing: every image is treated by itself."""

    def __call__(self, x: NDArray) -> NDArray:
        """Return (x - mean) / std, both those of each image's channel."""
        mean = x.mean(axis=(2, 3), keepdims=True, dtype=np.float64)  # (N, C, 1, 1)
        std = x.std(axis=(2, 3), keepdims=True, dtype=np.float64)  # (N, C, 1, 1)
        faint = std < FAINT
        y: NDArray = (x - mean.astype(x.dtype)) / np.where(faint, 1.0, std).astype(x.dtype)
        return y

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape``: the size stays."""
        return shape

    def to_config(self) -> dict[str, Any]:
        """Return the name: there are no parameters."""
        return {"step": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the step, which has no parameters."""
        unknown = sorted(set(config) - {"step"})
        if unknown:
            raise ArgumentError(
                f"the step {cls.name} has no parameter {', '.join(unknown)}; it takes no parameters"
            )
        return cls()

    def __repr__(self) -> str:
        return "NormalizeImage()"


def _moments(images: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation per channel, (C,) each, on pixels in [0, 1]."""
    if len(images) == 0:
        raise DataError("there are no training images to fit the preprocessing on")
    channels = images.shape[1]
    if images.dtype == np.uint8:
        # 256 counts per channel say all there is to say, exactly, in little memory.
        counts = np.zeros((channels, 256))
        for part in _slices(images):
            for c in range(channels):
                counts[c] += np.bincount(part[:, c].ravel(), minlength=256)
        levels = np.arange(256) / 255  # (256,)
        share = counts / counts.sum(axis=1, keepdims=True)  # (C, 256)
        mean = (share * levels).sum(axis=1)
        variance = (share * (levels - mean[:, None]) ** 2).sum(axis=1)
        return mean, np.sqrt(variance)
    total, squares = np.zeros(channels), np.zeros(channels)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    pixels = images[:, 0].size
    for part in _slices(images):
        if not np.isfinite(part).all():
            bad = int(np.argmin(np.isfinite(images).all(axis=(1, 2, 3))))
            raise DataError(
                f"the training images hold NaN or infinity (first in image {bad}); "
                "remove or mend these images"
            )
        total += part.sum(axis=(0, 2, 3), dtype=np.float64)
        low = np.minimum(low, part.min(axis=(0, 2, 3)))
        high = np.maximum(high, part.max(axis=(0, 2, 3)))
    mean = total / pixels
    # The mean first: the difference of two large sums of squares would lose its digits.
    for part in _slices(images):
        squares += ((part - mean[:, None, None]) ** 2).sum(axis=(0, 2, 3))
    return mean, np.where(low == high, 0.0, np.sqrt(squares / pixels))


def _slices(images: NDArray) -> Iterator[NDArray]:
    for start in range(0, len(images), CHUNK):
        yield images[start : start + CHUNK]


def _floats(name: str, values: Sequence[float]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(v) for v in values)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"normalize got {name} {values!r}; expected numbers, one per channel"
        ) from error
    if not numbers or not np.isfinite(numbers).all():
        raise ArgumentError(f"normalize got {name} {values!r}; expected one finite number each")
    return numbers
