"""From a name in somebody's file to something that can be checked, and its inputs."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from minicnn.checking.errors import CheckError
from minicnn.checking.plain import one_line
from minicnn.checking.signatures import kind_of
from minicnn.checking.userfile.loading import raised, where

MISSING = object()
LISTED = 8


def find_target(module: ModuleType, path: Path, name: str, init: str | None) -> Any:
    """Find what a name means and make an object of it where it is a class.

    Parameters
    ----------
    module, path
        The imported file.
    name
        A class, an instance, a function, a pair, ``forward,backward``, or ``NAME`` where
        there are ``NAME_forward`` and ``NAME_backward``.
    init
        JSON text: the arguments of the class, or of the function that makes the object.

    Raises
    ------
    CheckError
        If there is no such name, or the object cannot be made.
    """
    arguments = _arguments(init)
    if "," in name:
        parts = [part.strip() for part in name.split(",")]
        if len(parts) != 2 or not all(parts):
            raise CheckError(
                f"{name!r} is no pair; with a comma stand two functions, first the forward; "
                "write FILE.py:forward,backward"
            )
        _refuse_init(arguments, name)
        return tuple(_look_up(module, path, part) for part in parts)
    found = _look_up(module, path, name, MISSING)
    halves = pair_of(name)
    if found is MISSING or (callable(found) and name in halves):
        pair = [_look_up(module, path, half, MISSING) for half in halves]
        if MISSING not in pair:
            _refuse_init(arguments, name)
            return tuple(pair)
        if found is MISSING:
            raise CheckError(_no_such_name(module, path, name, pair))
    if isinstance(found, type):
        return _call(found, arguments, name, path)
    if inspect.isroutine(found) and (arguments is not None or not _required(found)):
        return _call(found, arguments, name, path)
    _refuse_init(arguments, name)
    return found


def find_inputs(module: ModuleType, path: Path, name: str, target: Any) -> list[Any]:
    """Return the inputs that the file itself brings along.

    Raises
    ------
    CheckError
        If it brings none.
    """
    own = f"{name.replace('.', '_').partition(',')[0]}_inputs"
    for maker in (own, "gradcheck_inputs"):
        found = getattr(module, maker, MISSING)
        if found is MISSING:
            continue
        if callable(found):
            try:
                found = found()
            except (Exception, SystemExit) as error:
                raise CheckError(
                    f"{maker}() raised {raised(error)} ({where(error, path)}); it has to return "
                    "the inputs of forward; mend it, or give them with --input"
                ) from error
        return list(found) if isinstance(found, tuple | list) else [found]
    names = argument_list(target)
    each = "one for " + (f"each of {', '.join(names)}" if len(names) > 1 else "".join(names))
    each = each if names else "one for each argument"
    raise CheckError(
        f"there is no --input, and {path.name} has neither {own}() nor gradcheck_inputs(), so "
        f"forward has nothing to work on; give --input SHAPE, {each}, as in --input 2,3,5,6"
    )


def check_count(target: Any, inputs: Sequence[Any]) -> None:
    """Refuse inputs that are too many or too few for forward.

    Raises
    ------
    CheckError
        If forward cannot be called with so many.
    """
    forward = forward_of(target)
    try:
        signature = inspect.signature(forward)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*inputs)
    except TypeError:
        called = getattr(forward, "__name__", "forward")
        words = ", ".join(kind_of(value) for value in inputs) or "none"
        raise CheckError(
            f"{called}{one_line(signature)} cannot be called with {len(inputs)} "
            f"input{'s' * (len(inputs) != 1)} ({words}); each argument without a default needs "
            "one; give one --input for each, in their order"
        ) from None


def forward_of(target: Any) -> Callable[..., Any]:
    """Return the function that gets the inputs."""
    if isinstance(target, tuple | list):
        return target[0]
    return getattr(target, "forward", target)


def argument_list(target: Any) -> list[str]:
    """Name the arguments that forward needs."""
    try:
        parameters = inspect.signature(forward_of(target)).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.default is p.empty and p.kind <= 1]


def pair_of(name: str) -> tuple[str, str]:
    """Name both functions of a pair, given one of them or what they have in common.

    ``affine``, ``affine_forward`` and ``affine_backward`` all mean ``affine_forward`` and
    ``affine_backward``; ``conv_forward_naive`` has the partner ``conv_backward_naive``.
    """
    head, dot, last = name.rpartition(".")
    for half in ("forward", "backward"):
        if half in last.split("_"):
            before, _, after = last.rpartition(half)
            return (f"{head}{dot}{before}forward{after}", f"{head}{dot}{before}backward{after}")
    return f"{name}_forward", f"{name}_backward"


def names_to_check(module: ModuleType) -> list[str]:
    """List what in a module looks as if it could be checked."""
    found: list[str] = []
    for name, value in vars(module).items():
        if name.startswith("_") or isinstance(value, ModuleType):
            continue
        halves = pair_of(name)
        if callable(value) and name == halves[0] and hasattr(module, halves[1]):
            found.append(name.removesuffix("_forward"))
        elif callable(getattr(value, "forward", None)) and hasattr(value, "backward"):
            found.append(name)
    return list(dict.fromkeys(found))


def _look_up(module: ModuleType, path: Path, name: str, default: Any = None) -> Any:
    value: Any = module
    for part in name.split("."):
        try:
            value = getattr(value, part, MISSING)
        except Exception as error:
            raise CheckError(
                f"reading {name} raised {raised(error)} ({where(error, path)}); mend it"
            ) from error
        if value is MISSING:
            if default is MISSING:
                return MISSING
            raise CheckError(_no_such_name(module, path, name, []))
    return value


def _no_such_name(module: ModuleType, path: Path, name: str, pair: list[Any]) -> str:
    if pair and (pair[0] is MISSING) != (pair[1] is MISSING):
        return _lacks_half(path, pair_of(name), pair)
    known = names_to_check(module)
    public = [n for n, v in vars(module).items() if n[0] != "_" and not isinstance(v, ModuleType)]
    near = [n for n in known if n.startswith(f"{name}_")]
    near = near or difflib.get_close_matches(name, [*known, *public], n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    if known:
        listed = ", ".join(known[:LISTED]) + ", ..." * (len(known) > LISTED)
        return f"{path.name} has no {name!r}; {hint}what can be checked there: {listed}"
    return (
        f"{path.name} has no {name!r}; {hint or 'nothing in it has forward and backward; '}"
        "to be checked are a class with both, functions NAME_forward and NAME_backward, or one "
        "function that returns its loss and the gradient"
    )


def _lacks_half(path: Path, halves: tuple[str, str], pair: list[Any]) -> str:
    there, lacking = halves if pair[1] is MISSING else halves[::-1]
    both = f"{there},OTHER" if pair[1] is MISSING else f"OTHER,{there}"
    return (
        f"{path.name} has {there} but no {lacking}; both are needed to compare a gradient; write "
        f"it, or name both functions: {path.name}:{both}"
    )


def _arguments(init: str | None) -> tuple[list[Any], dict[str, Any]] | None:
    if init is None:
        return None
    try:
        value = json.loads(init)
    except (ValueError, RecursionError) as error:
        raise CheckError(
            f"--init {init!r} is not JSON: {error}; it is a list of arguments or an object of "
            """named ones; write --init '[3, 8]' or --init '{"in_channels": 3}'"""
        ) from None
    if isinstance(value, dict):
        return [], value
    if isinstance(value, list):
        return value, {}
    raise CheckError(
        f"--init {init!r} is of type {type(value).__name__}; it has to be a list of arguments or "
        """an object of named ones; write --init '[3, 8]' or --init '{"in_channels": 3}'"""
    )


def _refuse_init(arguments: Any, name: str) -> None:
    if arguments is not None:
        raise CheckError(
            f"--init was given, but {name} is no class that could be made with it; leave --init "
            "out, or name a class or a function that returns an object"
        )


def _required(function: Callable[..., Any]) -> bool:
    """Whether a function needs arguments."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:
        return True
    return False


def _call(
    maker: Callable[..., Any], arguments: tuple[list[Any], dict[str, Any]] | None, name: str,
    path: Path,
) -> Any:  # fmt: skip
    given, named = arguments or ([], {})
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):
        signature = None
    if signature is not None:
        try:
            signature.bind(*given, **named)
        except TypeError as error:
            raise CheckError(
                f"{name} cannot be made: {one_line(error)}; it takes {one_line(signature)}; give "
                "these arguments as --init '[...]' in their order, or as --init '{\"name\": ...}'"
            ) from None
    try:
        return maker(*given, **named)
    except (Exception, SystemExit) as error:
        raise CheckError(
            f"{name}(...) raised {raised(error)} ({where(error, path)}); without an object there "
            "is nothing to check; mend it, or give other arguments with --init"
        ) from error
