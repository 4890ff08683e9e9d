"""One face for everything that can be checked.

A layer, a loss, a model, a pair of functions and a single function differ in how they are
called; to the checker each is a *subject*: variables to differentiate, a forward that turns
them into numbers, and a backward that turns a cotangent into one gradient per variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.contents import promote
from minicnn.checking.errors import CheckError
from minicnn.checking.failures import TargetError, check_real, raised
from minicnn.checking.memento import (
    Memento,
    global_randomness,
    restore_global_randomness,
)
from minicnn.checking.signatures import argument_names, describe, kind_of


@dataclass(frozen=True)
class Variable:
    """Something to differentiate: an input or a parameter, at its base point in float64."""

    name: str
    kind: str  # "input" or "parameter"
    key: Any  # the position of the input, or the name of the parameter
    value: NDArray[np.float64]
    given: np.dtype

    @property
    def gradient_name(self) -> str:
        """What the user calls its gradient."""
        return f"grads[{self.key!r}]" if self.kind == "parameter" else f"d{self.name}"

    @property
    def scale(self) -> float:
        """The size of a typical entry: steps are taken relative to it."""
        values = np.abs(self.value)
        rms = float(np.sqrt(np.mean((values / max(values.max(initial=0.0), 1e-300)) ** 2)))
        return rms * float(values.max(initial=0.0)) or 1.0


@dataclass
class Call:
    """What one forward pass returned, and what its backward pass needs."""

    inputs: tuple[Any, ...]
    raw: Any
    outputs: tuple[Any, ...]  # as returned: arrays or plain numbers
    cache: Any = None
    gradients: Any = None  # of a function, which returns them at once

    @property
    def flat(self) -> NDArray[np.float64]:
        """All outputs in a row, in float64."""
        return np.concatenate([np.asarray(y, np.float64).ravel() for y in self.outputs])

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of each output."""
        return [np.shape(y) for y in self.outputs]


