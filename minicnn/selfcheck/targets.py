"""Which functions of this library run in a backward pass, and how to put another in their place.

Nothing is listed by hand: every subject of `subjects` is run backward once while Python reports
the functions it enters. A changed function is in force during ``backward`` only, so that a helper
that forward uses as well goes on being right there: otherwise forward and backward would change
alike, and the gradient of another function would still be right.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import functools
import importlib
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.backends import use_backend
from minicnn.selfcheck.subjects import LAYERS, LOSSES, LayerCase, LossCase

# Where backward passes are written. The compiled kernels are left out: each change would have to
# be compiled first; they are compared with the other backends instead.
ARITHMETIC = ("minicnn.backends.vectorized", "minicnn.backends.loops", "minicnn.backends.adjoint")
DOORS = ("minicnn.functional",)
OBJECTS = ("minicnn.layers", "minicnn.losses", "minicnn.model")
# Of an object only these methods compute; the others keep house.
METHODS = ("backward", "set_grads")
# Backend-independent code is checked with the quicker of the two.
PLAIN_BACKENDS = ("vectorized", "loops")
CONTAINERS = ("Sequential", "Residual")


@dataclass(frozen=True)
class Target:
    """A function that takes part in a backward pass.

    Parameters
    ----------
    module
        Where it is defined.
    qualname
        Its name there, ``"conv2d_dx"`` or ``"Conv2d.backward"``.
    backend
        The backend to check it on.
    cases
        The names of the subjects that use it.
    """

    module: str
    qualname: str
    backend: str
    cases: tuple[str, ...]

    @property
    def name(self) -> str:
        """The place in the library, for people."""
        return f"{self.module.removeprefix('minicnn.')}.{self.qualname}"

    @property
    def function(self) -> types.FunctionType:
        """The function itself."""
        owner, name = self.place
        return vars(owner)[name]

    @property
    def place(self) -> tuple[Any, str]:
        """The module or class that holds it, and its name there."""
        module = importlib.import_module(self.module)
        parent, _, name = self.qualname.rpartition(".")
        return (getattr(module, parent) if parent else module), name

    @property
    def tree(self) -> ast.FunctionDef:
        """Its definition as a syntax tree."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(self.function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        return tree

    @property
    def kinds(self) -> tuple[str, ...]:
        """The layers and losses that use it."""
        return tuple(dict.fromkeys(case.partition("-")[0] for case in self.cases))

    def compiled(self, source: str) -> types.FunctionType:
        """Return the function that ``source`` defines, at home in the target's module."""
        flags = __future__.annotations.compiler_flag
        code = compile(source, f"<mutant of {self.name}>", "exec", flags, dont_inherit=True)
        space: dict[str, Any] = {}
        module = importlib.import_module(self.module)
        exec(code, vars(module), space)
        return space[self.function.__name__]


def find_targets() -> list[Target]:
    """Run every subject backward once and list the functions that took part, by name."""
    used: dict[tuple[str, str, str], list[str]] = {}
    for backend in PLAIN_BACKENDS:
        with use_backend(backend):
            for name, case in cases().items():
                for module, qualname in _functions_run(case):
                    if not _is_backward_code(module, qualname):
                        continue
                    if not module.startswith("minicnn.backends.") and backend != PLAIN_BACKENDS[0]:
                        continue
                    if name.partition("-")[0] in CONTAINERS and module != "minicnn.model":
                        continue
                    used.setdefault((module, qualname, backend), []).append(name)
    seen: dict[tuple[str, str], Target] = {}
    for (module, qualname, backend), names in sorted(used.items()):
        if (module, qualname) in seen:  # shared by both backends: the quick one was first
            continue
        seen[module, qualname] = Target(module, qualname, backend, tuple(dict.fromkeys(names)))
    return list(seen.values())


def cases() -> dict[str, LayerCase | LossCase]:
    """Return all layers and losses to check."""
    return {**LAYERS, **LOSSES}


def _functions_run(case: LayerCase | LossCase) -> list[tuple[str, str]]:
    """Return module and qualified name of every Python function that a backward pass enters."""
    codes: dict[types.CodeType, str] = {}

    def note(frame: types.FrameType, event: str, arg: object) -> None:
        if event == "call":
            codes.setdefault(frame.f_code, frame.f_globals.get("__name__", ""))

    for run in _backward_passes(case):
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            run()
        finally:
            sys.setprofile(before)
    return [(module, code.co_qualname) for code, module in codes.items()]


def _backward_passes(case: LayerCase | LossCase) -> Iterator[Callable[[], Any]]:
    """Yield the backward pass of a subject in each of its modes, ready to run."""
    if isinstance(case, LossCase):
        loss = case.make()
        loss.forward(case.scores, case.target)
        yield loss.backward
        return
    for training in case.modes:
        layer = case.make().astype(np.float64)
        (layer.train if training else layer.eval)()
        y = layer.forward(case.draw(np.random.default_rng(0)))
        yield functools.partial(layer.backward, np.ones_like(y))


def _is_backward_code(module: str, qualname: str) -> bool:
    if "<" in qualname:  # a lambda, a comprehension, or a function inside another
        return False
    name = qualname.rpartition(".")[2]
    if module.startswith(ARITHMETIC):
        return "." not in qualname
    if module.startswith(DOORS):
        return name.endswith("_backward")
    return module.startswith(OBJECTS) and "." in qualname and name in METHODS


@contextlib.contextmanager
def in_force(target: Target, changed: types.FunctionType, kind: type) -> Iterator[None]:
    """Put a changed function in the place of the target during the backward pass of a class.

    Parameters
    ----------
    target
        What is replaced.
    changed
        What replaces it.
    kind
        The class of the layer or loss whose ``backward`` is going to be called.
    """
    original = target.function
    owner, name = target.place
    if isinstance(owner, type):  # a method: nothing but backward passes calls these
        setattr(owner, name, changed)
        try:
            yield
        finally:
            setattr(owner, name, original)
        return
    holders = [
        (module, key)
        for path, module in list(sys.modules.items())
        if path.startswith("minicnn.")
        for key, value in list(vars(module).items())
        if value is original
    ]
    backward = vars(kind).get("backward")

    @functools.wraps(kind.backward)  # type: ignore[attr-defined]
    def with_the_change(self: Any, *dys: Any) -> Any:
        for module, key in holders:
            setattr(module, key, changed)
        try:
            return kind_backward(self, *dys)
        finally:
            for module, key in holders:
                setattr(module, key, original)

    kind_backward = kind.backward  # type: ignore[attr-defined]
    kind.backward = with_the_change  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if backward is None:
            del kind.backward  # type: ignore[attr-defined]
        else:
            kind.backward = backward  # type: ignore[attr-defined]
