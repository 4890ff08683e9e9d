"""The kinds of targets: layers, models and losses; pairs of functions; single functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.contents import flatten
from minicnn.checking.errors import CheckError
from minicnn.checking.failures import TargetError
from minicnn.checking.signatures import argument_names, count_positional, describe, kind_of
from minicnn.checking.subject import Call, Subject, outputs_of

# The second argument of a loss, as people call it.
LOSS_TARGETS = {"target", "targets", "y", "y_true", "label", "labels", "t", "ytrue", "truth"}


class LayerSubject(Subject):
    """An object with ``forward`` and ``backward``: a layer, a model or a loss."""

    def __init__(self, target: Any, inputs: Sequence[Any], wrt: Any = None) -> None:
        for method in ("forward", "backward"):
            if not callable(getattr(target, method, None)):
                raise CheckError(
                    f"{describe(target)} has no {method}; a target needs forward(x) and "
                    f"backward(dy), or is a pair (forward, backward); write {method}, or "
                    "check its name"
                )
        super().__init__(target, inputs, wrt)
        self.loss = False

    def _check_base(self, given: dict[str, np.dtype]) -> None:
        super()._check_base(given)
        call = self.base_call
        scalar = len(call.outputs) == 1 and np.ndim(call.outputs[0]) == 0
        named = len(self.names) > 1 and self.names[1].lower() in LOSS_TARGETS
        called = "loss" in type(self.target).__name__.lower()
        self.loss = len(self.inputs) > 1 and (scalar or named or called)
        if self.loss and len(self.float_inputs) > 1 and self._returns_several(call):
            self.loss = False

    def _returns_several(self, call: Call) -> bool:
        """Whether backward returns a gradient for more than one input."""
        dys = self.cotangents(call, np.ones(call.flat.size))
        try:
            returned = self.target.backward(*(dys if self.takes_dy else ()))
        except (Exception, SystemExit):
            return False
        return isinstance(returned, tuple) and sum(g is not None for g in returned) > 1

    @property
    def takes_dy(self) -> bool:
        """A loss may leave it out."""
        return not self.loss or count_positional(self.target.backward) != 0

    def differentiated_inputs(self) -> list[int]:
        """Of a loss the first float input alone; the other is the target."""
        return self.float_inputs[:1] if self.loss else self.float_inputs

    def parameters(self) -> dict[str, NDArray]:
        """Return the live parameters of the object."""
        return flatten(getattr(self.target, "params", None))

    def call_backward(self, call: Call, dys: tuple[Any, ...]) -> dict[str, Any]:
        """Run backward; take dx from what it returns, the rest from ``grads``."""
        backward = self.target.backward
        if not self.takes_dy:
            returned = backward()
        elif len(dys) > 1 and count_positional(backward) == 1:
            returned = backward(tuple(dys))
        else:
            returned = backward(*dys)
        gradients = _by_input(self, returned)
        stored = flatten(getattr(self.target, "grads", None), numbers=True)
        for variable in self.variables:
            if variable.kind == "parameter":
                gradients[variable.name] = stored.get(variable.key)
        return gradients


class PairSubject(Subject):
    """Two functions: ``y, cache = forward(x, w)`` and ``dx, dw = backward(dy, cache)``."""

    kind = "pair"

    def argument_names(self, count: int) -> list[str]:
        """Return the names of forward's arguments."""
        return argument_names(self.target[0], count)

    @property
    def describe(self) -> str:
        """Both functions by name."""
        return f"({describe(self.target[0])}, {describe(self.target[1])})"

    def call_forward(self, inputs: tuple[Any, ...]) -> Call:
        """Run forward; its last result is the cache."""
        raw = self.target[0](*inputs)
        if not isinstance(raw, tuple | list) or len(raw) < 2:
            raise TargetError(
                "forward",
                f"forward returned {kind_of(raw)}; a pair's forward returns y and a cache, and "
                "backward(dy, cache) takes it; write `return y, cache`",
            )
        outputs = tuple(y for part in raw[:-1] for y in outputs_of(part))
        return Call(inputs, raw, outputs, cache=raw[-1])

    def call_backward(self, call: Call, dys: tuple[Any, ...]) -> dict[str, Any]:
        """Run backward on the cache of that call."""
        nested = isinstance(call.raw[0], tuple | list) and len(call.raw) == 2
        arguments = (tuple(dys),) if nested else dys
        return _by_input(self, self.target[1](*arguments, call.cache))


