"""Backward twice gives the same: nothing is added up, drawn again, or used up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.arrays import close, ratio
from minicnn.checking.failures import TargetError
from minicnn.checking.promises.behaviour import SAME
from minicnn.checking.promises.calls import Calls, gradients_of


def check_repetition(calls: Calls) -> None:
    """Run backward again, after the same forward and after another one."""
    subject, found = calls.subject, calls.found
    call = subject.forward()
    first = calls.gradients(calls.v[0], call)
    generators = subject.memento.generator_states()
    try:
        second = gradients_of(subject, call, calls.v[0])
    except TargetError:
        # A cache that can be used once is a design, if not the library's.
        calls.repeatable = False
        found.notes.append("backward cannot be called twice after one forward")
        second = first
    drew = generators != subject.memento.generator_states()
    _compare(calls, first, second, drew, "a second backward after the same forward")
    # A layer may reset its gradients in forward, or nowhere.
    subject.memento.restore_generators()
    subject.restore_shared_randomness()
    third_call = subject.forward_on(subject.arguments({}))
    if third_call.shapes == call.shapes and close(third_call.flat, call.flat, SAME):
        third = gradients_of(subject, third_call, calls.v[0])
        _compare(calls, first, third, drew, "the same forward and backward again")


def _compare(
    calls: Calls,
    first: Mapping[str, NDArray],
    second: Mapping[str, NDArray],
    drew: bool,
    what: str,
) -> None:
    for name in first.keys() & second.keys():
        one, two = first[name], second[name]
        if one.shape == two.shape and close(one, two, SAME):
            continue
        variable = next(v for v in calls.subject.variables if v.name == name)
        gradient = variable.gradient_name
        growth = ratio(two, one)
        if growth > 1.05 and close(two, growth * one, 1e-6):
            calls.found.add(
                "accumulates",
                f"{what} gives {growth:.3g} times {gradient}: it is added to what was there; "
                "overwrite it",
                name,
                ratio=growth,
            )
            calls.repeatable = False  # from here on each backward gets a fresh forward
            continue
        if drew:
            calls.found.add(
                "nondeterministic",
                f"{what} gives another {gradient}: backward draws random numbers; it must use "
                "the mask that forward drew",
                name,
            )
        else:
            again = "a second backward" in what and bool(one.any())
            calls.found.add(
                "mutates" if again else "stale-cache",
                f"{what} gives another {gradient}: "
                + (
                    "backward changes what it kept from forward"
                    if again
                    else "something is left over from the first time"
                ),
                name,
                difference=float(np.abs(one - two).max()) if one.shape == two.shape else None,
            )
