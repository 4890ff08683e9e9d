"""Which part of a model is to blame: each is checked by itself, on what it really receives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.checking.contents import flatten
from minicnn.checking.failures import TargetError
from minicnn.checking.memento import inside, is_generator
from minicnn.checking.report import Finding
from minicnn.checking.subject import Subject
from minicnn.checking.targets import LayerSubject

MOST_PARTS = 60
LARGEST_INPUT = 200_000
DEEPEST = 6


CheckPart = Callable[[Any, tuple[Any, ...]], tuple[str, Finding] | None]


def blame_a_part(
    subject: Subject, findings: list[Finding], check_part: CheckPart, notes: list[str]
) -> list[Finding]:
    """Put the mistake of the first wrong part before what it does to the whole.

    Parameters
    ----------
    subject
        A whole model that failed.
    findings
        What is wrong with it.
    check_part
        Checks a part on its inputs; returns what it is called and its first finding, or None.
    notes
        Gets a line where no part is to blame.
    """
    if not isinstance(subject, LayerSubject):
        return findings
    parts = list(parts_of(subject.target))[:MOST_PARTS]
    if not parts:
        return findings
    received, counts = record(subject, parts)
    looked_at = 0
    # The innermost parts first: a block is wrong because of what is in it.
    for path, part in sorted(parts, key=lambda item: -item[0].count(".") - item[0].count("[")):
        if path not in received or not _small_enough(received[path]):
            continue
        looked_at += 1
        found = check_part(part, received[path])
        if found is not None:
            name, first = found
            blamed = Finding(
                first.slug,
                f"in {path} ({name}): {first.sentence}",
                None,
                first.evidence | {"part": path, "tensor": first.tensor},
            )
            return [blamed, *(f for f in findings if _tells_more(f, blamed))]
    repeated = [path for path, calls in counts.items() if calls > 1]
    if repeated and all(_is_vague(f) for f in findings):
        return [_used_twice(dict(parts)[repeated[0]], repeated[0]), *findings]
    if looked_at == len(parts):
        notes.append(
            f"each of the {looked_at} parts is right by itself: the mistake is in how the model "
            "puts them together"
        )
    return findings


def _is_vague(finding: Finding) -> bool:
    return finding.slug == "other" or not finding.evidence.get("certain", True)


def _tells_more(finding: Finding, blamed: Finding) -> bool:
    return finding.slug != blamed.slug and not _is_vague(finding)


def _small_enough(inputs: tuple[Any, ...]) -> bool:
    floats = [a for a in inputs if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    return bool(floats) and sum(a.size for a in floats) <= LARGEST_INPUT


def parts_of(target: Any) -> Iterator[tuple[str, Any]]:
    """Yield the objects inside a model that have a forward and a backward, with their path."""
    seen = {id(target)}
    stack: list[tuple[str, Any, int]] = [("", target, 0)]
    while stack:
        path, thing, depth = stack.pop()
        if depth > DEEPEST or isinstance(thing, np.ndarray) or is_generator(thing):
            continue
        for name, value in _named(thing):
            if id(value) in seen or isinstance(value, str | bytes | type):
                continue
            seen.add(id(value))
            inner = f"{path}{name}" if name.startswith("[") or not path else f"{path}.{name}"
            if callable(getattr(value, "forward", None)) and callable(
                getattr(value, "backward", None)
            ):
                yield inner, value
            if hasattr(value, "__dict__") or isinstance(value, dict | list | tuple):
                stack.append((inner, value, depth + 1))


def _named(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield f"[{key!r}]", value
    elif isinstance(thing, list | tuple):
        for i, value in enumerate(thing):
            yield f"[{i}]", value
    else:
        attributes = getattr(thing, "__dict__", None)
        if isinstance(attributes, dict):
            yield from list(attributes.items())
        else:
            for i, value in enumerate(inside(thing)):
                yield f"[{i}]", value


def record(
    subject: Subject, parts: list[tuple[str, Any]]
) -> tuple[dict[str, tuple[Any, ...]], dict[str, int]]:
    """Run the model once; return what each part that ran once received, and how often each ran."""
    received: dict[str, list[tuple[Any, ...]]] = {}
    subject.memento.restore()
    for path, part in parts:
        if not hasattr(part, "__dict__"):
            continue
        forward = part.forward

        def recording(*args: Any, _path: str = path, _forward: Any = forward) -> Any:
            kept = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)
            received.setdefault(_path, []).append(kept)
            return _forward(*args)

        try:
            part.forward = recording
        except (AttributeError, TypeError):
            continue
    try:
        subject.restore_shared_randomness()
        subject.forward_on(subject.arguments({}))
    except TargetError:
        return {}, {}
    finally:
        for _, part in parts:
            getattr(part, "__dict__", {}).pop("forward", None)
        subject.memento.restore()
    once = {path: calls[0] for path, calls in received.items() if len(calls) == 1}
    return once, {path: len(calls) for path, calls in received.items()}


def _used_twice(part: Any, path: str) -> Finding:
    """Say what goes wrong where one object does two jobs."""
    if flatten(getattr(part, "params", None)):
        return Finding(
            "missing-term",
            f"{path} runs more than once in a forward pass; the gradient of its parameters is the "
            "sum over all its uses, and a use is missing",
            None,
            {"part": path},
        )
    return Finding(
        "stale-cache",
        f"{path} runs more than once in a forward pass but keeps what backward needs only once; "
        "make one object for each place",
        None,
        {"part": path},
    )
