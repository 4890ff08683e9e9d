"""Gradients of a wrong shape: often the right numbers, or the sum over a wrong axis."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Evidence
from minicnn.checking.diagnosis.words import axes_listed
from minicnn.checking.failures import TargetError
from minicnn.checking.report import Finding
from minicnn.checking.subject import Variable

MOST_ENTRIES = 1000


def explain_shape(
    evidence: Evidence, variable: Variable, received: NDArray[np.float64]
) -> Finding | None:
    """Say what a gradient of a wrong shape holds; None if that cannot be told."""
    if variable.value.size > MOST_ENTRIES:
        return None
    try:
        true = _numeric(evidence, variable)
    except TargetError:
        return None
    for other in evidence.subject.variables:
        if other.name == variable.name or other.value.shape != received.shape:
            continue
        if _equal(_numeric(evidence, other), received):
            return Finding(
                "swapped",
                f"in place of the gradient of {variable.name} stands that of {other.name}",
                variable.name,
                {"is_gradient_of": other.name},
            )
    name = variable.gradient_name
    for axes in itertools.permutations(range(true.ndim)):
        moved = true.transpose(axes)
        if axes != tuple(range(true.ndim)) and _equal(moved, received):
            return Finding(
                "transposed",
                f"{name} has shape {received.shape} instead of {true.shape}: it is the transpose "
                "of the true gradient",
                variable.name,
                {"received": list(received.shape), "expected": list(true.shape)},
            )
    shapes = evidence.output_shapes
    if received.size == true.size and _equal(received.ravel(), true.ravel()):
        return None
    if len(shapes) == 1 and shapes[0]:
        dy = evidence.cotangents[0].reshape(shapes[0])
        for count in range(1, dy.ndim + 1):
            for axes in itertools.combinations(range(dy.ndim), count):
                for summed in (dy.sum(axis=axes), dy.mean(axis=axes)):
                    if received.size == summed.size and _equal(received.ravel(), summed.ravel()):
                        return Finding(
                            "wrong-axis",
                            f"{name} has shape {received.shape} instead of {true.shape}: dy is "
                            f"summed over {axes_listed(axes)}, and should be over others",
                            variable.name,
                            {"summed_axes": list(axes), "expected": list(true.shape)},
                        )
    return None


def _numeric(evidence: Evidence, variable: Variable) -> NDArray[np.float64]:
    slopes = evidence.slopes(variable, np.arange(variable.value.size))  # (K, n)
    return slopes[0].reshape(variable.value.shape)


def _equal(one: NDArray, other: NDArray) -> bool:
    if one.shape != other.shape:
        return False
    size = max(float(np.abs(one).max(initial=0)), float(np.abs(other).max(initial=0)))
    return float(np.abs(one - other).max(initial=0)) <= 1e-5 * size
