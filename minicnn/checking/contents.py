"""The arrays that an object holds: listed by name, and brought to float64."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.memento import reachable


def flatten(arrays: Any, prefix: str = "", numbers: bool = False) -> dict[str, NDArray]:
    """Return the arrays (and numbers) of nested dicts and lists by their path."""
    found: dict[str, NDArray] = {}
    if isinstance(arrays, Mapping):
        items: Iterable[tuple[Any, Any]] = arrays.items()
    elif isinstance(arrays, list | tuple):
        items = enumerate(arrays)
    else:
        return found
    for key, value in items:
        if isinstance(value, np.ndarray):
            found[f"{prefix}{key}"] = value
        elif numbers and isinstance(value, float | np.floating):
            found[f"{prefix}{key}"] = np.asarray(value)
        elif isinstance(value, Mapping | list | tuple):
            found |= flatten(value, f"{prefix}{key}.", numbers)
    return found


def promote(target: Any) -> None:
    """Turn every float32 array that an object holds into float64, in every place it is held.

    A layer that can do so itself is asked to (``astype``).
    """
    astype = getattr(target, "astype", None)
    if callable(astype):
        astype(np.float64)
        return
    doubled: dict[int, NDArray] = {}

    def double(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype == np.float32:
            if id(value) not in doubled:
                doubled[id(value)] = value.astype(np.float64)
            return doubled[id(value)]
        return value

    for thing in list(reachable(target)):
        if isinstance(thing, dict):
            for key in thing:
                thing[key] = double(thing[key])
        elif isinstance(thing, list):
            thing[:] = [double(value) for value in thing]
        elif isinstance(vars_of := getattr(thing, "__dict__", None), dict):
            for key in vars_of:
                vars_of[key] = double(vars_of[key])
