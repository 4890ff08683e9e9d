"""Steps as words: ``clahe:clip=3,tiles=8`` is what ``minicnn train --step`` takes.

    NAME                     the step with its usual parameters
    NAME:KEY=VALUE,...       with others: numbers, yes or no, several numbers as 0.5/0.4/0.4

Steps are done in the order in which they are given. Where none of them normalises, the usual
normalisation per data set follows.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from typing import Any

from minicnn.data.preprocess.normalize import Normalize
from minicnn.data.preprocess.pipeline import Preprocess
from minicnn.data.preprocess.registry import STEPS, step_class
from minicnn.data.preprocess.step import PixelStep, Step
from minicnn.errors import ArgumentError

SWITCH = {"yes": True, "no": False}


def parse_preprocess(texts: Iterable[str]) -> Preprocess:
    """Build a pipeline from words, one per step.

    Raises
    ------
    ArgumentError
        A step or parameter is unknown, a value impossible, or the order is.
    """
    steps = [parse_step(text) for text in texts]
    if not any(step.last for step in steps):
        steps.append(Normalize())
    return Preprocess(steps)


def parse_step(text: str) -> Step:
    """Build one step from its words."""
    name, colon, rest = text.partition(":")
    if name not in STEPS:
        near = difflib.get_close_matches(name, STEPS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ArgumentError(
            f"there is no preprocessing step {name!r}; {hint}known: {', '.join(STEPS)}"
        )
    if colon and not rest:
        raise ArgumentError(f"the step {text!r} ends in a colon; write {name}, or {name}:KEY=VALUE")
    kind = step_class(name)
    values = {key: _value(text, kind, key, word) for key, word in _pairs(text, rest)}
    if kind is Normalize:
        return Normalize(values.get("mean"), values.get("std"))
    missing = [key for key, needed in parameters(kind).items() if needed and key not in values]
    if missing:
        raise ArgumentError(
            f"the step {text!r} lacks {', '.join(missing)}; write {name}:{missing[0]}=VALUE"
        )
    return kind.from_config({"step": name, **values})


def parameters(kind: type[Step]) -> dict[str, bool]:
    """Return the parameters of a step, and whether each must be given."""
    if kind is Normalize:
        return {"mean": False, "std": False}
    if not issubclass(kind, PixelStep):
        return {}
    return {f.name: f.default is dataclasses.MISSING for f in dataclasses.fields(kind)}


def _pairs(text: str, rest: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for part in rest.split(",") if rest else []:
        key, equals, word = part.partition("=")
        if not key or not equals or not word:
            raise ArgumentError(f"the step {text!r} holds {part!r}; expected KEY=VALUE")
        if key in dict(pairs):
            raise ArgumentError(f"the step {text!r} gives {key} twice; give it once")
        pairs.append((key, word))
    return pairs


def _value(text: str, kind: type[Step], key: str, word: str) -> Any:
    known = parameters(kind)
    if key not in known:
        takes = f"it takes {', '.join(known)}" if known else "it takes no parameters"
        raise ArgumentError(f"the step {text!r} has no parameter {key!r}; {takes}")
    wanted = _type_of(kind, key)
    try:
        if wanted == "bool":
            return SWITCH[word.lower()]
        if wanted == "floats":
            return [float(number) for number in word.split("/")]
        return int(word) if wanted == "int" else float(word)
    except (ValueError, KeyError):
        expected = {
            "bool": "yes or no",
            "int": "a whole number",
            "float": "a number",
            "floats": "a number per channel, as 0.5 or 0.5/0.4/0.4",
        }[wanted]
        raise ArgumentError(
            f"the step {text!r} gives {key} as {word!r}; expected {expected}"
        ) from None


def _type_of(kind: type[Step], key: str) -> str:
    if not issubclass(kind, PixelStep):
        return "floats"
    # The annotations of the dataclasses are postponed, so they are words already.
    return next(str(field.type) for field in dataclasses.fields(kind) if field.name == key)
