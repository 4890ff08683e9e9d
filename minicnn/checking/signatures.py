"""What can be read off a function or an object without calling it: names, counts, words."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """Name the first ``count`` positional arguments of a function."""
    names: list[str] = []
    try:
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                names.append(parameter.name)
    except (TypeError, ValueError):
        pass
    names += [f"input{i}" for i in range(len(names), count)]
    if len(set(names[:count])) < count:
        return [f"input{i}" for i in range(count)]
    return names[:count]


def count_positional(function: Callable[..., Any]) -> int:
    """Count the positional arguments a function can take; many, if that cannot be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 99
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 99
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def describe(target: Any) -> str:
    """Call a target by its name or, where it is short, its repr."""
    name = getattr(target, "__name__", None)
    if isinstance(name, str):
        return name
    kind = type(target)
    if kind.__repr__ is not object.__repr__:
        try:
            text = " ".join(repr(target).split())
        except Exception:
            text = kind.__name__
        if len(text) <= 60:
            return text
    return kind.__name__


def kind_of(value: Any) -> str:
    """Say what kind of thing a value is, for an error message."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None:
        return "None"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
