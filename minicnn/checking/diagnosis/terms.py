"""Gradients that lack a term: a path from input to output that was forgotten.

The difference between the true gradient and the analytic one is the missing term, and its shape
tells which one. The derivative of a mean is the same for all entries of a group, that of a
variance is proportional to x within a group, that of a softmax's denominator to y, that of a
penalty to the weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.diagnosis.places import diagonal
from minicnn.checking.diagnosis.words import axes_listed, listed, subsets
from minicnn.checking.report import Finding

MOST_UNKNOWNS = 400


def a_path(s: Suspect) -> Finding | None:
    """The way around (y = main(x) + x), or the main way, is missing."""
    shapes = s.evidence.output_shapes
    if s.variable.kind != "input" or len(shapes) != 1 or not s.complete:
        return None
    if int(np.prod(shapes[0])) != s.variable.value.size:
        return None
    dy = s.v.reshape(s.analytic.shape)
    if s.explained_by(s.numeric - dy):
        return _finding(s, "the identity path (the skip connection): dy itself must be added")
    if diagonal(s) is None and s.explained_by(dy):
        return _finding(s, "everything but the identity path: it is dy itself")
    return None


def a_factor_of_a_product(s: Suspect) -> Finding | None:
    """Of the product rule (x g(x))' = g(x) + x g'(x), one half."""
    pair = diagonal(s)
    if pair is None or not s.complete:
        return None
    true = pair[0]
    x, y = s.variable.value.ravel(), s.evidence.subject.base_call.flat
    nonzero = np.abs(x) > 1e-9
    if not nonzero.all() or (np.abs(true) < 1e-12).mean() > 0.3:
        return None
    for words, value in (
        ("x g'(x)", y / x),
        ("g(x)", true - y / x),
        ("all but 1", np.ones(len(x))),
    ):
        candidate = (s.v * value).reshape(s.analytic.shape)
        if np.ptp(value) < 1e-9 and words != "all but 1":
            continue
        if s.explained_by(candidate):
            return _finding(s, f"the term {words} of the derivative")
    return None


def a_penalty(s: Suspect) -> Finding | None:
    """What a penalty on the weights contributes."""
    value = s.variable.value
    missing = s.numeric - s.analytic  # (K, ...)
    known = np.isfinite(missing)
    for words, shape in (
        ("the weights themselves (an L2 penalty)", value),
        ("their signs (an L1 penalty)", np.sign(value)),
    ):
        if not shape.any() or np.count_nonzero(shape) < 3:
            continue
        pattern = np.broadcast_to(shape, missing.shape)
        for k in range(len(missing)):
            square = float((pattern[k][known[k]] ** 2).sum())
            if not square:
                return None
            share = float((missing[k] * pattern[k])[known[k]].sum()) / square
            rest = float(np.linalg.norm((missing[k] - share * pattern[k])[known[k]]))
            if rest > 0.02 * float(np.linalg.norm(missing[k][known[k]])):
                break
        else:
            return Finding(
                "missing-term",
                f"{s.gradient_name} is off by {share:.4g} times {words}",
                s.name,
                {"coefficient": share},
            )
    return None


def a_target(s: Suspect) -> Finding | None:
    """One entry of each row is off: that of the right class."""
    if len(s.shape) != 2 or not s.wrong.any() or any(s.evidence.output_shapes):
        return None
    per_row = s.wrong.sum(axis=1)
    if s.shape[1] > 2 and per_row.max() == 1 and per_row.mean() > 0.5:
        return Finding(
            "missing-term",
            f"{s.gradient_name} is wrong in one entry of each row: the term of the target",
            s.name,
            {"wrong_entries": int(s.wrong.sum())},
        )
    return None


def all_but_the_diagonal(s: Suspect) -> Finding | None:
    """Each output depends on all inputs of its group, and only its own is differentiated."""
    jacobian = s.jacobian
    if jacobian is None or jacobian.shape[0] != jacobian.shape[1] or diagonal(s) is not None:
        return None
    candidate = s.v * np.diag(jacobian)
    if candidate.any() and s.explained_by(candidate.reshape(s.analytic.shape)):
        return _finding(s, "all but the diagonal: how one entry changes the outputs of the others")
    return None


def a_sum_over_a_group(s: Suspect) -> Finding | None:
    """The derivative of a mean, a variance, a maximum or a denominator over some axes."""
    if not s.complete or s.variable.kind != "input" or diagonal(s) is not None:
        return None
    missing = s.numeric - s.analytic
    for axes in _axis_sets(s.shape):
        for words, features in _features(s):
            groups = int(np.prod([n for i, n in enumerate(s.shape) if i not in axes]))
            size = s.variable.value.size // max(groups, 1)
            if size < len(features) + 2 or groups * len(features) > MOST_UNKNOWNS:
                continue
            if all(_span_explains(s, missing[k], [(features, axes)]) for k in range(len(missing))):
                return _finding(s, f"the derivative of {words} over {axes_listed(axes)}")
    return None


def a_sum_over_a_wrong_group(s: Suspect) -> Finding | None:
    """The same, but the sum was taken over other axes than in forward."""
    if not s.complete or s.variable.kind != "input" or s.variable.value.size > MOST_UNKNOWNS:
        return None
    if diagonal(s) is not None:
        return None
    missing = s.numeric - s.analytic
    n = s.variable.value.size
    for words, features in _features(s):
        for one, other in itertools.combinations(_axis_sets(s.shape), 2):
            unknowns = len(features) * sum(n // _size(s.shape, axes) for axes in (one, other))
            if unknowns > 0.6 * n:
                continue
            if all(
                _span_explains(s, missing[k], [(features, one), (features, other)])
                for k in range(len(missing))
            ):
                return Finding(
                    "wrong-axis",
                    f"{s.gradient_name} takes {words} over other axes than forward does: "
                    f"{listed(one)} and {listed(other)} are confused",
                    s.name,
                    {"axes": [list(one), list(other)]},
                )
    return None


def _features(s: Suspect) -> Iterator[tuple[str, list[NDArray[np.float64]]]]:
    x = s.variable.value
    ones = np.ones(s.shape)
    yield "a mean", [ones]
    y = s.evidence.subject.base_call.flat
    if y.size == x.size:
        y_shaped = y.reshape(x.shape)
        yield "a denominator", [y_shaped]
        yield "log-sum-exp", [np.exp(np.clip(y_shaped, -700, 50))]
    if len(s.shape) > 1:
        yield "mean and variance", [ones, x]


def _span_explains(
    s: Suspect,
    missing: NDArray[np.float64],
    parts: list[tuple[list[NDArray[np.float64]], tuple[int, ...]]],
) -> bool:
    """Whether the missing term is a sum of features with one coefficient per group."""
    size = float(np.linalg.norm(missing))
    if not size:
        return True
    if len(parts) == 1:
        features, axes = parts[0]
        rest = _project(missing, features, axes)
        return float(np.linalg.norm(rest)) <= 0.02 * size
    columns = [c for features, axes in parts for f in features for c in _columns(f, axes)]
    design = np.stack(columns, axis=1)  # (n, unknowns)
    fit = np.linalg.lstsq(design, missing.ravel(), rcond=None)[0]
    return float(np.linalg.norm(missing.ravel() - design @ fit)) <= 0.02 * size


def _project(
    missing: NDArray[np.float64], features: list[NDArray[np.float64]], axes: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return what is left of the missing term after a fit in each group."""
    group = [i for i in range(missing.ndim) if i not in axes]
    order = group + list(axes)
    count = int(np.prod([missing.shape[i] for i in group]))
    rows = missing.transpose(order).reshape(count, -1)  # (groups, size)
    basis = np.stack([f.transpose(order).reshape(count, -1) for f in features], axis=2)
    rest = np.empty_like(rows)
    for j in range(count):
        fit = np.linalg.lstsq(basis[j], rows[j], rcond=None)[0]
        rest[j] = rows[j] - basis[j] @ fit
    return rest


def _columns(feature: NDArray[np.float64], axes: tuple[int, ...]) -> Iterator[NDArray[np.float64]]:
    shape = tuple(n for i, n in enumerate(feature.shape) if i not in axes)
    kept = [i for i in range(feature.ndim) if i not in axes]
    for index in np.ndindex(shape):
        column = np.zeros(feature.shape)
        where: list[slice | int] = [slice(None)] * feature.ndim
        for axis, j in zip(kept, index, strict=True):
            where[axis] = j
        column[tuple(where)] = feature[tuple(where)]
        yield column.ravel()


def _axis_sets(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(subsets([axis for axis, length in enumerate(shape) if length > 1]))


def _size(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    return int(np.prod([shape[axis] for axis in axes]))


def _finding(s: Suspect, what: str) -> Finding:
    return Finding("missing-term", f"{s.gradient_name} lacks {what}", s.name, {"missing": what})
