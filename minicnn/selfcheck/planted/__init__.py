"""Code with known mistakes, and right code that looks like it had some: what checkers are for.

Each file holds the mistakes of one family, each as a short change to right code (in ``right``,
or at the top of the file) with a sentence that says what it is and how it comes about.
`cases` lists them all; `minicnn.selfcheck.planted.table` turns the gradient checker on them.
"""

from __future__ import annotations

from importlib import import_module

from minicnn.selfcheck.planted.case import Case

__all__ = ["FAMILIES", "Case", "cases"]

FAMILIES = (
    "convolution",
    "pooling",
    "linear",
    "activations",
    "normalization",
    "losses",
    "dropout",
    "ownership",
    "promises",
    "pairs",
    "models",
    "kinks",
    "ties",
    "numbers",
    "precision",
    "arrays",
    "manners",
)


def cases() -> list[Case]:
    """Return all planted cases, family by family."""
    found: list[Case] = []
    for family in FAMILIES:
        found.extend(import_module(f"{__name__}.{family}").family.cases)
    return found
