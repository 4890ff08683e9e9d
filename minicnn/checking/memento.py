"""Remember everything an object holds, and put it back.

Differences compare two calls of forward that must start alike: the same running statistics,
the same generator in the same place, no cache of the call before. So the checker remembers
all that can be reached from its target once, and restores it before each call, in place:
whoever holds a reference to an array of a layer goes on holding that array.
"""

from __future__ import annotations

import functools
import random
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# What holds no state of its own, or none that belongs to the target.
OPAQUE = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    range,
    slice,
    np.generic,
    np.dtype,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.GeneratorType,
    np.ufunc,
)
MOST_OBJECTS = 100_000


class Memento:
    """The state of everything that can be reached from some objects.

    It reaches through attributes and slots, containers, closures, bound methods and partial
    functions; it knows arrays and random generators. It does not reach into modules: what
    is global belongs to no target.

    Parameters
    ----------
    *roots
        The objects to remember.
    """

    def __init__(self, *roots: Any) -> None:
        self._undo: list[Callable[[], None]] = []
        self.arrays: list[np.ndarray] = []
        self._states: list[tuple[Any, Any]] = []
        for thing in reachable(*roots):
            self._remember(thing)

    def restore(self) -> None:
        """Put everything back as it was."""
        for undo in self._undo:
            undo()

    def restore_generators(self) -> None:
        """Put back the random generators alone."""
        for generator, state in self._states:
            _set_state(generator, state)

    def generator_states(self) -> list[str]:
        """Return the present states of the generators in words, to be compared."""
        return [str(_get_state(generator)) for generator, _ in self._states]

    def _remember(self, thing: Any) -> None:
        if isinstance(thing, np.ndarray):
            self.arrays.append(thing)
            if thing.flags.writeable:
                self._undo.append(functools.partial(np.copyto, thing, thing.copy(order="K")))
        elif is_generator(thing):
            state = _get_state(thing)
            self._states.append((thing, state))
            self._undo.append(functools.partial(_set_state, thing, state))
        elif isinstance(thing, dict):
            self._undo.append(functools.partial(_refill_dict, thing, dict(thing)))
        elif isinstance(thing, list):
            self._undo.append(functools.partial(_refill_list, thing, list(thing)))
        elif isinstance(thing, deque):
            self._undo.append(functools.partial(_refill_deque, thing, list(thing)))
        elif isinstance(thing, set):
            self._undo.append(functools.partial(_refill_set, thing, set(thing)))
        elif isinstance(thing, bytearray):
            self._undo.append(functools.partial(thing.__setitem__, slice(None), bytes(thing)))
        elif isinstance(thing, types.CellType):
            content = _cell_contents(thing)
            if content is not _EMPTY:
                self._undo.append(functools.partial(setattr, thing, "cell_contents", content))
        else:
            attributes = getattr(thing, "__dict__", None)
            if isinstance(attributes, dict):
                self._undo.append(functools.partial(_refill_dict, attributes, dict(attributes)))
            slots = [(name, _slot(thing, name)) for name in _slots(type(thing))]
            if slots:
                self._undo.append(functools.partial(_refill_slots, thing, slots))


def reachable(*roots: Any) -> Iterator[Any]:
    """Yield everything that holds state and can be reached from ``roots``, each thing once."""
    seen: set[int] = set()
    stack = list(roots)
    while stack and len(seen) < MOST_OBJECTS:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, OPAQUE):
            continue
        seen.add(id(thing))
        if isinstance(thing, type):
            continue
        yield thing
        stack.extend(reversed(list(inside(thing))))


def inside(thing: Any) -> Iterator[Any]:
    """Yield what an object holds directly."""
    if isinstance(thing, np.ndarray):
        if thing.dtype == object:
            yield from thing.flat
        return
    if is_generator(thing):
        return
    if isinstance(thing, dict):
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        yield from thing
    elif isinstance(thing, types.CellType):
        content = _cell_contents(thing)
        if content is not _EMPTY:
            yield content
    elif isinstance(thing, types.FunctionType):
        yield from thing.__closure__ or ()
        yield from thing.__defaults__ or ()
        yield from (thing.__kwdefaults__ or {}).values()
    elif isinstance(thing, types.MethodType):
        yield thing.__self__
        yield thing.__func__
    elif isinstance(thing, functools.partial):
        yield thing.func
        yield from thing.args
        yield from thing.keywords.values()
    elif isinstance(thing, np.nditer | types.CodeType):
        return
    for name in _slots(type(thing)):
        value = _slot(thing, name)
        if value is not _EMPTY:
            yield value
    attributes = getattr(thing, "__dict__", None)
    if isinstance(attributes, dict):
        yield from attributes.values()
    yield from _class_state(type(thing))


def is_generator(thing: Any) -> bool:
    """Whether a thing draws random numbers from a state of its own."""
    return isinstance(thing, np.random.Generator | np.random.RandomState | random.Random)


def global_randomness() -> tuple[Any, ...]:
    """Return the states of the generators that everybody shares."""
    return np.random.get_state(), random.getstate()  # noqa: NPY002


def unusual_randomness() -> tuple[Any, ...]:
    """Return states of the shared generators that no seed in use leads to."""
    rng = random.Random("states of the shared generators that nobody else sets")
    return np.random.RandomState(rng.getrandbits(32)).get_state(), rng.getstate()


def restore_global_randomness(state: tuple[Any, ...]) -> None:
    """Put the shared generators back to where they were."""
    np.random.set_state(state[0])  # noqa: NPY002
    random.setstate(state[1])


def same_randomness(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether nobody has drawn from the shared generators in between."""
    (name, key, *rest), python = one
    (name2, key2, *rest2), python2 = other
    same = name == name2 and rest == rest2 and python == python2
    return same and bool(np.array_equal(key, key2))


_EMPTY = object()


def _cell_contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _slots(kind: type) -> list[str]:
    names: list[str] = []
    for base in kind.__mro__:
        own = base.__dict__.get("__slots__", ())
        names.extend([own] if isinstance(own, str) else own)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _slot(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name, _EMPTY)
    except Exception:
        return _EMPTY


def _class_state(kind: type) -> Iterator[Any]:
    """Yield arrays and containers that live on the classes of an object: a common slip."""
    for base in kind.__mro__:
        if base.__module__ in ("builtins", "numpy", "abc", "typing", "collections"):
            continue
        for name, value in vars(base).items():
            if not name.startswith("__") and isinstance(value, np.ndarray | dict | list | deque):
                yield value


def _get_state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state()
    return generator.getstate()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)


def _refill_dict(target: dict[Any, Any], items: dict[Any, Any]) -> None:
    if len(target) == len(items) and all(
        key == other and value is target[other]
        for (key, value), other in zip(items.items(), target, strict=True)
    ):
        return  # nothing was replaced: the usual case, and much the quickest
    target.clear()
    target.update(items)


def _refill_list(target: list[Any], items: list[Any]) -> None:
    target[:] = items


def _refill_deque(target: deque[Any], items: list[Any]) -> None:
    target.clear()
    target.extend(items)


def _refill_set(target: set[Any], items: set[Any]) -> None:
    target.clear()
    target.update(items)


def _refill_slots(thing: Any, slots: list[tuple[str, Any]]) -> None:
    for name, value in slots:
        if value is _EMPTY:
            if _slot(thing, name) is not _EMPTY:
                delattr(thing, name)
        else:
            object.__setattr__(thing, name, value)
