"""A later call leaves earlier results alone, and does not depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.arrays import close, copy_of, same
from minicnn.checking.failures import TargetError
from minicnn.checking.promises.behaviour import SAME
from minicnn.checking.promises.calls import Calls, gradients_of
from minicnn.checking.subject import Call


def check_later_calls(calls: Calls) -> None:
    """Run forward A, backward A, forward B, backward B, and see what has become of each."""
    subject, found = calls.subject, calls.found
    other = another_point(calls)
    try:
        fresh_call = _fresh(calls, other)
        fresh_y = fresh_call.flat
        if not np.isfinite(fresh_y).all():
            return
        # Another dy as well: what is overwritten with the same numbers does not show.
        flat, flat_b = calls.v[0], calls.v[-1]
        if fresh_y.size != flat.size:
            return
        fresh = gradients_of(subject, fresh_call, flat_b)
    except TargetError:
        return  # the target need not accept a point we made up
    call = subject.forward()
    y_raw = [y for y in call.outputs if isinstance(y, np.ndarray)]
    y_kept = [y.copy() for y in y_raw]
    y_a = call.flat.copy()
    raw = subject.backward(call, subject.cotangents(call, flat))
    held = {n: g for n, g in raw.items() if isinstance(g, np.ndarray)}
    kept = {n: g.copy() for n, g in held.items()}

    subject.memento.restore_generators()
    subject.restore_shared_randomness()
    try:
        second = subject.forward_on(other)
    except TargetError:
        return
    _report_overwritten(calls, held, kept, y_raw, y_kept, "a later forward")
    y_b = second.flat.copy()
    seq = gradients_of(subject, second, flat_b)
    owned = {
        v.name: held[v.name]
        for v in subject.variables
        if v.name in held and (v.kind == "input" or subject.kind != "layer")
    }
    _report_overwritten(calls, owned, kept, y_raw, y_kept, "a later call")
    if y_b.shape == fresh_y.shape and close(y_b, fresh_y, SAME):
        _report_stale(calls, seq, fresh)
    elif close(y_b, y_a, 1e-12) and not close(fresh_y, y_a, 1e-6):
        found.add(
            "stale-cache",
            "forward of another input returns the output of the first one: it uses what it "
            "kept instead of computing anew",
        )
    if subject.kind == "pair" and calls.repeatable:
        late = gradients_of(subject, call, flat)
        _report_stale(calls, late, {n: k.astype(np.float64) for n, k in kept.items()})


def _fresh(calls: Calls, inputs: tuple[Any, ...]) -> Call:
    subject = calls.subject
    subject.memento.restore()
    subject.restore_shared_randomness()
    return subject.forward_on(tuple(copy_of(value) for value in inputs))


def another_point(calls: Calls) -> tuple[Any, ...]:
    """Make other inputs of the same kind: the batch turned around, each number moved a bit."""
    rng = np.random.default_rng(20)
    inputs: list[Any] = []
    for value in calls.subject.arguments({}):
        if isinstance(value, np.ndarray) and value.ndim and value.size > 1:
            axis = 0 if value.shape[0] > 1 else int(np.argmax(value.shape))
            value = np.flip(value, axis=axis if value.dtype.kind == "f" else 0).copy()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            value = (value * rng.uniform(0.9, 1.0, value.shape)).astype(value.dtype)
        inputs.append(value)
    return tuple(inputs)


def _report_overwritten(
    calls: Calls,
    held: Mapping[str, NDArray],
    kept: Mapping[str, NDArray],
    y_raw: list[NDArray],
    y_kept: list[NDArray],
    when: str,
) -> None:
    for y, before in zip(y_raw, y_kept, strict=True):
        if not same(y, before):
            calls.found.add(
                "alias",
                f"{when} overwrites the output y of an earlier one: both are the same memory; "
                "return a new array",
            )
    for name, gradient in held.items():
        if not same(gradient, kept[name]):
            variable = next(v for v in calls.subject.variables if v.name == name)
            calls.found.add(
                "alias",
                f"{when} overwrites {variable.gradient_name} of an earlier one: it is memory "
                "that is used again; return a new array",
                name,
            )


def _report_stale(calls: Calls, now: Mapping[str, NDArray], fresh: Mapping[str, NDArray]) -> None:
    for variable in calls.subject.variables:
        one, two = now.get(variable.name), fresh.get(variable.name)
        if one is None or two is None or one.shape != two.shape:
            continue
        if not close(one, two, 1e-7):
            calls.found.add(
                "stale-cache",
                f"{variable.gradient_name} depends on an earlier forward: after forward of "
                "another input, backward gives something else than in a fresh start",
                variable.name,
                difference=float(np.abs(one - two).max()),
            )
