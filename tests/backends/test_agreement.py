"""The three packages hold the same modules, with the same functions and arguments."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType

import pytest

MODULES = (
    "activation",
    "conv",
    "conv_transpose",
    "dropout",
    "linear",
    "loss",
    "norm",
    "optimizer",
    "penalty",
    "pooling",
    "warp",
)


def load(backend: str, module: str) -> ModuleType:
    return importlib.import_module(f"minicnn.backends.{backend}.{module}")


def public_functions(module: ModuleType) -> dict[str, Callable]:
    """Return the plain functions a module defines, not what it imports or compiles."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


@pytest.mark.parametrize("backend", ["loops", "vectorized"])
def test_the_readable_backends_hold_these_modules_and_no_others(backend: str) -> None:
    package = importlib.import_module(f"minicnn.backends.{backend}")
    names = {info.name for info in pkgutil.iter_modules(package.__path__)}
    assert {name for name in names if not name.startswith("_")} == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("backend", ["vectorized", "compiled"])
def test_functions_and_arguments_are_those_of_the_loops(backend: str, module: str) -> None:
    if backend == "compiled":
        pytest.importorskip("numba", reason="needs numba")
    definition = public_functions(load("loops", module))
    spelling = public_functions(load(backend, module))
    assert definition.keys() == spelling.keys()
    for name, function in definition.items():
        expected, actual = inspect.signature(function), inspect.signature(spelling[name])
        assert list(actual.parameters) == list(expected.parameters), name
        assert [p.default for p in actual.parameters.values()] == [
            p.default for p in expected.parameters.values()
        ], name


@pytest.mark.parametrize("module", MODULES)
def test_every_function_says_its_equation(module: str) -> None:
    for name, function in public_functions(load("loops", module)).items():
        assert function.__doc__, name
        assert any(sign in function.__doc__ for sign in ("=", "<-", "Gradients of")), name
