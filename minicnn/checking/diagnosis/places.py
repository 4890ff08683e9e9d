"""Gradients that are right in most places: wrong at an edge, or where they should stop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.report import Finding

DEEPEST_BORDER = 2


def border(s: Suspect) -> Finding | None:
    """Right inside, wrong at an edge or a corner."""
    wrong = s.wrong & s.known
    right = s.known & ~s.wrong
    if not wrong.any() or not right.any():
        return None
    if wrong.sum() == 1 and not _is_corner(s, wrong):
        return None
    slab = _edge_slab(s, wrong, right)
    if slab is not None:
        axis, index = slab
        return Finding(
            "border",
            f"{s.gradient_name} is right except at index {index} of axis {axis}, the "
            f"{'first' if index == 0 else 'last'}",
            s.name,
            {"axis": axis, "index": index, "wrong_entries": int(wrong.sum())},
        )
    axes = s.spatial_axes()
    if len(axes) < 2 or s.variable.kind == "parameter":
        return None
    depth = _depth(s.shape, axes)
    deepest = int(depth[wrong].max())
    inside = right & (depth > deepest)
    if deepest < DEEPEST_BORDER and inside.any() and inside.sum() >= 0.1 * wrong.sum():
        return Finding(
            "border",
            f"{s.gradient_name} is right inside and wrong in the outermost "
            f"{deepest + 1} rows and columns",
            s.name,
            {"width": deepest + 1, "wrong_entries": int(wrong.sum())},
        )
    return None


def _edge_slab(
    s: Suspect, wrong: NDArray[np.bool_], right: NDArray[np.bool_]
) -> tuple[int, int] | None:
    """Return the axis and the edge that holds all wrong entries."""
    axes = s.spatial_axes() or list(range(len(s.shape)))
    for axis in axes:
        places = np.unique(np.nonzero(wrong)[axis])
        length = s.shape[axis]
        if length < 3 or len(places) != 1 or places[0] not in (0, length - 1):
            continue
        return axis, int(places[0])
    return None


def _is_corner(s: Suspect, wrong: NDArray[np.bool_]) -> bool:
    """Whether a single wrong entry lies in a corner of a picture: one elsewhere is no border."""
    axes = s.spatial_axes()
    place = [int(index[0]) for index in np.nonzero(wrong)]
    return len(axes) > 1 and all(place[axis] in (0, s.shape[axis] - 1) for axis in axes)


def _depth(shape: tuple[int, ...], axes: list[int]) -> NDArray[np.intp]:
    """How many steps each entry is from the nearest edge."""
    depth = np.full(shape, max(shape))
    for axis in axes:
        steps = np.arange(shape[axis])
        near = np.minimum(steps, steps[::-1])
        depth = np.minimum(depth, near.reshape([-1 if i == axis else 1 for i in range(len(shape))]))
    return depth


def diagonal(s: Suspect) -> tuple[NDArray, NDArray] | None:
    """Return f' and what backward takes for it, (n,) each, if the function acts entry by entry."""
    jacobian = s.jacobian
    if jacobian is None or s.variable.kind != "input" or jacobian.shape[0] != jacobian.shape[1]:
        return None
    if not np.isfinite(jacobian).all():
        return None
    true = np.diag(jacobian).copy()
    if np.count_nonzero(jacobian - np.diag(true)):
        return None
    taken = s.analytic.reshape(len(s.v), -1) / s.v  # (K, n)
    size = max(float(np.abs(taken).max()), 1e-300)
    if np.abs(taken - taken[0]).max() > 1e-6 * size:
        return None  # not dy times something
    true = np.where(np.isfinite(s.numeric[0].ravel()), s.numeric[0].ravel() / s.v[0], true)
    return true, taken[0]


def mask(s: Suspect) -> Finding | None:
    """Passes where it should stop, or stops where it should pass."""
    if not s.complete:
        return None
    pair = diagonal(s)
    if pair is not None:
        return _mask_by_entry(s, *pair)
    size = float(np.abs(s.numeric).max())
    nothing = (np.abs(s.numeric) <= 1e-9 * size + 10 * s.error).all(axis=0)
    stopped = (np.abs(s.analytic) <= 1e-12 * size).all(axis=0)
    lost, extra = s.wrong & stopped & ~nothing, s.wrong & nothing & ~stopped
    if not s.wrong.any() or not (lost | extra)[s.wrong].all():
        return None
    return _mask_finding(s, int(lost.sum()), int(extra.sum()))


def _mask_by_entry(s: Suspect, true: NDArray, taken: NDArray) -> Finding | None:
    size = max(float(np.abs(true).max()), float(np.abs(taken).max()))
    zero_true, zero_taken = np.abs(true) <= 1e-7 * size, np.abs(taken) <= 1e-9 * size
    lost, extra = zero_taken & ~zero_true, zero_true & ~zero_taken
    wrong = s.wrong.ravel()
    if not wrong.any():
        return None
    if (lost | extra).any():
        both = ~zero_true & ~zero_taken
        ratios = taken[both] / true[both]
        if not len(ratios) or np.ptp(ratios) <= 1e-5 * np.abs(ratios).max():
            return _mask_finding(s, int(lost.sum()), int(extra.sum()))
        if (lost | extra)[wrong].all():
            return _mask_finding(s, int(lost.sum()), int(extra.sum()))
    levels = _levels(true)
    if len(levels) == 2 and np.abs(levels).min() <= 1e-7 * size and len(_levels(taken)) > 2:
        return _mask_finding(s, int((wrong & zero_taken).sum()), int((wrong & ~zero_taken).sum()))
    if len(levels) <= 3 and all(
        np.abs(np.append(levels, 1.0) - t).min() <= 1e-5 * size for t in np.unique(taken[wrong])
    ):
        # A slope that belongs elsewhere, as when the leaky side is given the slope of the other.
        return _mask_finding(s, 0, int(wrong.sum()))
    return None


def _levels(values: NDArray) -> NDArray:
    size = max(float(np.abs(values).max()), 1e-300)
    return np.unique(np.round(values / size, 5)) * size


def _mask_finding(s: Suspect, lost: int, extra: int) -> Finding:
    parts = []
    if extra:
        parts.append(f"passes in {extra} places where it should not")
    if lost:
        parts.append(f"stops in {lost} places where it should pass")
    return Finding(
        "mask",
        f"{s.gradient_name} {' and '.join(parts)}",
        s.name,
        {"passes_wrongly": extra, "stops_wrongly": lost},
    )
