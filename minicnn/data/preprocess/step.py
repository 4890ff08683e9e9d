"""What a step of the preprocessing is, and what the steps that give pixels share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, DataError

Shape = tuple[int, int, int]


class Step(Protocol):
    """One step of a `Preprocess`.

    ``name`` is its name in JSON; ``last`` says whether it comes after augmentation (which
    wants pixels in [0, 1]) rather than before.
    """

    name: ClassVar[str]
    last: ClassVar[bool]

    @property
    def fitted(self) -> bool:
        """Whether `fit` has been done, or has nothing to do."""

    def fit(self, images: NDArray) -> None:
        """Measure the training images, uint8 or float (N, C, H, W)."""

    def __call__(self, x: NDArray) -> NDArray:
        """Transform a float batch (N, C, H, W); the input is left alone."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return what images of shape (C, H, W) become; refuse what cannot be done."""

    def to_config(self) -> dict[str, Any]:
        """Return everything needed to build this step again, as JSON values."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the step from what `to_config` returned."""


@dataclasses.dataclass(frozen=True)
class PixelStep:
    """Base of the steps from pixels to pixels, both in [0, 1], before augmentation.

    Each image is treated by itself, so there is nothing to fit. A subclass is a frozen
    dataclass: its fields are the parameters, by their names on the command line and in
    JSON. It checks them in ``__post_init__``, implements ``__call__``, and where it changes
    the size of images `output_shape`.
    """

    name: ClassVar[str]
    last: ClassVar[bool] = False
    fitted: ClassVar[bool] = True

    def fit(self, images: NDArray) -> None:
        """Do nothing: every image is treated by itself."""

    def __call__(self, x: NDArray) -> NDArray:
        """Transform a float batch (N, C, H, W) of pixels in [0, 1]."""
        raise NotImplementedError

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``shape``: this step keeps the size of images."""
        return shape

    def to_config(self) -> dict[str, Any]:
        """Return name and parameters."""
        return {"step": self.name, **dataclasses.asdict(self)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the step; parameters left out have their usual values.

        Raises
        ------
        ArgumentError
            A parameter is unknown or has an impossible value.
        KeyError
            One is missing that has no usual value.
        """
        values = {key: value for key, value in config.items() if key != "step"}
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            takes = ", ".join(known) if known else "no parameters"
            raise ArgumentError(
                f"the step {cls.name} has no parameter {', '.join(unknown)}; it takes {takes}"
            )
        for field in dataclasses.fields(cls):
            if field.default is dataclasses.MISSING and field.name not in values:
                raise KeyError(field.name)
        return cls(**values)

    # ---- checks that several steps need ---------------------------------------------

    def _number(self, field: str, **bounds: float) -> None:
        value = check_number(f"{self.name}: {field}", getattr(self, field), **bounds)
        object.__setattr__(self, field, value)

    def _count(self, field: str, minimum: int = 1, *, odd: bool = False) -> None:
        value = check_count(f"{self.name}: {field}", getattr(self, field), minimum)
        if odd and value % 2 == 0:
            raise ArgumentError(
                f"{self.name}: {field} is {value}; give an odd number, so that there is a pixel "
                f"in the middle ({value - 1} or {value + 1})"
            )
        object.__setattr__(self, field, value)

    def _fits(self, field: str, shape: Shape) -> None:
        """Refuse a window or a grid of ``field`` pixels that is larger than the image."""
        size = getattr(self, field)
        _, height, width = shape
        if size > min(height, width):
            raise ArgumentError(
                f"{self.name}: {field} is {size}, but the images have {height} x {width} pixels "
                f"at this step; give at most {min(height, width)}"
            )


# Means of pixels may leave [0, 1] by their rounding; the nearest grey level is the same.
ROUNDING = 1e-4


def check_unit(name: str, x: NDArray) -> None:
    """Refuse pixels outside [0, 1]: float images in other units, or NaN."""
    if x.size and not (x.min() >= -ROUNDING and x.max() <= 1 + ROUNDING):
        raise DataError(
            f"{name} takes pixels from 0 to 1, and these go from {x.min():g} to {x.max():g}; "
            f"scale the images, or store them as uint8"
        )


def levels(x: NDArray) -> NDArray[np.uint8]:
    """Return the 8-bit grey levels of pixels in [0, 1]."""
    return np.rint(x * 255).astype(np.uint8)