class FunctionSubject(Subject):
    """One function that returns a loss and its gradients: ``loss, dx = f(x, y)``."""

    kind = "function"

    def argument_names(self, count: int) -> list[str]:
        """Return the names of its arguments."""
        return argument_names(self.target, count)

    @property
    def takes_dy(self) -> bool:
        """Never: the gradient is that of the loss itself."""
        return False

    def call_forward(self, inputs: tuple[Any, ...]) -> Call:
        """Run the function; keep the gradients it returned."""
        raw = self.target(*inputs)
        if not isinstance(raw, tuple | list) or len(raw) < 2:
            raise TargetError(
                "forward",
                f"the function returned {kind_of(raw)}; a single function returns its loss and "
                "the gradient; write `return loss, dx`, or pass a pair (forward, backward)",
            )
        loss = raw[0]
        if np.size(loss) != 1:
            raise TargetError(
                "forward",
                f"the function returned a loss of shape {np.shape(loss)}; it must be one number; "
                "for an array pass a pair (forward, backward)",
            )
        gradients = raw[1] if len(raw) == 2 else tuple(raw[1:])
        return Call(inputs, raw, (np.asarray(loss).reshape(()),), gradients=gradients)

    def call_backward(self, call: Call, dys: tuple[Any, ...]) -> dict[str, Any]:
        """Return the gradients that came with the loss."""
        return _by_input(self, call.gradients)

    def differentiated_inputs(self) -> list[int]:
        """As many as there are gradients; the first ones, where there are fewer."""
        gradients = self.base_call.gradients
        if isinstance(gradients, dict):
            named = [i for i in self.float_inputs if _find(gradients, self.names[i]) is not None]
            return named or self.float_inputs
        if isinstance(gradients, tuple | list):
            if len(gradients) == len(self.inputs):
                return [i for i in self.float_inputs if gradients[i] is not None]
            return self.float_inputs[: len(gradients)]
        return self.float_inputs[:1]


def make_subject(target: Any, inputs: Sequence[Any], wrt: Any = None) -> Subject:
    """Wrap a target of any kind.

    Raises
    ------
    CheckError
        If it is of none.
    """
    if isinstance(target, tuple | list) and len(target) == 2 and all(map(callable, target)):
        return PairSubject(target, inputs, wrt)
    if isinstance(target, type):
        raise CheckError(
            f"the target is the class {target.__name__} itself; differences need an object to "
            f"call; pass an instance, such as {target.__name__}(...)"
        )
    if hasattr(target, "forward") or hasattr(target, "backward"):
        return LayerSubject(target, inputs, wrt)
    if callable(target):
        return FunctionSubject(target, inputs, wrt)
    raise CheckError(
        f"the target is {kind_of(target)}; expected an object with forward and backward, a pair "
        "(forward, backward), or a function that returns (loss, gradient)"
    )


def _by_input(subject: Subject, returned: Any) -> dict[str, Any]:
    """Match what backward returned with the inputs it belongs to."""
    floats, names = subject.float_inputs, subject.names
    by_position: dict[int, Any] = {}
    if isinstance(returned, Mapping):
        gradients = {names[i]: _find(returned, names[i]) for i in floats}
        stray = list(returned.values())
        if all(g is None for g in gradients.values()) and len(stray) == len(floats):
            gradients = dict(zip((names[i] for i in floats), stray, strict=True))
        return gradients
    if isinstance(returned, tuple | list) and not _is_number_list(returned):
        if len(returned) == len(subject.inputs) and len(returned) != len(floats):
            by_position = dict(enumerate(returned))
        else:
            by_position = dict(zip(floats, returned, strict=False))
    elif floats:
        by_position = {floats[0]: returned}
    return {names[i]: by_position.get(i) for i in floats}


def _find(gradients: Mapping[Any, Any], name: str) -> Any:
    for key in (name, f"d{name}", f"d_{name}", f"grad_{name}"):
        if key in gradients:
            return gradients[key]
    return None


def _is_number_list(returned: Sequence[Any]) -> bool:
    return bool(returned) and isinstance(returned, list) and np.isscalar(returned[0])
