"""Comparing arrays: equal to rounding, equal bit for bit, in the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def close(one: NDArray, other: NDArray, tolerance: float) -> bool:
    """Whether two arrays are equal to a share of their largest entry."""
    if one.shape != other.shape:
        return False
    if not one.size:
        return True
    with np.errstate(all="ignore"):
        size = max(float(np.abs(one).max()), float(np.abs(other).max()))
        off = np.abs(one - other)
    if np.array_equal(one, other, equal_nan=True):
        return True
    return bool(np.isfinite(size) and (off <= tolerance * size).all())


def same(now: Any, before: Any) -> bool:
    """Whether nothing changed, bit for bit."""
    if isinstance(before, np.ndarray):
        if not isinstance(now, np.ndarray) or now.shape != before.shape:
            return False
        if before.dtype == object:
            return True
        return bool(np.array_equal(now, before, equal_nan=before.dtype.kind in "fc"))
    return True


def copy_of(value: Any) -> Any:
    """Copy an array; return anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def shares_memory(one: NDArray, other: NDArray) -> bool:
    """Whether two arrays overlap."""
    if not np.may_share_memory(one, other):
        return False
    try:
        return bool(np.shares_memory(one, other, max_work=-1))
    except MemoryError:
        return True


def ratio(one: NDArray, other: NDArray) -> float:
    """Return the factor c for which one is closest to c times other; 0 if there is none."""
    square = float((other * other).sum())
    return float((one * other).sum()) / square if one.shape == other.shape and square else 0.0
