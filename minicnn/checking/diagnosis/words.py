"""Axes and indices: the sets to try, and how a sentence lists them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

MOST_LISTED = 8


def subsets(axes: Sequence[int], fewest: int = 1) -> Iterator[tuple[int, ...]]:
    """Yield the sets of some axes, small ones first, and of those the ones of the last axes.

    The last axes are those of the picture, where most is turned or moved by mistake.
    """
    for count in range(fewest, len(axes) + 1):
        for chosen in itertools.combinations(reversed(axes), count):
            yield tuple(sorted(chosen))


def listed(numbers: Iterable[Any]) -> str:
    """Spell whole numbers in a row, the first few of many."""
    every = [str(int(n)) for n in numbers]
    return ", ".join(every[:MOST_LISTED]) + (", ..." if len(every) > MOST_LISTED else "")


def axes_listed(axes: Sequence[int]) -> str:
    """Spell ``axis 1`` or ``axes 1, 2``."""
    return ("axis " if len(axes) == 1 else "axes ") + listed(axes)
