"""A target given in float32 is checked in float64; here its own precision is looked at.

Differences in single precision show three digits. In double precision they show nine, so that is
where derivatives are compared; what is left to ask of float32 is that backward gives the same
gradient there, as far as rounding allows, and in the dtype of its array.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.arrays import close
from minicnn.checking.failures import TargetError
from minicnn.checking.memento import Memento
from minicnn.checking.promises.behaviour import Behaviour
from minicnn.checking.promises.linearity import SINGLE
from minicnn.checking.report import Finding
from minicnn.checking.subject import Subject, Variable

# Single precision, after sums: the same gradient to a share of its largest entry.
SINGLE_AGREES = 1e-2


def judge_single(
    subject: Subject, original: Memento, behaviour: Behaviour, cotangents: NDArray[np.float64]
) -> list[Finding]:
    """Compare backward in float32, where the target was given so, with float64."""
    if all(v.given == np.float64 for v in subject.variables) or not behaviour.gradients:
        return []
    double = subject.memento
    inputs = tuple(
        value.astype(np.float32) if i in subject.float_inputs else value
        for i, value in enumerate(subject.arguments({}))
    )
    try:
        original.restore()
        subject.restore_shared_randomness()
        call = subject.forward_on(inputs)
        if not close(call.flat, subject.base_call.flat, SINGLE_AGREES):
            return []  # other random numbers, or a kink that rounding crosses
        raw = subject.backward(call, subject.cotangents(call, cotangents[0]))
    except TargetError:
        return []
    finally:
        double.restore()
    outputs = [y for y in call.outputs if isinstance(y, np.ndarray)]
    all_single = bool(outputs) and all(
        dtype == np.float32
        for dtype in [y.dtype for y in outputs] + [v.given for v in subject.variables]
    )
    found = []
    for variable in subject.variables:
        gradient, exact = raw.get(variable.name), behaviour.gradients[0].get(variable.name)
        if exact is None or not isinstance(gradient, np.ndarray):
            continue
        if gradient.shape != exact.shape:
            continue
        if all_single and gradient.dtype != np.float32:
            found.append(
                Finding(
                    "dtype",
                    f"everything is float32, but the gradient of {variable.name} comes out as "
                    f"{gradient.dtype}; make it with the dtype of its array",
                    variable.name,
                    {"expected": "float32", "received": str(gradient.dtype)},
                )
            )
            continue
        size = max(float(np.abs(exact).max(initial=0)), 1e3 * SINGLE * _natural(subject, variable))
        if float(np.abs(gradient - exact).max(initial=0)) > SINGLE_AGREES * size:
            found.append(
                Finding(
                    "dtype",
                    f"in float32 the gradient of {variable.name} is far from what it is in "
                    "float64: it loses more digits than single precision explains",
                    variable.name,
                    {"dtype": str(gradient.dtype)},
                )
            )
    return found


def _natural(subject: Subject, variable: Variable) -> float:
    """What a gradient may be that moves the outputs by their own size."""
    y = subject.base_call.flat
    return float(np.sqrt(y.size) * np.linalg.norm(y)) / variable.scale
