"""The steps by their names, and from JSON to a step."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from minicnn.data.preprocess.step import Step
from minicnn.errors import ArgumentError

# Where each step lives: imported when it is asked for.
STEPS: dict[str, tuple[str, str]] = {
    "align": ("align", "Align"),
    "crop": ("resample", "Crop"),
    "resize": ("resample", "Resize"),
    "median": ("denoise", "Median"),
    "gaussian": ("denoise", "Gaussian"),
    "nlm": ("nonlocal_means", "NonLocalMeans"),
    "equalize": ("equalize", "Equalize"),
    "clahe": ("clahe", "CLAHE"),
    "normalize": ("normalize", "Normalize"),
    "normalize-image": ("normalize", "NormalizeImage"),
}


def step_class(name: str) -> type[Step]:
    """Return the class of a step of `STEPS`."""
    module, kind = STEPS[name]
    package = importlib.import_module(f"minicnn.data.preprocess.{module}")
    return cast("type[Step]", getattr(package, kind))


def step_from(entry: Any) -> Step:
    """Build one step from its JSON object.

    Raises
    ------
    ArgumentError
        It is unknown, incomplete or has impossible values.
    """
    name = entry.get("step") if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or name not in STEPS:
        raise ArgumentError(
            f"unknown preprocessing step {name!r}; this version knows: {', '.join(STEPS)}. "
            "The model may come from a newer minicnn: update it"
        )
    try:
        return step_class(name).from_config(entry)
    except KeyError as error:
        raise ArgumentError(
            f"the preprocessing step {name!r} lacks {error}; the file is damaged"
        ) from error
