"""Types of arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from minicnn.cli import arguments


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (arguments.positive_int, "3", 3),
        (arguments.seed, "0", 0),
        (arguments.image_size, "28", 28),
        (arguments.positive_float, "1e-3", 0.001),
        (arguments.nonnegative_float, "0", 0.0),
        (arguments.fraction, "1", 1.0),
    ],
)
def test_accepts(kind: Callable[[str], Any], text: str, value: float) -> None:
    assert kind(text) == value
    assert type(kind(text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (arguments.positive_int, ["0", "-1", "1.0", "1e3", "nan", "", "abc", "0x10"]),
        (arguments.seed, ["-1", str(2**63), "1.5"]),
        (arguments.image_size, ["7", "1025", "-64"]),
        (arguments.positive_float, ["0", "-1", "nan", "inf", "-inf", "", "one"]),
        (arguments.nonnegative_float, ["-0.1", "nan", "inf", "1e999"]),
        (arguments.fraction, ["1.01", "-0.01", "nan"]),
        (arguments.png_file, ["x.jpg", "png", ""]),
    ],
)
def test_refuses_with_a_reason(kind: Callable[[str], Any], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match=r"give a|is no number"):
            kind(text)
