"""What a report would pass over in silence: parameters where the checker does not look."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

LISTED = 6


def unchecked_note(target: Any) -> str:
    """Name the arrays of an object that are no input and stand in no ``params``; empty if none.

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
        if getattr(target, "params", None):
            return ""
        found = list(_arrays(target))
        if found:
            shown = ", ".join(found[:LISTED]) + ", ..." * (len(found) > LISTED)
            return (
                f"only inputs were checked: {shown} {'are' if len(found) > 1 else 'is'} in no "
                "dict `params` of what was checked; if these are parameters, let self.params "
                "hold them, and self.grads their gradients under the same names"
            )
    return ""


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
