"""Checking the plain numbers a user passes: rates, strengths, counts."""

from __future__ import annotations

import math
import operator
from typing import Any

from minicnn.errors import ArgumentError


def check_number(
    name: str,
    value: Any,
    *,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
) -> float:
    """Return ``value`` as a float if it is a finite number inside the bounds.

    Parameters
    ----------
    name
        What to call the argument in an error.
    value
        A Python or NumPy number.
    minimum, maximum
        Bounds that the value may reach.
    above, below
        Bounds that it may not reach.

    Raises
    ------
    ArgumentError
        If it is not a number, NaN, infinite or out of bounds.
    """
    rules = (
        (minimum, ">=", operator.ge),
        (above, ">", operator.gt),
        (maximum, "<=", operator.le),
        (below, "<", operator.lt),
    )
    stated = [(bound, sign, holds) for bound, sign, holds in rules if bound is not None]
    try:
        # float() would take "0.1" and True, and neither is a number somebody meant.
        if isinstance(value, str | bytes | bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or not all(holds(number, bound) for bound, _, holds in stated):
        limits = " and ".join(f"{sign} {bound:g}" for bound, sign, _ in stated)
        raise ArgumentError(f"{name} is {value!r}; give a finite number {limits}".rstrip())
    return number


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Return ``value`` as an int if it is a whole number of at least ``minimum``.

    Raises
    ------
    ArgumentError
        If it is a float, a bool, no number at all, or too small.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise ArgumentError(
            f"{name} is {value!r}; give a whole number of at least {minimum}"
        ) from None
    if count < minimum:
        raise ArgumentError(f"{name} is {value!r}; give a whole number of at least {minimum}")
    return count


def check_axis(name: str, value: Any) -> int:
    """Return ``value`` as an int if it can number an axis, negative ones included.

    Raises
    ------
    ArgumentError
        If it is a float, a bool or no number at all.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name} is {value!r}; give the whole number of an axis") from None
