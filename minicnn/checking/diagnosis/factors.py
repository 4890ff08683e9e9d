"""Gradients that are the true one times something: zero, the wrong sign, a factor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.diagnosis.words import listed
from minicnn.checking.memento import reachable
from minicnn.checking.report import Finding

FEWEST = 3  # entries that make a pattern


def zero(s: Suspect) -> Finding | None:
    """Nothing at all."""
    if s.analytic.any():
        return None
    return Finding(
        "zero",
        f"{s.gradient_name} is zero everywhere, but the output depends on {s.name}",
        s.name,
        {"largest_true_entry": float(np.nanmax(np.abs(s.numeric)))},
    )


def without_influence(s: Suspect) -> Finding | None:
    """A gradient of something that does not matter."""
    size = float(np.nanmax(np.abs(s.analytic)))
    if float(np.nanmax(np.abs(s.numeric))) > 1e-9 * size:
        return None
    return Finding(
        "mask" if s.variable.kind == "input" else "other",
        f"no output depends on {s.name}, so its gradient is zero; {s.gradient_name} is not",
        s.name,
        {"largest_entry": size},
    )


def factor(s: Suspect) -> Finding | None:
    """One factor for the whole gradient."""
    found = _fit(s, s.analytic, s.numeric)
    if found is None or abs(found - 1) < 1e-8:
        return None
    what, name = f"{s.gradient_name} equals the true gradient", _name_of_factor(s, found)
    evidence: dict[str, Any] = {"factor": found, "factor_is": name}
    if abs(found + 1) < 1e-4:
        return Finding("sign", f"{what} with the wrong sign", s.name, {"factor": -1.0})
    words = f"times {found:.6g}" if abs(found) > 1 or not name else f"divided by {1 / found:.6g}"
    if name:
        words += f", {name}"
    slug = "sign" if found < 0 else "scale"
    return Finding(slug, f"{what} {words}", s.name, evidence)


def factor_per_index(s: Suspect) -> Finding | None:
    """A factor for each index along one axis: some samples, rows or channels are off."""
    if not s.complete:
        return None
    for axis in _axes_by_interest(s):
        factors = _factors_along(s, axis)
        if factors is not None:
            return _describe_factors(s, axis, factors)
    return None


def _axes_by_interest(s: Suspect) -> list[int]:
    return [
        axis for axis, length in enumerate(s.shape) if length > 1 and s.numeric[0].size > length
    ]


def _factors_along(s: Suspect, axis: int) -> NDArray[np.float64] | None:
    others = tuple(i for i in range(s.analytic.ndim) if i != axis + 1)
    square = (s.numeric**2).sum(axis=others)  # (length,)
    if not (square > 0).all():
        return None
    factors = (s.analytic * s.numeric).sum(axis=others) / square
    shape = [1] * s.analytic.ndim
    shape[axis + 1] = -1
    if not s.explained_by(s.numeric * factors.reshape(shape)):
        return None
    return factors


def _describe_factors(s: Suspect, axis: int, factors: NDArray[np.float64]) -> Finding:
    nothing = np.abs(factors) < 1e-6
    right = np.abs(factors - 1) < 1e-6
    evidence: dict[str, Any] = {"axis": axis, "factors": [float(f) for f in factors]}
    wrong = np.flatnonzero(~right)
    places = listed(wrong)
    if s.is_batched() and axis == 0 and nothing.any():
        return Finding(
            "partial-batch",
            f"{s.gradient_name} is zero for the samples {listed(np.flatnonzero(nothing))} of the "
            "batch",
            s.name,
            evidence,
        )
    if nothing.any() and (right | nothing).all():
        at_edge = axis in s.spatial_axes() and _is_edge(wrong, len(factors))
        slug = "border" if at_edge else "missing-term"
        return Finding(
            slug,
            f"{s.gradient_name} is zero at index {places} of axis {axis} and right elsewhere",
            s.name,
            evidence,
        )
    if right.any() and axis in s.spatial_axes() and _is_edge(wrong, len(factors)):
        return Finding(
            "border",
            f"{s.gradient_name} is right inside and off by a factor at index {places} of axis "
            f"{axis}",
            s.name,
            evidence,
        )
    return Finding(
        "scale",
        f"each index of axis {axis} of {s.gradient_name} is off by a factor of its own"
        + (f": {', '.join(f'{f:.4g}' for f in factors[:6])}"),
        s.name,
        evidence,
    )


def wrong_slabs(s: Suspect) -> Finding | None:
    """Of a large array, the indices along an axis at which it is wrong."""
    for axis, (right, wrong) in s.comparison.slabs.items():
        if not right or not wrong:
            continue
        entries = np.take(s.analytic, wrong, axis=axis + 1)
        inside = np.take(s.wrong, wrong, axis=axis)[np.take(s.known, wrong, axis=axis)]
        if inside.size < FEWEST or inside.mean() < 0.5:
            continue  # a few entries that happen to lie there
        places = np.array(wrong)
        evidence = {"axis": axis, "wrong": [int(j) for j in wrong]}
        what = f"{s.gradient_name} is right except at index {listed(places)} of axis {axis}"
        if axis == 0 and s.is_batched():
            return Finding("partial-batch", f"{what}, that of the samples", s.name, evidence)
        if axis in s.spatial_axes():
            if _is_edge(places, s.shape[axis]):
                return Finding("border", what, s.name, evidence)
        elif not entries.any():
            return Finding("missing-term", f"{what}, where it is zero", s.name, evidence)
    return None


def _is_edge(indices: NDArray[np.intp], length: int) -> bool:
    """Whether indices are the first or last ones of an axis, and fewer than half."""
    if not len(indices) or len(indices) > max(1, min(length // 2, 2 + length // 10)):
        return False
    low, high = 0, length - 1
    wrong = set(map(int, indices))
    while low in wrong:
        wrong.remove(low)
        low += 1
    while high in wrong:
        wrong.remove(high)
        high -= 1
    return not wrong


def _fit(s: Suspect, analytic: NDArray, numeric: NDArray) -> float | None:
    known = np.isfinite(numeric)
    a, r = analytic[known], numeric[known]
    square = float(r @ r)
    if not square or (np.count_nonzero(r) < 2 and s.variable.value.size > 1):
        return None
    found = float(a @ r) / square
    return found if s.matches(analytic, found * numeric) else None


def _name_of_factor(s: Suspect, value: float) -> str:
    """Say where a factor may come from: a size, or a number the target holds."""
    for number, name in _known_numbers(s):
        for candidate, words in ((number, name), (-number, f"minus {name}")):
            if candidate and _equal(value, candidate):
                return words
            if candidate and _equal(value, 1 / candidate):
                return words
    return ""


def _known_numbers(s: Suspect) -> Iterator[tuple[float, str]]:
    subject = s.evidence.subject
    outputs = [shape for shape in s.evidence.output_shapes if shape]
    arrays = [np.asarray(value) for value in subject.base if isinstance(value, np.ndarray)]
    shapes = [a.shape for a in arrays if a.ndim]
    if shapes:
        yield float(shapes[0][0]), "the batch size"
    for shape in outputs:
        if len(shape) == 4:
            yield float(shape[2] * shape[3]), "the number of output pixels"
            yield float(shape[0] * shape[2] * shape[3]), "batch size times output pixels"
        yield float(math.prod(shape)), "the number of outputs"
        if len(shape) > 1:
            yield float(shape[1]), "the number of output channels"
    for shape in shapes:
        if len(shape) == 4:
            yield float(shape[2] * shape[3]), "the number of input pixels"
            yield float(shape[0] * shape[2] * shape[3]), "batch size times input pixels"
        yield float(math.prod(shape)), "the number of inputs"
        if len(shape) > 1:
            yield float(shape[1]), "the number of input channels"
    for v in subject.variables:
        if v.kind == "parameter" and len(v.value.shape) == 4:
            area = float(math.prod(v.value.shape[2:]))
            yield area, "the number of entries of the kernel"
    for thing in reachable(subject.target, subject.inputs):
        attributes = thing if isinstance(thing, dict) else getattr(thing, "__dict__", None)
        if isinstance(attributes, dict):
            for key, number in list(attributes.items()):
                if isinstance(number, int | float) and not isinstance(number, bool) and number:
                    yield float(number), f"{key}"
                    yield 1 - float(number), f"1 - {key}"
                    yield float(number) ** 2, f"{key} squared"


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-5 * abs(other)
