"""Gradients that are right for other numbers: a kernel turned around, a weight transposed.

A backward that convolves with the kernel the wrong way round returns the exact gradient of another
network, the one with that kernel. So forward is asked for the gradient it would have there, in a
few entries first, and if it is the analytic one, that is the mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.diagnosis.rearranged import push
from minicnn.checking.diagnosis.words import axes_listed
from minicnn.checking.failures import TargetError
from minicnn.checking.report import Finding
from minicnn.checking.subject import Variable

FIRST_LOOK = 6
MOST_ENTRIES = 150
MOST_SUBSETS = 1500


def other_numbers(s: Suspect) -> Finding | None:
    """The gradient at a transformed parameter or input."""
    entries = _telling_entries(s)
    if not len(entries):
        return None
    for variable in s.evidence.subject.variables:
        for slug, words, value in _transforms(variable):
            if np.array_equal(value, variable.value):
                continue
            at = {variable.name: value}
            if _matches(s, entries[:FIRST_LOOK], at) and _matches(s, entries, at):
                return Finding(
                    slug,
                    f"{s.gradient_name} is right for {variable.name} {words}, so that is what "
                    "backward uses",
                    s.name,
                    {"array": variable.name, "transformed": words},
                )
    return None


def square_weight_transposed(s: Suspect) -> Finding | None:
    """Sent back through W where it should be W^T, after something that is not linear.

    If the true gradient is dz W^T, then dz is the true gradient times the inverse of W^T, and what
    dz W would be can be told without knowing dz.
    """
    if s.variable.kind != "input" or not s.shape or not s.complete:
        return None
    d = s.shape[-1]
    for variable in s.evidence.subject.variables:
        w = variable.value
        if variable.name == s.name or w.shape != (d, d) or np.linalg.cond(w) > 1e6:
            continue
        for one, other in ((w, w.T), (w.T, w)):
            candidate = s.numeric @ np.linalg.inv(one) @ other
            if s.explained_by(candidate):
                return Finding(
                    "transposed",
                    f"{s.gradient_name} is sent back through {variable.name} where it should be "
                    "its transpose, or the other way round",
                    s.name,
                    {"array": variable.name},
                )
    return None


def a_part_of_the_batch(s: Suspect) -> Finding | None:
    """Of a loss over a batch, the gradient from some samples only."""
    subject = s.evidence.subject
    arrays = [a for a in subject.base if isinstance(a, np.ndarray) and a.ndim]
    held = s.variable.key if s.variable.kind == "input" else None
    batched = [
        i for i, a in enumerate(subject.base) if isinstance(a, np.ndarray) and a.ndim and i != held
    ]
    if any(s.evidence.output_shapes) or not arrays or not batched or not s.complete:
        return None
    count = max((subject.base[i].shape[0] for i in batched), default=0)
    batched = [i for i in batched if subject.base[i].shape[0] == count]
    n = s.variable.value.size
    if not 2 <= count <= 32 or n * count > MOST_SUBSETS or n < 3:
        return None
    groups = []
    before = list(subject.base)
    try:
        for sample in range(count):
            for i in batched:
                subject.base[i] = before[i][sample : sample + 1]
            groups.append(s.evidence.slopes(s.variable, np.arange(n))[0])
            subject.base[:] = before
    except TargetError:
        return None
    finally:
        subject.base[:] = before
    design = np.stack(groups, axis=1)  # (n, samples)
    fit, _, rank, _ = np.linalg.lstsq(design, s.analytic[0].ravel(), rcond=1e-9)
    if (
        rank < count
        or count >= n
        or not s.matches(s.analytic[:1], (design @ fit).reshape(1, *s.shape))
    ):
        return None
    lost = np.abs(fit) < 1e-4 * np.abs(fit).max()
    if not lost.any() or lost.all():
        return None
    kept = ", ".join(str(int(i)) for i in np.flatnonzero(~lost))
    return Finding(
        "partial-batch",
        f"only the samples {kept} of the batch contribute to {s.gradient_name}",
        s.name,
        {"weights": [float(w) for w in fit]},
    )


def _telling_entries(s: Suspect) -> NDArray[np.intp]:
    """The entries where analytic and numeric differ most, and some others."""
    off = np.nan_to_num(np.abs(s.analytic - s.numeric)).max(axis=0).ravel()
    known = s.known.ravel()
    order = np.argsort(-np.where(known, off, -1.0))
    order = order[known[order]]
    return order[: min(len(order), MOST_ENTRIES)]


def _matches(s: Suspect, entries: NDArray[np.intp], at: dict[str, NDArray]) -> bool:
    try:
        slopes = s.evidence.slopes(s.variable, entries, at)
    except TargetError:
        return False
    count = len(s.v)
    claimed = s.analytic.reshape(count, -1)[:, entries]
    true = s.numeric.reshape(count, -1)[:, entries]
    off = float(np.linalg.norm(claimed - slopes))
    size = max(float(np.linalg.norm(claimed)), float(np.linalg.norm(true)))
    return off <= 0.02 * float(np.linalg.norm(claimed - true)) + 1e-7 * size


def _transforms(variable: Variable) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    value = variable.value
    dims = value.ndim
    spatial = [axis for axis in range(max(dims - 2, 0), dims) if value.shape[axis] > 1]
    if dims >= 3:
        for count in (2, 1):
            for axes in itertools.combinations(spatial, count):
                yield "flipped", f"turned around along {axes_listed(axes)}", np.flip(value, axes)
    for one, other in itertools.combinations(range(dims), 2):
        if value.shape[one] == value.shape[other] > 1:
            channels = dims == 4 and (one, other) == (0, 1)
            slug = "swapped" if channels else "transposed"
            yield slug, f"with axes {one} and {other} exchanged", np.swapaxes(value, one, other)
    for axis in range(dims):
        length = value.shape[axis]
        if length < 2:
            continue
        if dims < 3 or axis < dims - 2:
            slug = "swapped" if dims >= 3 else "flipped"
            yield slug, f"in reverse order along axis {axis}", np.flip(value, axis)
        for step in (1, -1):
            slug = "swapped" if length == 2 and axis not in spatial else "shifted"
            yield slug, f"moved by {step} along axis {axis}", np.roll(value, step, axis)
            yield (
                "shifted",
                f"moved by {step} along axis {axis} (zeros come in)",
                push(value, (axis,), (step,)),
            )
    if variable.kind == "parameter" and dims <= 1:
        yield "missing-term", "equal to 1: the factor is forgotten", np.ones_like(value)
