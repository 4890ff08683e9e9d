"""What a report would pass over in silence: parameters that the checker does not recognise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

LISTED = 6


def unchecked_note(target: Any) -> str:
    """Name what may be a parameter and is not checked; empty if there is nothing.

    A layer that keeps its weights as ``self.W``, or a net that keeps its layers in a list,
    passes with wrong gradients of them all, since only ``params`` is known to hold parameters.

    Parameters
    ----------
    target
        Before its first forward, so that what it caches is not mistaken for a parameter.
    """
    if not hasattr(target, "forward"):
        return ""
    with contextlib.suppress(Exception):  # a property of theirs may raise
        if params := getattr(target, "params", None):
            return _odd(params)
        found = list(_arrays(target))
        if found:
            shown = ", ".join(found[:LISTED]) + ", ..." * (len(found) > LISTED)
            return (
                f"only inputs were checked: {shown} {'are' if len(found) > 1 else 'is'} in no "
                "dict `params` of what was checked; if these are parameters, let self.params "
                "hold them, and self.grads their gradients under the same names"
            )
    return ""


def _odd(params: Any) -> str:
    """Name what is in ``params`` and cannot be moved a little."""
    if not isinstance(params, dict):
        return ""
    # A np.float64 is no array, either: what cannot be written to is not moved.
    odd = [
        str(name)
        for name, value in params.items()
        if not (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    ]
    if not odd:
        return ""
    shown = ", ".join(odd[:LISTED]) + ", ..." * (len(odd) > LISTED)
    return (
        f"not checked: params holds {shown}, and only arrays of floats are differentiated; write "
        f"np.array(..., dtype=float) if {'these are parameters' if len(odd) > 1 else 'it is one'}"
    )


def _arrays(target: Any, prefix: str = "", depth: int = 2) -> Iterator[str]:
    for name, value in vars(target).items():
        if name in ("params", "grads"):
            continue
        yield from _within(value, f"{prefix}{name}", depth)


def _within(value: Any, name: str, depth: int) -> Iterator[str]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and value.size:
            yield name
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _within(item, f"{name}[{i}]", depth)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(item, f"{name}[{key!r}]", depth)
    elif depth and hasattr(value, "forward") and hasattr(value, "__dict__"):
        for key, item in (getattr(value, "params", None) or {}).items():
            yield from _within(item, f"{name}.params[{key!r}]", 0)
        yield from _arrays(value, f"{name}.", depth - 1)
