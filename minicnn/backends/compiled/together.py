"""Many arrays in one kernel call: all the weights of a network, whatever their shapes.

A network has ten or a hundred arrays of weights, most of them short. A call for each would
cost more than the arithmetic, and no thread could help with arrays that small. So all of
them are cut into pieces of at most `PIECE` numbers, and the pieces are listed in a table:

    count | address in w | address in g | address in m | ...

One row per piece is all a kernel has to know. Any thread may take any row, since no number
belongs to two of them: the bits do not depend on the number of threads.

The table is built once and used as long as the arrays are the same objects. It holds weak
references to them, so it neither keeps a model alive nor mistakes a new array for an old one.
"""

from __future__ import annotations

import itertools
import operator
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.atomics import array_at
from minicnn.backends.compiled.jit import inlined
from minicnn.backends.compiled.threads import run

PIECE = 4096  # numbers: 16 KB of each array in float32
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))

# One list of arrays per role (weights, gradients, ...); None for a role that has none.
Lists = Sequence[Sequence[NDArray] | None]


@inlined
def part(table, piece, role, like):  # type: ignore[no-untyped-def]
    """Return the numbers of one piece in the arrays of one role, counted from 0.

    ``like`` is an array of their dtype. A role without arrays gives an array of length 0.
    """
    address = table[piece, 1 + role]
    return array_at(address, table[piece, 0] if address else 0, like)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is known about some lists of arrays.

    Attributes
    ----------
    arrays
        Weak references to all of them, role after role.
    tables
        The pieces, by dtype.
    left
        The positions in the lists of arrays that no table can hold.
    """

    arrays: list[weakref.ref[NDArray]]
    tables: dict[np.dtype, NDArray[np.intp]]
    left: list[int]

    def fits(self, lists: Lists) -> bool:
        """Say whether these are the same arrays still, and the first role may be written."""
        now = [array for role in lists if role is not None for array in role]
        known = map(operator.call, self.arrays)
        return (
            len(now) == len(self.arrays)
            and all(map(operator.is_, known, now))
            and all(array.flags.writeable for array in lists[0] or ())
        )


_plans: dict[tuple[int, ...], _Plan] = {}
_MOST_PLANS = 512


def together(
    kernel: Any, nanoseconds: float, lists: Lists, numbers: Sequence[float], *extra: Any
) -> tuple[list[NDArray] | None, ...]:
    """Call ``kernel(first, last, table, numbers, *extra)`` so that all pieces are covered.

    Parameters
    ----------
    kernel
        Takes the pieces ``first <= piece < last`` and asks `part` for their numbers.
    nanoseconds
        A rough guess at the time per number.
    lists
        The arrays, role by role; a kernel may write to all of them.
    numbers
        Arrive as an array of the dtype that the pieces have.
    extra
        Handed on as they are.

    Returns
    -------
    tuple
        What is left for another spelling, role by role: arrays that are not contiguous, do
        not match in shape or dtype, are no float32 or float64, or share memory.
    """
    plan = _plan(lists)
    for dtype, table in plan.tables.items():
        cost = len(table) * PIECE * nanoseconds
        run(kernel, len(table), cost, table, np.array(numbers, dtype), *extra)
    return tuple(None if role is None else [role[i] for i in plan.left] for role in lists)


def pieces(*lists: Sequence[NDArray] | None) -> int:
    """Return how many pieces the largest table of these lists has."""
    return max((len(table) for table in _plan(lists).tables.values()), default=0)


def _plan(lists: Lists) -> _Plan:
    """Find the plan for these arrays, or make it."""
    key = tuple(id(role[0]) if role else 0 for role in lists)
    plan = _plans.get(key)
    if plan is None or not plan.fits(lists):
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()  # of models long gone, most of them
        plan = _plans[key] = _make_plan(lists)
    return plan


def _make_plan(lists: Lists) -> _Plan:
    roles = [role for role in lists if role is not None]
    sets = list(zip(*roles, strict=True))  # the arrays that belong together, one per role
    shared = not _disjoint([a for role in roles for a in role])
    left = []
    rows: dict[np.dtype, list[tuple[int, ...]]] = {}
    for i, arrays in enumerate(sets):
        if shared or not _alike(arrays):
            left.append(i)
            continue
        size, dtype = arrays[0].size, arrays[0].dtype
        own = iter(arrays)
        starts = [0 if role is None else next(own).ctypes.data for role in lists]
        for begin in range(0, size, PIECE):
            ahead = begin * dtype.itemsize
            places = (start + ahead if start else 0 for start in starts)
            rows.setdefault(dtype, []).append((min(PIECE, size - begin), *places))
    known = [weakref.ref(array) for role in roles for array in role]
    return _Plan(known, {d: np.array(r, np.intp) for d, r in rows.items()}, left)


def _alike(arrays: Sequence[NDArray]) -> bool:
    """Say whether arrays can be walked side by side, number by number."""
    first = arrays[0]
    return first.dtype in FLOATS and all(
        a.flags.carray and a.dtype == first.dtype and a.shape == first.shape for a in arrays
    )


def _disjoint(arrays: Sequence[NDArray]) -> bool:
    """Say whether no two arrays share memory; with tied weights, order would matter."""
    bounds = sorted(_bounds(a) for a in arrays if a.size)
    return all(end <= start for (_, end), (start, _) in itertools.pairwise(bounds))


def _bounds(array: NDArray) -> tuple[int, int]:
    """Return the addresses between which an array lies; strides may be negative."""
    reach = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    start = array.ctypes.data
    first, last = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
    return start + first, start + last + array.itemsize
