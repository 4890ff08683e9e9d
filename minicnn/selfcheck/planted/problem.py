"""A planted case as other checkers want it: a function of float arrays, and its backward."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.selfcheck.planted.case import Case

Array = NDArray[Any]


class Problem:
    """One object of a case, used throughout, as its author would use it.

    Random generators on the object are put back before each forward: every manual asks for a
    function that repeats itself, and a careful author would see to that. Nothing else is.

    Parameters
    ----------
    case
        The case.

    Raises
    ------
    Exception
        Whatever the case's own forward raises.
    """

    def __init__(self, case: Case) -> None:
        self.target, inputs = case.make()
        self.inputs = list(inputs)
        self.pair = isinstance(self.target, tuple)
        self.function = not self.pair and not hasattr(self.target, "forward")
        self.generators = [(g, _state(g)) for g in _generators([self.target, self.inputs])]
        floats = [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and _is_float(x)]
        y = self._call()  # parameters may appear in the first forward only
        loss = self.function or (isinstance(y, float) and len(inputs) > 1)
        self.places = floats[:1] if loss else floats
        self.names = list(getattr(self.target, "params", {}))
        self.arrays: list[Array] = [np.array(self.inputs[place]) for place in self.places]
        self.arrays += [self.target.params[name].copy() for name in self.names]

    def forward(self, arrays: list[Array]) -> Array:
        """Return y where inputs and parameters have these values."""
        count = len(self.places)
        for place, array in zip(self.places, arrays[:count], strict=True):
            self.inputs[place] = array
        for name, array in zip(self.names, arrays[count:], strict=True):
            self.target.params[name][...] = array
        return np.asarray(self._call())

    def backward(self, dy: Array) -> list[Array]:
        """Return the gradients of the arrays, in their order."""
        upstream: Any = dy if dy.ndim else float(dy)
        if self.function:
            dx = self.dx * upstream
        elif self.pair:
            dx = self.target[1](upstream, self.cache)
        else:
            dx = self.target.backward(upstream)
        given = list(dx) if isinstance(dx, tuple | list) else [dx]
        given = given[: len(self.places)]
        return given + [self.target.grads[name] for name in self.names]

    def _call(self) -> Any:
        for generator, state in self.generators:
            _put_back(generator, state)
        if self.function:
            y, self.dx = self.target(*self.inputs)
        elif self.pair:
            y, self.cache = self.target[0](*self.inputs)
        else:
            y = self.target.forward(*self.inputs)
        return y


def _is_float(x: Array) -> bool:
    return x.dtype.kind == "f"


def _generators(things: Any, depth: int = 6) -> Iterator[Any]:
    for thing in things:
        if isinstance(thing, np.random.Generator | np.random.RandomState | random.Random):
            yield thing
        elif depth and isinstance(thing, list | tuple):
            yield from _generators(thing, depth - 1)
        elif depth and isinstance(thing, dict):
            yield from _generators(thing.values(), depth - 1)
        elif depth and hasattr(thing, "__dict__"):
            yield from _generators(list(vars(thing).values()), depth - 1)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def _put_back(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)
