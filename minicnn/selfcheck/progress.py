"""How a long check tells what it is doing."""

from __future__ import annotations

from collections.abc import Callable

# Called with how many parts are done, how many there are, and the name of the next one.
Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, name: str) -> None:
    """Tell nobody."""
