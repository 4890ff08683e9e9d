"""Which backends can be used here."""

from __future__ import annotations

from minicnn.backends import BACKENDS, use_backend
from minicnn.errors import ArgumentError


def usable_backends() -> list[str]:
    """Return the names of the backends that work here; ``"compiled"`` needs numba."""
    return [name for name in BACKENDS if not obstacle(name)]


def obstacle(name: str) -> str:
    """Say why a backend cannot be used here; empty if it can."""
    try:
        with use_backend(name):
            return ""
    except ArgumentError as error:
        return str(error)
