"""Gradients that hold the true numbers in the wrong places."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.diagnosis.words import axes_listed, listed, subsets
from minicnn.checking.report import Finding


def exchanged_gradients(s: Suspect) -> Finding | None:
    """The gradient of another array."""
    for other in s.evidence.comparisons:
        numeric = s.evidence.numeric(other.variable.name)
        if other.variable.name == s.name or numeric is None:
            continue
        if numeric[0].size != s.variable.value.size:
            continue
        if s.explained_by(numeric.reshape(s.analytic.shape)):
            return Finding(
                "swapped",
                f"{s.gradient_name} is the gradient of {other.variable.name}",
                s.name,
                {"is_gradient_of": other.variable.name},
            )
    return None


def transposed(s: Suspect) -> Finding | None:
    """Axes exchanged, by a transpose or by a reshape in the wrong order."""
    dims = len(s.shape)
    if not 2 <= dims <= 5:
        return None
    for axes in itertools.permutations(range(dims)):
        if axes == tuple(range(dims)):
            continue
        for undo, how in (
            (_moved_back, "transposed"),
            (_reshaped_back, "reshaped in the wrong order"),
        ):
            if s.undone_by(functools.partial(undo, axes=axes)):
                return Finding(
                    _slug_of_exchange(s, axes),
                    f"{s.gradient_name} is the true gradient {how}: its axes are those of "
                    f"{axes_listed(axes)}",
                    s.name,
                    {"axes": list(axes), "how": how},
                )
    return None


def _slug_of_exchange(s: Suspect, axes: Sequence[int]) -> str:
    """Output and input channels of a kernel exchanged are swapped, rather than transposed."""
    kernel = s.variable.kind == "parameter" and len(axes) >= 3
    channels = list(axes[:2]) == [1, 0] and list(axes[2:]) == list(range(2, len(axes)))
    return "swapped" if kernel and channels else "transposed"


def _moved_back(a: NDArray, axes: Sequence[int]) -> NDArray:
    """Undo ``true.transpose(axes)``."""
    return np.transpose(a, tuple(int(i) for i in np.argsort(axes)))


def _reshaped_back(a: NDArray, axes: Sequence[int]) -> NDArray:
    """Undo ``true.transpose(axes).reshape(shape)``."""
    moved = tuple(a.shape[i] for i in axes)
    return a.reshape(moved).transpose(tuple(int(i) for i in np.argsort(axes)))


def flipped(s: Suspect) -> Finding | None:
    """Turned around along one or more axes."""
    dims = [axis for axis, length in enumerate(s.shape) if length > 1]
    for axes in subsets(dims):
        if s.undone_by(functools.partial(np.flip, axis=axes)):
            spatial = set(s.spatial_axes())
            channels = len(s.shape) >= 3 and not spatial & set(axes)
            slug = "swapped" if channels or (axes == (0,) and s.is_batched()) else "flipped"
            return Finding(
                slug,
                f"{s.gradient_name} is the true gradient in reverse order along "
                f"{axes_listed(axes)}",
                s.name,
                {"axes": list(axes)},
            )
    return None


def shifted(s: Suspect) -> Finding | None:
    """Moved along one axis or two, with what falls out coming in again or not."""
    for axes, steps in _shifts(s):
        back = tuple(-step for step in steps)
        if s.undone_by(functools.partial(np.roll, shift=back, axis=axes)):
            return _shift_finding(s, axes, steps, "what falls out comes in at the other end")
        candidate = np.stack([push(r, axes, steps) for r in s.numeric])
        if candidate.any() and s.complete and s.explained_by(candidate):
            return _shift_finding(s, axes, steps, "the place it leaves is zero")
        if _overlaps(s, axes, steps):
            return _shift_finding(s, axes, steps, "a frame was cut off at the wrong end")
    return None


def _shift_finding(s: Suspect, axes: Sequence[int], steps: Sequence[int], how: str) -> Finding:
    axis = axes[0]
    small = len(axes) == 1 and s.shape[axis] == 2
    channels = len(axes) == 1 and axis not in s.spatial_axes() and small
    return Finding(
        "swapped" if channels else "shifted",
        f"{s.gradient_name} is the true gradient moved by {listed(steps)} along "
        f"{axes_listed(axes)}; {how}",
        s.name,
        {"axes": list(axes), "steps": list(steps)},
    )


def _overlaps(s: Suspect, axes: Sequence[int], steps: Sequence[int]) -> bool:
    """Whether the gradient is the true one, moved, wherever both are known.

    What comes in at the edge is new: the padding that should have been cut off.
    """
    if not set(axes) <= set(s.spatial_axes()) or not s.complete:
        return False
    here: list[slice] = [slice(None)] * s.analytic.ndim
    there: list[slice] = [slice(None)] * s.analytic.ndim
    for axis, step in zip(axes, steps, strict=True):
        here[axis + 1] = slice(step, None) if step > 0 else slice(None, step)
        there[axis + 1] = slice(None, -step) if step > 0 else slice(-step, None)
    a, r = s.analytic[tuple(here)], s.numeric[tuple(there)]
    off = float(np.linalg.norm(s.analytic[tuple(here)] - s.numeric[tuple(here)]))
    return a.size >= 0.25 * s.analytic.size and float(np.linalg.norm(a - r)) <= 1e-3 * off


def push(array: NDArray, axes: Sequence[int], steps: Sequence[int]) -> NDArray:
    """Move an array along some axes; zeros come in."""
    for axis, step in zip(axes, steps, strict=True):
        array = np.roll(array, step, axis)
        index: list[slice | int] = [slice(None)] * array.ndim
        index[axis] = slice(0, step) if step > 0 else slice(step, None)
        array = array.copy()
        array[tuple(index)] = 0
    return array


def permuted(s: Suspect) -> Finding | None:
    """The slices along one axis in another order."""
    if not s.complete:
        return None
    for axis, length in enumerate(s.shape):
        if length < 2 or (s.analytic[0].size == length and length < 4):
            continue
        a = np.moveaxis(s.analytic, axis + 1, 0).reshape(length, -1)
        r = np.moveaxis(s.numeric, axis + 1, 0).reshape(length, -1)
        distance = np.linalg.norm(a[:, None] - r[None], axis=2)  # (length, length)
        order = distance.argmin(axis=1)
        if (
            sorted(order) == list(range(length))
            and list(order) != list(range(length))
            and s.explained_by(np.take(s.numeric, order, axis=axis + 1))
        ):
            return Finding(
                "swapped",
                f"the slices of {s.gradient_name} along axis {axis} stand in the order "
                f"{listed(order)}",
                s.name,
                {"axis": axis, "order": [int(j) for j in order]},
            )
    return None


def rearranged_cotangent(s: Suspect) -> Finding | None:
    """The true gradient of a dy that was turned, exchanged or moved first."""
    evidence = s.evidence
    if s.jacobian is None or not np.isfinite(s.jacobian).all():
        return None
    if len(evidence.output_shapes) != 1:
        return _exchanged_cotangents(s)
    shape = evidence.output_shapes[0]
    for slug, words, moved in _rearranged(s.v, shape):
        if s.explained_by((moved @ s.jacobian).reshape(s.analytic.shape)):
            return Finding(
                slug,
                f"{s.gradient_name} is what dy {words} would give",
                s.name,
                {"dy": words},
            )
    return None


def _exchanged_cotangents(s: Suspect) -> Finding | None:
    """Of several outputs, the cotangents of two are taken for each other."""
    shapes, jacobian = s.evidence.output_shapes, s.jacobian
    assert jacobian is not None
    ends = np.cumsum([0, *[int(np.prod(shape)) for shape in shapes]])
    for one, other in itertools.combinations(range(len(shapes)), 2):
        if shapes[one] != shapes[other]:
            continue
        moved = s.v.copy()
        here, there = (slice(ends[i], ends[i + 1]) for i in (one, other))
        moved[:, here], moved[:, there] = s.v[:, there], s.v[:, here]
        if s.explained_by((moved @ jacobian).reshape(s.analytic.shape)):
            return Finding(
                "swapped",
                f"{s.gradient_name} takes the gradient of output {one} for that of output {other}",
                s.name,
                {"outputs": [one, other]},
            )
    return None


def _rearranged(v: NDArray, shape: tuple[int, ...]) -> Iterator[tuple[str, str, NDArray]]:
    v_shaped = v.reshape(len(v), *shape)
    dims = [axis for axis, length in enumerate(shape) if length > 1]
    for axes in subsets(dims):
        slug = "swapped" if len(shape) >= 3 and max(axes) < 2 else "flipped"
        moved = np.flip(v_shaped, tuple(a + 1 for a in axes))
        yield slug, f"in reverse order along {axes_listed(axes)}", moved.reshape(len(v), -1)
    for axis in dims:
        for step in (1, -1):
            moved = np.roll(v_shaped, step, axis + 1)
            yield "shifted", f"moved by {step} along axis {axis}", moved.reshape(len(v), -1)
            pushed = np.stack([push(row, (axis,), (step,)) for row in v_shaped])
            yield (
                "shifted",
                f"moved by {step} along axis {axis}, with zeros coming in,",
                pushed.reshape(len(v), -1),
            )
    if len(shape) <= 4:
        for axes in itertools.permutations(range(len(shape))):
            if axes != tuple(range(len(shape))):
                moved = v_shaped.transpose(0, *[a + 1 for a in axes]).reshape(len(v), -1)
                yield "transposed", f"with its axes in the order {listed(axes)}", moved


def _shifts(s: Suspect) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    dims = [axis for axis, length in enumerate(s.shape) if length > 1]
    for axis in dims:
        for step in (1, -1, 2, -2):
            if abs(step) < s.shape[axis]:
                yield (axis,), (step,)
    for pair in itertools.combinations(s.spatial_axes(), 2):
        for steps in ((1, 1), (-1, -1), (1, -1), (-1, 1), (2, 2), (-2, -2)):
            if all(abs(t) < s.shape[axis] for t, axis in zip(steps, pair, strict=True)):
                yield pair, steps
