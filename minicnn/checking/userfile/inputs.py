"""The inputs of a check in words: ``2,3,5,6``, ``labels:4:3``, ``json:{"p": 0.5}``, ``x.npy``.

=====================  ===========================================================
``SHAPE``              normal random numbers, float64; ``2,3,5,6``, or ``4`` for (4,)
``positive:SHAPE``     numbers between 0.5 and 1.5
``binary:SHAPE``       0.0 or 1.0
``labels:SHAPE:K``     integers from 0 to K - 1; ``labels:4:3``, ``labels:4,5:3``
``onehot:N:K``         N rows of K numbers, one of each row 1.0 and the others 0.0
``json:VALUE``         a constant: a dict, a number, null, a text, a list
``FILE.npy``           an array from a file
=====================  ===========================================================
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.checking.errors import CheckError

Draw = Callable[[np.random.Generator], Any]

LARGEST = 20_000_000  # entries
HOW = (
    "write a shape such as 2,3,5,6, or positive:SHAPE, binary:SHAPE, labels:SHAPE:K, onehot:N:K, "
    "json:VALUE, or the name of a .npy file"
)


def parse_input(text: str) -> Draw:
    """Turn the words for one input into a function that makes it.

    Parameters
    ----------
    text
        As in the table above.

    Returns
    -------
    callable
        Takes a generator and returns the input.

    Raises
    ------
    CheckError
        If the words mean nothing, or the file cannot be read.
    """
    text = text.strip()
    if text.lower().endswith(".npy"):
        return _constant(_from_file(Path(text)))
    kind, colon, rest = text.partition(":")
    if not colon:
        shape = _shape(text, text)
        return lambda rng: rng.normal(size=shape)
    if kind == "json":
        return _constant(_from_json(rest, text))
    if kind in ("labels", "onehot"):
        sizes, _, count = rest.rpartition(":")
        if not sizes:
            raise CheckError(
                f"--input {text!r} names no number of classes; {kind} needs a shape and a number "
                f"of classes; write {kind}:4:3 for 4 of them and 3 classes"
            )
        shape, classes = _shape(sizes, text), _shape(count, text)
        if len(classes) != 1 or classes[0] < 1 or (kind == "onehot" and len(shape) != 1):
            raise CheckError(
                f"--input {text!r} does not fit; {kind} takes "
                f"{'one number of rows' if kind == 'onehot' else 'a shape'} and one number of "
                f"classes of at least 1; write {kind}:4:3"
            )
        if kind == "onehot":
            _refuse_large((*shape, *classes), text)
            return lambda rng: np.eye(classes[0])[rng.integers(classes[0], size=shape)]
        return lambda rng: rng.integers(classes[0], size=shape)
    if kind in ("normal", "positive", "binary"):
        shape = _shape(rest, text)
        draws: dict[str, Draw] = {
            "normal": lambda rng: rng.normal(size=shape),
            "positive": lambda rng: rng.uniform(0.5, 1.5, size=shape),
            "binary": lambda rng: rng.integers(2, size=shape).astype(np.float64),
        }
        return draws[kind]
    raise CheckError(f"--input {text!r} begins with {kind!r}, which is no kind of input; {HOW}")


def _constant(value: Any) -> Draw:
    return lambda rng: value


def _shape(text: str, whole: str) -> tuple[int, ...]:
    parts = [part.strip() for part in re.split(r"[,x×]", text.strip().strip("()").rstrip(","))]
    if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        raise CheckError(
            f"--input {whole!r} is no input: a shape is whole numbers with commas between; {HOW}"
        )
    shape = tuple(int(part) for part in parts)
    _refuse_large(shape, whole)
    return shape


def _refuse_large(shape: tuple[int, ...], whole: str) -> None:
    if math.prod(shape) > LARGEST:
        raise CheckError(
            f"--input {whole!r} has {math.prod(shape):,} entries; at most {LARGEST:,} are taken; "
            "a gradient that is wrong is also wrong on small arrays, so choose a small shape"
        )
    if 0 in shape:
        raise CheckError(
            f"--input {whole!r} has a size of 0; an empty array has no gradient to compare; give "
            "sizes of at least 1"
        )


def _from_json(text: str, whole: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckError(
            f"--input {whole!r} is not JSON: {error}; after json: comes a value such as 3, null, "
            """[1, 2] or {"p": 0.5, "mode": "train"}; put all of it in single quotes"""
        ) from None


def _from_file(path: Path) -> Any:
    try:
        return np.load(path.expanduser(), allow_pickle=False)
    except OSError as error:
        raise CheckError(
            f"--input {str(path)!r} cannot be read: {error.strerror or error}; give the name of "
            "a .npy file that numpy.save wrote"
        ) from None
    except (ValueError, EOFError) as error:
        raise CheckError(
            f"--input {str(path)!r} is no array of numbers: {error}; give the name of a .npy file "
            "that numpy.save wrote"
        ) from None
