"""Backward is linear in dy: B(0) = 0 and B(2v - 3w) = 2 B(v) - 3 B(w)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.arrays import close, ratio
from minicnn.checking.promises.behaviour import SAME
from minicnn.checking.promises.calls import Calls
from minicnn.checking.subject import Variable

# Relative departure from linearity that single precision explains, and half precision.
SINGLE, HALF = 1e-5, 1e-2
# Powers of two: rounding scales with them exactly, in any precision; what is clipped does not.
SIZES = (2.0**10, 2.0**-13)


def check_linearity(calls: Calls) -> None:
    """Combine two cotangents, and see whether their gradients combine in the same way."""
    if len(calls.v) < 2:
        return
    v, w = calls.v
    call = calls.subject.forward()
    a, b = calls.gradients(v, call), calls.gradients(w, call)
    mixed = calls.gradients(2 * v - 3 * w, call)
    zero = calls.gradients(0 * v, call)
    scaled = [calls.gradients(size * v, call) for size in SIZES]
    calls.found.gradients.append({n: b.get(n) for n in calls.found.gradients[0]})
    for variable in calls.subject.variables:
        name = variable.name
        if all(name in g for g in (a, b, mixed, zero, *scaled)):
            _judge(
                calls,
                variable,
                a[name],
                b[name],
                mixed[name],
                zero[name],
                [g[name] for g in scaled],
            )


def _judge(
    calls: Calls,
    variable: Variable,
    a: NDArray,
    b: NDArray,
    mixed: NDArray,
    zero: NDArray,
    resized: list[NDArray],
) -> None:
    found, name, what = calls.found, variable.name, variable.gradient_name
    size = 2 * np.abs(a) + 3 * np.abs(b)
    if not a.size or not size.max() > _vanishing(calls, variable):
        return
    if np.array_equal(a, b):
        found.add(
            "ignores-dy",
            f"{what} is the same for two different dy: backward does not use dy",
            name,
            backward_of_zero=float(np.abs(zero).max()),
        )
        return
    residual = mixed - (2 * a - 3 * b)
    scaled = np.max([np.abs(g / size - a) for g, size in zip(resized, SIZES, strict=True)], axis=0)
    departure = np.maximum(np.abs(residual), scaled)
    relative = float(np.linalg.norm(departure) / np.linalg.norm(size))
    local = departure > 1e-3 * size
    worst = float(departure.max(initial=0))
    everywhere = relative > SINGLE
    somewhere = (local & (departure > 1e-4 * np.sqrt((size**2).mean()))).any()
    if worst <= _vanishing(calls, variable):
        # What is left where terms cancel is not linear in anything.
        found.rounding[name] = float(np.sqrt((residual**2).mean())) if relative > 1e-12 else 0.0
        return
    if not everywhere and not somewhere and np.abs(zero).max() <= SAME * size.max():
        found.rounding[name] = float(np.sqrt((residual**2).mean())) if relative > 1e-12 else 0.0
        return
    if np.abs(zero).max() > 1e-6 * size.max():
        _something_added(calls, variable, zero, residual)
    elif relative < HALF and (
        float(np.linalg.norm(scaled)) <= 1e-9 * float(np.linalg.norm(a)) or _in_half(a)
    ):
        found.add(
            "dtype",
            f"{what} is exact to {relative:.0e} only: backward computes with too few digits",
            name,
            departure=relative,
        )
    else:
        _mask_from_dy(calls, variable, a)
        found.add(
            "nonlinear-in-dy",
            f"{what} is not linear in dy: with B for backward, B(2v - 3w) differs from "
            f"2 B(v) - 3 B(w) by {relative:.1g} of its size; no derivative does that",
            name,
            departure=relative,
            largest=worst,
        )


def _something_added(calls: Calls, variable: Variable, zero: NDArray, residual: NDArray) -> None:
    """Backward of dy = 0 is not zero: say what is there instead."""
    name, what = variable.name, variable.gradient_name
    size = float(np.abs(zero).max())
    share = ratio(zero, variable.value)
    if np.count_nonzero(variable.value) > 2 and close(zero, share * variable.value, 1e-6):
        calls.found.add(
            "missing-term",
            f"backward adds {share:.4g} times {name} to {what}, as for a penalty on the "
            "weights, but the output of forward has no such term",
            name,
            coefficient=share,
        )
    calls.found.add(
        "nonlinear-in-dy",
        f"backward of dy = 0 gives a {what} that is not 0",
        name,
        backward_of_zero=size,
    )
    if close(residual, 2 * zero, 1e-6):  # B(v) = L(v) + c: then the residual is 2 c
        calls.found.add(
            "ignores-dy",
            f"a part of {what} does not depend on dy: it is there for dy = 0, too",
            name,
            backward_of_zero=size,
        )


def _vanishing(calls: Calls, variable: Variable) -> float:
    """What a gradient that is zero by cancellation may be by rounding.

    The bias of a layer before a normalization has no influence at all; its gradient is
    what rounding leaves of it, and is linear in nothing.
    """
    y = calls.subject.base_call.flat
    size = float(np.linalg.norm(calls.v[0])) * float(np.sqrt((y**2).mean()))
    return 1e-12 * size / variable.scale


def _mask_from_dy(calls: Calls, variable: Variable, a: NDArray) -> None:
    """Recognise a gradient that passes where dy is positive instead of where x is."""
    dy = calls.v[0]
    if variable.kind != "input" or a.size != dy.size:
        return
    passes, positive = a.ravel() != 0, dy > 0
    for keep, words in ((positive, "positive"), (~positive, "negative")):
        if passes.any() and not (passes & ~keep).any() and passes.sum() >= 0.3 * keep.sum():
            calls.found.add(
                "mask",
                f"{variable.gradient_name} passes only where dy is {words}: the mask is made "
                "from dy, and should be made from x",
                variable.name,
            )


def _in_half(a: NDArray) -> bool:
    """Whether all numbers are such as half precision can hold."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(a.astype(np.float16).astype(np.float64), a))