class Subject:
    """A target with its inputs, ready to be evaluated anywhere near its base point.

    Parameters
    ----------
    target
        See `minicnn.gradcheck`.
    inputs
        The arguments of forward.
    wrt
        Names or positions of the variables to differentiate; None for all.

    Raises
    ------
    CheckError
        If the target or the inputs cannot be checked at all.
    """

    kind = "layer"

    def __init__(self, target: Any, inputs: Sequence[Any], wrt: Any = None) -> None:
        self.target = target
        self.inputs = [_as_array(value, i) for i, value in enumerate(inputs)]
        self.wrt = wrt
        self.evaluations = 0
        self.uses_global_randomness = False
        self.memento = Memento(target, self.inputs)
        self.names = self.argument_names(len(self.inputs))
        self.float_inputs = [i for i, value in enumerate(self.inputs) if _is_float(value)]
        self.base = list(self.inputs)
        self.variables: list[Variable] = []

    # ---- to be written for each kind ------------------------------------------------

    def argument_names(self, count: int) -> list[str]:
        """Return a name for each argument of forward."""
        return argument_names(self.target.forward, count)

    def call_forward(self, inputs: tuple[Any, ...]) -> Call:
        """Run forward on these very objects."""
        raw = self.target.forward(*inputs)
        return Call(inputs, raw, outputs_of(raw))

    def call_backward(self, call: Call, dys: tuple[Any, ...]) -> dict[str, Any]:
        """Run backward and return the raw gradients by the name of their variable."""
        raise NotImplementedError

    @property
    def takes_dy(self) -> bool:
        """Whether backward takes the gradient of the output."""
        return True

    @property
    def describe(self) -> str:
        """The target in words."""
        return describe(self.target)

    # ---- parameters -----------------------------------------------------------------

    def parameters(self) -> dict[str, NDArray]:
        """Return the live parameters by name; numbers and None are left out."""
        return {}

    # ---- calls ----------------------------------------------------------------------

    def forward(self, values: Mapping[str, NDArray] | None = None) -> Call:
        """Run forward from the remembered state, with some variables replaced."""
        self.memento.restore()
        self.restore_shared_randomness()
        return self.forward_on(self.arguments(values or {}), values or {})

    def forward_on(
        self, inputs: tuple[Any, ...], values: Mapping[str, NDArray] | None = None
    ) -> Call:
        """Run forward on these objects, from whatever state the target is in."""
        self.put_parameters(values or {})
        self.evaluations += 1
        try:
            call = self.call_forward(inputs)
        except TargetError:
            raise
        except (Exception, SystemExit) as error:
            raise raised("forward", error) from error
        for y in call.outputs:
            check_real(y, "forward", "the output")
        return call

    def backward(self, call: Call, dys: tuple[Any, ...]) -> dict[str, Any]:
        """Run backward after ``call``; gradients as the target returned them, not copied."""
        try:
            return self.call_backward(call, dys)
        except TargetError:
            raise
        except (Exception, SystemExit) as error:
            raise raised("backward", error) from error

    def arguments(self, values: Mapping[str, NDArray]) -> tuple[Any, ...]:
        """Return fresh copies of the inputs, some of them replaced."""
        inputs = []
        for name, value in zip(self.names, self.base, strict=True):
            if name in values and isinstance(value, np.ndarray):
                value = values[name]
            inputs.append(value.copy(order="K") if isinstance(value, np.ndarray) else value)
        return tuple(inputs)

    def put_parameters(self, values: Mapping[str, NDArray]) -> None:
        """Write new values into the live parameters."""
        wanted = [v for v in self.variables if v.kind == "parameter" and v.name in values]
        if wanted:
            live = self.parameters()
            for variable in wanted:
                live[variable.key][...] = values[variable.name]

    def evaluate(self, values: Mapping[str, NDArray]) -> NDArray[np.float64]:
        """Return all outputs in a row for some variables replaced."""
        return self.forward(values).flat

    def cotangents(self, call: Call, flat: NDArray) -> tuple[Any, ...]:
        """Cut a row of numbers into one cotangent for each output, of its shape and dtype."""
        dys: list[Any] = []
        start = 0
        for y in call.outputs:
            stop = start + np.size(y)
            if isinstance(y, np.ndarray) and y.ndim:
                piece = flat[start:stop].reshape(y.shape)
                dys.append(piece.astype(y.dtype if y.dtype.kind == "f" else np.float64))
            else:
                dys.append(float(flat[start]))
            start = stop
        return tuple(dys)

    def remember_randomness(self) -> None:
        """From now on start each call from the shared generators as they are now."""
        self._randomness = global_randomness()
        self.uses_global_randomness = True

    def restore_shared_randomness(self) -> None:
        """Put the shared generators back, if the target draws from them."""
        if self.uses_global_randomness:
            restore_global_randomness(self._randomness)

    # ---- setting up -----------------------------------------------------------------

    def prepare(self) -> None:
        """Bring inputs and parameters to float64 and list the variables.

        Raises
        ------
        TargetError
            If forward fails on the inputs.
        """
        for i in self.float_inputs:
            self.base[i] = self.inputs[i].astype(np.float64, order="K")
        given = {name: a.dtype for name, a in self.parameters().items()}
        self._promote(given)
        self._check_base(given)
        self._list_variables(given)

    def _promote(self, given: Mapping[str, np.dtype]) -> None:
        """Turn float32 parameters into float64 where the target allows it."""
        if all(dtype != np.float32 for dtype in given.values()):
            return
        restore = self.memento
        try:
            promote(self.target)
            self.memento = Memento(self.target, self.inputs)
            self.forward_on(self.arguments({}))
        except Exception:  # its own astype may do anything
            restore.restore()
            self.memento = restore
            for i in self.float_inputs:
                self.base[i] = self.inputs[i]

    def _check_base(self, given: dict[str, np.dtype]) -> None:
        call = self.forward()
        if self.parameters().keys() - given.keys():
            # Made in the first forward pass: from here on they belong to the state.
            self.memento = Memento(self.target, self.inputs)
            given.update({n: a.dtype for n, a in self.parameters().items() if n not in given})
            if np.float32 in [a.dtype for a in self.parameters().values()]:
                self._promote(given)
            call = self.forward()
        self.base_call = call

    def _list_variables(self, given: Mapping[str, np.dtype]) -> None:
        self.memento.restore()
        live = self.parameters()
        found = []
        for i in self.differentiated_inputs():
            value = np.asarray(self.base[i])
            found.append(Variable(self.names[i], "input", i, value, self.inputs[i].dtype))
        taken = {variable.name for variable in found}
        for key, array in live.items():
            if array.dtype.kind != "f":
                continue
            if array.dtype == np.float16:
                raise CheckError(_float16(f"params[{key!r}]"))
            name = f"params[{key!r}]" if key in taken else key
            value = array.astype(np.float64)
            found.append(Variable(name, "parameter", key, value, given.get(key, array.dtype)))
        self.variables = self._chosen(found)
        if self.variables and not any(v.value.size for v in self.variables):
            names = ", ".join(v.name for v in self.variables)
            raise CheckError(
                f"{names} of {self.describe} holds no numbers: an empty array has no gradient to "
                "compare; pass at least one entry"
            )
        if not self.variables:
            raise CheckError(
                f"{self.describe} has nothing to differentiate: no input is a float array and "
                "there are no parameters; pass at least one input as an array of floats"
            )

    def differentiated_inputs(self) -> list[int]:
        """Return the positions of the inputs whose gradient backward returns."""
        return self.float_inputs

    def _chosen(self, found: list[Variable]) -> list[Variable]:
        if self.wrt is None:
            return found
        if not isinstance(self.wrt, str | int | list | tuple | set | frozenset):
            raise CheckError(
                f"wrt is {kind_of(self.wrt)}; it names what to differentiate: give a name, a "
                "position, or a list of them"
            )
        wanted = [self.wrt] if isinstance(self.wrt, str | int) else list(self.wrt)
        chosen: list[Variable] = []
        for want in wanted:
            match = [v for v in found if want in (v.name, v.key)]
            if not match:
                known = ", ".join(repr(v.name) for v in found)
                raise CheckError(
                    f"wrt names {want!r}, which is not among what can be differentiated; "
                    f"choose from {known}"
                )
            chosen.extend(v for v in match if all(v is not c for c in chosen))
        return chosen


def _as_array(value: Any, position: int) -> Any:
    """Turn a list of floats into an array; leave everything else as it is."""
    if isinstance(value, list):
        try:
            array = np.asarray(value)
        except ValueError:
            return value
        value = array if array.dtype.kind == "f" else value
    if isinstance(value, np.ndarray) and value.dtype == np.float16:
        raise CheckError(_float16(f"input {position}"))
    if isinstance(value, np.ndarray) and value.dtype.kind == "c":
        raise CheckError(
            f"input {position} is {value.dtype}; gradients of complex numbers are not checked; "
            "pass real and imaginary part as two arrays"
        )
    return value


def _float16(what: str) -> str:
    return (
        f"{what} is float16; its three digits are too few for differences; pass float64 (or "
        "float32)"
    )


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def outputs_of(raw: Any) -> tuple[Any, ...]:
    """Return what forward returned as a tuple of outputs."""
    if isinstance(raw, tuple | list):
        return tuple(raw)
    return (raw,)
