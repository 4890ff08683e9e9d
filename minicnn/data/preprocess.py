"""What happens to an image before the network sees it, as a list of steps stored with the model.

    uint8 (N, C, H, W) -> float in [0, 1] -> steps -> (augmentation, in training) -> last steps

A step is fitted on the training images once, applied to everything afterwards, and written
to JSON, so that ``predict`` does exactly what ``train`` did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.errors import ArgumentError, DataError, DtypeError, ShapeError, StateError

# Images per slice when a whole data set is measured: bounds the memory.
CHUNK = 1024


class Step(Protocol):
    """One step of a `Preprocess`.

    ``name`` is its name in JSON; ``last`` says whether it comes after augmentation (which
    wants pixels in [0, 1]) rather than before.
    """

    name: ClassVar[str]
    last: ClassVar[bool]

    def fit(self, images: NDArray) -> None:
        """Measure the training images, uint8 or float (N, C, H, W)."""

    def __call__(self, x: NDArray) -> NDArray:
        """Transform a float batch (N, C, H, W); the input is left alone."""

    def to_config(self) -> dict[str, Any]:
        """Return everything needed to build this step again, as JSON values."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the step from what `to_config` returned."""


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


STEPS: dict[str, type[Step]] = {Normalize.name: Normalize}


class Preprocess:
    """A list of steps from stored images to the network's input.

    Parameters
    ----------
    steps : iterable of Step, optional
        By default `Normalize` alone.

    Examples
    --------
    >>> preprocess = Preprocess().fit(splits.train.images)  # doctest: +SKIP
    >>> x = preprocess(splits.val.images)  # doctest: +SKIP
    """

    def __init__(self, steps: Iterable[Step] | None = None) -> None:
        self.steps: list[Step] = [Normalize()] if steps is None else list(steps)
        turns = [step.last for step in self.steps]
        if turns != sorted(turns):
            raise ArgumentError(
                f"the steps {', '.join(s.name for s in self.steps)} are in an impossible order: "
                "normalize turns pixels into other numbers and comes last"
            )

    def fit(self, images: NDArray) -> Self:
        """Fit the steps on the training images, uint8 or float (N, C, H, W); return self."""
        _check_images(images)
        for step in self.steps:
            step.fit(images)
        return self

    def __call__(self, images: NDArray, dtype: DTypeLike = np.float32) -> NDArray:
        """Turn images (N, C, H, W), uint8 or float, into the network's input.

        uint8 is divided by 255; floats are taken as they are.
        """
        return self.after_augmentation(self.before_augmentation(images, dtype))

    def before_augmentation(self, images: NDArray, dtype: DTypeLike = np.float32) -> NDArray:
        """Do the part that still gives pixels, (N, C, H, W) in [0, 1] for uint8 images."""
        _check_images(images)
        x = images.astype(dtype)
        if images.dtype == np.uint8:
            x /= 255
        for step in self.steps:
            if not step.last:
                x = step(x)
        return x

    def after_augmentation(self, x: NDArray) -> NDArray:
        """Do the rest, on the float batch (N, C, H, W) that augmentation may have changed."""
        for step in self.steps:
            if step.last:
                x = step(x)
        return x

    def to_config(self) -> dict[str, Any]:
        """Return all steps as JSON values."""
        return {"steps": [step.to_config() for step in self.steps]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the pipeline from what `to_config` returned.

        Raises
        ------
        ArgumentError
            A step is unknown, incomplete or has impossible values.
        """
        steps = config.get("steps") if isinstance(config, Mapping) else None
        if not isinstance(steps, list):
            raise ArgumentError(
                "the preprocessing is described without a list 'steps'; the file is damaged or "
                "comes from another program"
            )
        return cls([_step_from(entry) for entry in steps])

    def __repr__(self) -> str:
        return f"Preprocess({self.steps})"


def _step_from(entry: Any) -> Step:
    name = entry.get("step") if isinstance(entry, Mapping) else None
    if name not in STEPS:
        raise ArgumentError(
            f"unknown preprocessing step {name!r}; this version knows: {', '.join(STEPS)}. "
            "The model may come from a newer minicnn: update it"
        )
    try:
        return STEPS[name].from_config(entry)
    except KeyError as error:
        raise ArgumentError(
            f"the preprocessing step {name!r} lacks {error}; the file is damaged"
        ) from error


def _check_images(images: NDArray) -> None:
    if images.ndim != 4:
        raise ShapeError(f"images have shape {images.shape}; expected (N, C, H, W)")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise DtypeError(f"images are {images.dtype}; expected uint8 or a float type")


def _moments(images: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation per channel, (C,) each, on pixels in [0, 1]."""
    if len(images) == 0:
        raise DataError("there are no training images to fit the preprocessing on")
    channels = images.shape[1]
    if images.dtype == np.uint8:
        # 256 counts per channel say all there is to say, exactly, in little memory.
        counts = np.zeros((channels, 256))
        for start in range(0, len(images), CHUNK):
            part = images[start : start + CHUNK]
            for c in range(channels):
                counts[c] += np.bincount(part[:, c].ravel(), minlength=256)
        levels = np.arange(256) / 255  # (256,)
        share = counts / counts.sum(axis=1, keepdims=True)  # (C, 256)
        mean = (share * levels).sum(axis=1)
        variance = (share * (levels - mean[:, None]) ** 2).sum(axis=1)
        return mean, np.sqrt(variance)
    if not np.isfinite(images).all():
        bad = int(np.argmin(np.isfinite(images).all(axis=(1, 2, 3))))
        raise DataError(
            f"the training images hold NaN or infinity (first in image {bad}); "
            "remove or mend these images"
        )
    mean = images.mean(axis=(0, 2, 3), dtype=np.float64)
    std = images.std(axis=(0, 2, 3), dtype=np.float64)
    constant = images.max(axis=(0, 2, 3)) == images.min(axis=(0, 2, 3))
    return mean, np.where(constant, 0.0, std)


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
