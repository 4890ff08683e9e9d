"""What happens to an image before the network sees it, as a list of steps stored with the model.

    uint8 (N, C, H, W) -> pixel steps -> float in [0, 1] -> (augmentation, in training)
                                                         -> last steps

The pixel steps need nothing but the image, so they run once per image and not once per
epoch; their result is kept in the type of the images, as a rule uint8. The last steps are
fitted on the training images. All of it is written to JSON, so that ``predict`` does exactly
what ``train`` did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.data.preprocess.normalize import Normalize
from minicnn.data.preprocess.registry import step_from
from minicnn.data.preprocess.step import Shape, Step
from minicnn.data.progress import Progress, reporting
from minicnn.errors import ArgumentError, DtypeError, ShapeError

# Pixels that are floats at the same time while a whole data set is prepared: bounds the memory.
CHUNK_PIXELS = 1 << 17


class Preprocess:
    """A list of steps from stored images to the network's input.

    Parameters
    ----------
    steps : iterable of Step, optional
        By default `Normalize` alone. First the steps that give pixels, then at most one that
        normalises them.

    Examples
    --------
    >>> preprocess = Preprocess().fit(splits.train.images)  # doctest: +SKIP
    >>> x = preprocess(splits.val.images)  # doctest: +SKIP
    """

    def __init__(self, steps: Iterable[Step] | None = None) -> None:
        self.steps: list[Step] = [Normalize()] if steps is None else list(steps)
        names = ", ".join(step.name for step in self.steps)
        turns = [step.last for step in self.steps]
        if turns != sorted(turns):
            first = self.steps[turns.index(True)].name
            raise ArgumentError(
                f"the steps {names} are in an impossible order: "
                f"{first} turns pixels into other numbers and comes last"
            )
        if sum(turns) > 1:
            raise ArgumentError(
                f"the steps {names} normalise {sum(turns)} times; the last time would undo the "
                f"others: keep one"
            )

    @property
    def pixel_steps(self) -> list[Step]:
        """The steps before augmentation."""
        return [step for step in self.steps if not step.last]

    @property
    def fitted(self) -> bool:
        """Whether nothing is left to be measured on training images."""
        return all(step.fitted for step in self.steps)

    def fit(self, images: NDArray) -> Self:
        """Fit the steps on the training images, uint8 or float (N, C, H, W); return self."""
        self.fit_prepare(images)
        return self

    def fit_prepare(self, images: NDArray, progress: Progress = False) -> NDArray:
        """Do `fit` and return what `prepare` gives, in one go."""
        prepared = self.prepare(images, progress)
        for step in self.steps:
            step.fit(prepared if step.last else images)
        return prepared

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape (C, H, W) that images of another shape have for the network.

        Raises
        ------
        ArgumentError, ShapeError
            A step cannot be done on such images, as a crop larger than they are.
        """
        for step in self.steps:
            shape = step.output_shape(shape)
        return shape

    def prepare(self, images: NDArray, progress: Progress = False) -> NDArray:
        """Do the pixel steps, a few images at a time.

        Parameters
        ----------
        images : NDArray
            (N, C, H, W), uint8 or float.
        progress : bool or callable
            True shows a bar; a callable is told (done, total) after each slice.

        Returns
        -------
        NDArray
            (N, C, H', W') of the same dtype: uint8 is rounded once, after the last of these
            steps. Without such steps, the images themselves.
        """
        _check_images(images)
        steps = self.pixel_steps
        if not steps:
            return images
        count, *rest = images.shape
        shape = (rest[0], rest[1], rest[2])
        for step in steps:
            shape = step.output_shape(shape)
        prepared = np.empty((count, *shape), images.dtype)
        size = max(1, CHUNK_PIXELS // max(1, int(np.prod(rest))))
        with reporting(progress, count, "preprocessing", "image") as advance:
            for start in range(0, count, size):
                part = slice(start, start + size)
                x = to_float(images[part])
                for step in steps:
                    x = step(x)
                prepared[part] = np.rint(x * 255) if images.dtype == np.uint8 else x
                advance(len(x))
        return prepared

    def finishing(self) -> Preprocess:
        """Return what is left to do for images that `prepare` has seen."""
        return Preprocess([step for step in self.steps if step.last])

    def __call__(self, images: NDArray, dtype: DTypeLike = np.float32) -> NDArray:
        """Turn images (N, C, H, W), uint8 or float, into the network's input.

        uint8 is divided by 255; floats are taken as they are.
        """
        return self.after_augmentation(self.before_augmentation(images, dtype))

    def before_augmentation(self, images: NDArray, dtype: DTypeLike = np.float32) -> NDArray:
        """Do the part that still gives pixels, (N, C, H, W) in [0, 1] for uint8 images."""
        return to_float(self.prepare(images), dtype)

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
        return cls([step_from(entry) for entry in steps])

    def __repr__(self) -> str:
        return f"Preprocess({self.steps})"


def to_float(images: NDArray, dtype: DTypeLike = np.float32) -> NDArray:
    """Turn uint8 into [0, 1]; take floats as they are. Always a copy, (N, C, H, W)."""
    x = images.astype(dtype)
    if images.dtype == np.uint8:
        x /= 255
    return x


def _check_images(images: NDArray) -> None:
    if images.ndim != 4:
        raise ShapeError(f"images have shape {images.shape}; expected (N, C, H, W)")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise DtypeError(f"images are {images.dtype}; expected uint8 or a float type")
