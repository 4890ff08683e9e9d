"""How a number of things is said."""

from __future__ import annotations


def count_of(number: int, noun: str) -> str:
    """Return ``"1 image"``, ``"1,200 images"``; only for nouns that take an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def verb(number: int, singular: str, plural: str) -> str:
    """Return the form of a verb that agrees with a number."""
    return singular if number == 1 else plural
