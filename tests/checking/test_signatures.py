from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from minicnn.checking.signatures import argument_names, count_positional, describe, kind_of
from tests.checking.plain import Linear


def three(x: Any, /, w: Any, b: Any = 0, *, flag: bool = False) -> None: ...


def many(x: Any, *rest: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "count", "names"),
    [
        (three, 2, ["x", "w"]),
        (three, 4, ["x", "w", "b", "input3"]),
        (many, 3, ["x", "input1", "input2"]),
        (Linear().forward, 1, ["x"]),
        (partial(three, 1), 2, ["w", "b"]),
        (np.add, 2, ["x1", "x2"]),
        (dict.fromkeys, 0, []),
        (min, 2, ["input0", "input1"]),
    ],
)
def test_arguments_are_named(function: Any, count: int, names: list[str]) -> None:
    assert argument_names(function, count) == names


def test_a_name_that_is_taken_is_not_given_twice() -> None:
    def forward(input1: Any, *rest: Any) -> None: ...

    assert argument_names(forward, 2) == ["input0", "input1"]


@pytest.mark.parametrize(
    ("function", "count"),
    [(three, 3), (many, 99), (Linear().backward, 1), (lambda: None, 0), (min, 99), (3, 99)],
)
def test_positional_arguments_are_counted(function: Any, count: int) -> None:
    assert count_positional(function) == count


class Short:
    def __repr__(self) -> str:
        return "Short(\n  3)"


class Long:
    def __repr__(self) -> str:
        return "x" * 61


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (three, "three"),
        (Linear, "Linear"),
        (Linear(), "Linear"),
        (Short(), "Short( 3)"),
        (Long(), "Long"),
        (Broken(), "Broken"),
    ],
)
def test_targets_are_described(target: Any, words: str) -> None:
    assert describe(target) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (None, "None"),
        ((1, 2), "a tuple of 2"),
        ([1], "a list of 1"),
        (1.5, "a float"),
        ("dx", "a str"),
    ],
)
def test_kinds_are_said(value: Any, words: str) -> None:
    assert kind_of(value) == words
