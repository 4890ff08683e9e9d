"""Gradients to which some outputs contribute wrongly: samples left out, sums over a wrong axis.

The numeric Jacobian knows what each output contributes to each entry. If a few weights on groups
of outputs (the samples, the rows, the channels) turn the true sum into the analytic gradient, they
tell which groups were forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.diagnosis.words import axes_listed, listed, subsets
from minicnn.checking.report import Finding


def one_output_only(s: Suspect) -> Finding | None:
    """Of several outputs, some are not sent back."""
    parts, shapes = s.contributions, s.evidence.output_shapes
    if parts is None or len(shapes) < 2:
        return None
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    groups = np.stack([p.sum(axis=1) for p in np.split(parts, ends, axis=1)], axis=1)
    weights = _weights(s, groups)
    if weights is None or not (np.abs(weights) < 1e-4).any():
        return None
    lost = [int(i) for i in np.flatnonzero(np.abs(weights) < 1e-4)]
    return Finding(
        "missing-term",
        f"what comes back through output {', '.join(map(str, lost))} is missing in "
        f"{s.gradient_name}",
        s.name,
        {"missing_outputs": lost},
    )


def some_outputs_only(s: Suspect) -> Finding | None:
    """Some samples, rows or channels of the output are left out, or count more than once."""
    few = s.some_entries()
    if few is not None:
        return some_outputs_only(few)
    shaped = _shaped(s)
    if shaped is None:
        return None
    shape = s.evidence.output_shapes[0]
    for axis, length in enumerate(shape):
        if length < 2:
            continue
        others = tuple(i + 1 for i in range(len(shape)) if i != axis)
        groups = shaped.sum(axis=others)  # (K, length, n)
        weights = _weights(s, groups)
        if weights is None:
            continue
        known = np.isfinite(weights)
        lost = np.flatnonzero(known & (np.abs(weights) < 1e-4))
        kept = np.flatnonzero(known & (np.abs(weights) >= 1e-4))
        if not len(lost) or not len(kept) or np.ptp(weights[kept]) > 1e-3 * np.abs(weights).max():
            continue
        return _left_out(s, axis, len(shape), lost, kept, weights)
    return None


def _left_out(
    s: Suspect,
    axis: int,
    dims: int,
    lost: NDArray[np.intp],
    kept: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> Finding:
    if axis == 0:
        slug, what = "partial-batch", "the samples"
    elif (axis >= 2 or axis == dims - 1) and _at_edge(lost, len(weights)):
        slug, what = "border", f"index {listed(lost)} of axis {axis} of the output; it lacks"
    else:
        slug, what = "missing-term", f"part of axis {axis} of the output:"
    if axis == 0:
        sentence = f"only {what} {listed(kept)} of the batch contribute to {s.gradient_name}"
    else:
        sentence = f"{s.gradient_name} comes from {what} index {listed(kept)} alone contributes"
    if slug == "border":
        sentence = f"{s.gradient_name} lacks what index {listed(lost)} of axis {axis} contributes"
    return Finding(
        slug,
        sentence,
        s.name,
        {
            "axis": axis,
            "contributing": [int(i) for i in kept],
            "missing": [int(i) for i in lost],
            "weight": float(weights[kept].mean()),
        },
    )


def _at_edge(lost: NDArray[np.intp], length: int) -> bool:
    few = len(lost) <= max(1, length // 2)
    return few and (lost[0] == 0 or lost[-1] == length - 1)


def places_of_the_output(s: Suspect) -> Finding | None:
    """Output pixels that count wrongly: those at the border, or all but one."""
    few = s.some_entries()
    if few is not None:
        return places_of_the_output(few)
    shaped = _shaped(s)
    if shaped is None or len(s.evidence.output_shapes[0]) < 3:
        return None
    grid = s.evidence.output_shapes[0][2:]
    groups = shaped.sum(axis=(1, 2)).reshape(len(shaped), -1, shaped.shape[-1])  # (K, places, n)
    for pixel in (0, groups.shape[1] - 1, int(np.ravel_multi_index([n // 2 for n in grid], grid))):
        candidate = groups[:, pixel].reshape(s.analytic.shape)
        if candidate.any() and s.explained_by(candidate):
            return _one_place(s, [int(i) for i in np.unravel_index(pixel, grid)])
    weights = _weights(s, groups)
    if weights is None:
        return None
    off = ~(np.abs(weights - 1) < 1e-4) & np.isfinite(weights)
    kept = np.flatnonzero(np.abs(np.nan_to_num(weights)) >= 1e-4)
    if len(kept) == 1:
        return _one_place(s, [int(i) for i in np.unravel_index(kept[0], grid)])
    steps = np.stack(np.unravel_index(np.arange(len(weights)), grid))  # (dims, places)
    ends = np.array(grid)[:, None] - 1
    at_border = ((steps == 0) | (steps == ends)).any(axis=0)
    if off.any() and not (off & ~at_border).any() and not at_border.all():
        return Finding(
            "border",
            f"outputs at the border count wrongly in {s.gradient_name}; those inside are right",
            s.name,
            {"wrong_places": int(off.sum())},
        )
    return None


def _one_place(s: Suspect, place: list[int]) -> Finding:
    return Finding(
        "missing-term",
        f"only the place {place} of the output contributes to {s.gradient_name}; the sum over the "
        "others is missing",
        s.name,
        {"place": place},
    )


def wrong_axis(s: Suspect) -> Finding | None:
    """The right products, summed over the wrong axes of the output."""
    shaped = _shaped(s)
    if shaped is None:
        return None
    shape = s.evidence.output_shapes[0]
    products = shaped.sum(axis=-1)  # (K, *output)
    for kept in subsets(range(len(shape)), fewest=0):
        if len(kept) == len(shape):
            continue
        summed = tuple(i + 1 for i in range(len(shape)) if i not in kept)
        candidate = products.sum(axis=summed)  # (K, *kept)
        if not kept and s.variable.value.size > 1:
            candidate = np.broadcast_to(candidate.reshape(-1, 1), (len(s.v), s.variable.value.size))
        if candidate[0].size != s.variable.value.size:
            continue
        count = float(np.prod([shape[i - 1] for i in summed]))
        for words, c in (("summed", candidate), ("averaged", candidate / count)):
            if s.explained_by(c.reshape(s.analytic.shape)):
                return _axis_finding(s, words, tuple(i - 1 for i in summed))
    return None


def _axis_finding(s: Suspect, words: str, axes: tuple[int, ...]) -> Finding:
    return Finding(
        "wrong-axis",
        f"{s.gradient_name} is {words} over {axes_listed(axes)} of dy, which keeps the wrong axis",
        s.name,
        {"summed_axes": list(axes)},
    )


def overlap(s: Suspect) -> Finding | None:
    """Where windows overlap, one contribution overwrites the others."""
    return _overlap(s, even=False)


def overwritten(s: Suspect) -> Finding | None:
    """Of many contributions to every entry only one is left."""
    return _overlap(s, even=True)


def _overlap(s: Suspect, even: bool) -> Finding | None:
    """Look for overwritten contributions; ``even``: also where all entries have as many."""
    shaped = _shaped(s)
    if shaped is None or not s.complete:
        return None
    shape = s.evidence.output_shapes[0]
    for axes in _position_axes(len(shape)):
        others = tuple(i + 1 for i in range(len(shape)) if i not in axes)
        places = shaped.sum(axis=others)  # (K, *positions, n)
        places = places.reshape(len(places), -1, places.shape[-1])  # (K, positions, n)
        present = (places != 0).any(axis=0)  # (positions, n)
        count = present.sum(axis=0)  # (n,)
        if not (count >= 2).any() or len(present) < 2 or (not even and not np.ptp(count)):
            continue
        finding = _overwritten(s, places, present, count)
        if finding is not None:
            return finding
    return None


def _overwritten(
    s: Suspect, places: NDArray, present: NDArray[np.bool_], count: NDArray[np.intp]
) -> Finding | None:
    entries = np.arange(present.shape[1])
    last = len(present) - 1 - present[::-1].argmax(axis=0)
    first = present.argmax(axis=0)
    evidence = {"entries_used_more_than_once": int((count >= 2).sum())}
    for words, chosen in (("last", last), ("first", first)):
        candidate = np.where(count > 0, places[:, chosen, entries], 0.0)
        if s.explained_by(candidate.reshape(s.analytic.shape)):
            if s.is_batched() and len(s.evidence.output_shapes[0]) == 3:
                return Finding(
                    "missing-term",
                    f"{s.gradient_name} knows of one output only; what the others send back "
                    "through the states in between is missing",
                    s.name,
                    evidence,
                )
            return Finding(
                "overlap",
                f"where several outputs use the same entry of {s.name}, only the {words} one "
                f"counts in {s.gradient_name}: contributions are assigned, not added (+=)",
                s.name,
                evidence | {"kept": words},
            )
    wrong = s.wrong.ravel()
    once = count == 1
    if (
        s.variable.kind == "input"
        and len(s.evidence.output_shapes[0]) != 3  # a sequence: there it may mean anything
        and once.any()
        and not (wrong & ~(count >= 2)).any()
        and wrong.sum() >= 0.5 * (count >= 2).sum()
        and (count >= 2).sum() < len(count)
    ):
        return Finding(
            "overlap",
            f"{s.gradient_name} is right where one output uses an entry of {s.name} and wrong "
            "where several do: their contributions are not added up",
            s.name,
            evidence,
        )
    return None


def _position_axes(dims: int) -> Iterator[tuple[int, ...]]:
    choices = [tuple(range(2, dims)), tuple(range(1, dims)), tuple(range(dims - 1)), (0,)]
    choices.append(tuple(range(dims)))
    seen = set()
    for axes in choices:
        if axes and axes not in seen:
            seen.add(axes)
            yield axes


def _shaped(s: Suspect) -> NDArray[np.float64] | None:
    """(K, *output, n) contributions, where there is one output with axes."""
    parts, shapes = s.contributions, s.evidence.output_shapes
    if parts is None or len(shapes) != 1 or not shapes[0]:
        return None
    return parts.reshape(len(parts), *shapes[0], parts.shape[-1])


def _weights(s: Suspect, groups: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Fit the analytic gradient by a weighted sum of groups (K, groups, n); NaN: no influence."""
    count = groups.shape[1]
    design = groups.transpose(0, 2, 1).reshape(-1, count)  # (K n, groups)
    active = (design != 0).any(axis=0)
    if active.sum() < 2 or active.sum() + 2 > len(design):
        return None
    weights = np.full(count, np.nan)
    fit, _, rank, _ = np.linalg.lstsq(design[:, active], s.analytic.ravel(), rcond=1e-9)
    if rank < active.sum():
        return None
    weights[active] = fit
    candidate = design[:, active] @ fit
    return weights if s.explained_by(candidate.reshape(s.analytic.shape)) else None
