"""Every variable has a gradient, of its shape and dtype, and finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.contents import flatten
from minicnn.checking.promises.behaviour import Gradients
from minicnn.checking.promises.calls import Calls
from minicnn.checking.subject import Call, Variable


def accept(calls: Calls, call: Call, raw: Mapping[str, Any]) -> Gradients:
    """Check presence, shape, dtype and finiteness; return what can be compared."""
    accepted: Gradients = {}
    single_outputs = all(
        np.asarray(y).dtype.kind != "f" or np.asarray(y).dtype.itemsize < 8
        for y in call.outputs
        if isinstance(y, np.ndarray | np.floating)
    ) and any(isinstance(y, np.ndarray | np.floating) for y in call.outputs)
    for variable in calls.subject.variables:
        accepted[variable.name] = _accept_one(
            calls, variable, raw.get(variable.name), single_outputs
        )
    return accepted


def _accept_one(
    calls: Calls, variable: Variable, gradient: Any, single_outputs: bool
) -> NDArray[np.float64] | None:
    found, name = calls.found, variable.name
    what = variable.gradient_name
    if gradient is None:
        found.add(
            "shape",
            f"there is no gradient of {name}: {what} is missing{_instead(calls, variable)}",
            name,
            expected=list(variable.value.shape),
            received=None,
        )
        return None
    array = np.asarray(gradient)
    if array.dtype == object or array.dtype.kind not in "fiub":
        found.add(
            "dtype",
            f"{what} holds {array.dtype} values instead of real numbers",
            name,
            received=str(array.dtype),
        )
        return None
    if array.dtype.kind != "f" and isinstance(gradient, np.ndarray):
        found.add(
            "dtype",
            f"{what} is {array.dtype}: whole numbers cannot hold a gradient; make it "
            f"{variable.value.dtype}",
            name,
            expected=str(variable.value.dtype),
            received=str(array.dtype),
        )
    elif (
        isinstance(gradient, np.ndarray)
        and array.dtype.itemsize < _itemsize(calls, variable)
        and not (single_outputs and array.dtype == np.float32)
    ):
        found.add(
            "dtype",
            f"{what} is {array.dtype}, but {name} is {variable.value.dtype}: half of the "
            "digits are lost; make the gradient with the dtype of its array",
            name,
            expected=str(variable.value.dtype),
            received=str(array.dtype),
        )
    values = array.astype(np.float64)
    if values.shape != variable.value.shape:
        found.add(
            "shape",
            f"{what} has shape {values.shape}, but {name} has shape {variable.value.shape}",
            name,
            expected=list(variable.value.shape),
            received=list(values.shape),
        )
        found.misshapen.setdefault(name, values)
        return None
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        found.add(
            "error",
            f"{what} holds {bad} numbers of {values.size} that are NaN or infinite",
            name,
            phase="backward",
            not_finite=bad,
        )
        return None
    return values


def _itemsize(calls: Calls, variable: Variable) -> int:
    live = calls.subject.parameters() if variable.kind == "parameter" else {}
    if variable.key in live:
        return live[variable.key].dtype.itemsize
    return np.asarray(calls.subject.base[variable.key]).dtype.itemsize


def _instead(calls: Calls, variable: Variable) -> str:
    """List the names that ``grads`` does hold: one may be misspelt."""
    if variable.kind != "parameter":
        return ""
    found = flatten(getattr(calls.subject.target, "grads", None), numbers=True)
    return f"; grads holds {', '.join(map(repr, found)) or 'nothing'}"
