"""What a table hands back: text to print, numbers for JSON, a picture, ratios for the goals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One number that a goal may be about, named as in `benchmarks.goals`."""

    table: str
    work: str
    peer: str
    value: float


@dataclass(frozen=True)
class Outcome:
    """The result of one table.

    Attributes
    ----------
    text
        Markdown.
    data
        Whatever JSON can hold.
    draw
        Writes the picture to a path.
    measured
        What is compared with the goals.
    """

    text: str
    data: Any
    draw: Callable[[Path], None]
    measured: list[Measured] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """What the command line asks of a table.

    Attributes
    ----------
    seconds
        Budget per row.
    works
        Instead of the usual pieces of work; empty for the usual ones.
    peers
        The only peers to take part, by the beginning of their names; empty for all.
    block
        See `benchmarks.harness`.
    """

    seconds: float
    works: tuple[Any, ...] = ()
    peers: tuple[str, ...] = ()
    block: float = 0.03

    def wants(self, peer: str) -> bool:
        """Say whether a peer may take part."""
        return not self.peers or any(peer.startswith(name) for name in self.peers)
