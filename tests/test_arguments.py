from __future__ import annotations

import numpy as np
import pytest

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_a_number_inside_the_bounds_comes_back_as_a_float(value: float) -> None:
    number = check_number("rate", value, minimum=0, maximum=1)
    assert type(number) is float
    assert number == value


@pytest.mark.parametrize(
    "value",
    [-0.1, 1.1, float("nan"), float("inf"), -float("inf"), "0.5", None, True, [0.5], 10**400],
)
def test_anything_else_is_refused_by_name(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"^rate is .*; give a finite number >= 0 and <= 1$"):
        check_number("rate", value, minimum=0, maximum=1)


def test_open_bounds_exclude_their_ends() -> None:
    with pytest.raises(ArgumentError, match="> 0 and < 1"):
        check_number("p", 0, above=0, below=1)
    with pytest.raises(ArgumentError, match="> 0 and < 1"):
        check_number("p", 1, above=0, below=1)
    assert check_number("p", 0.5, above=0, below=1) == 0.5


def test_without_bounds_any_finite_number_will_do() -> None:
    assert check_number("x", -1e300) == -1e300
    with pytest.raises(ArgumentError, match="give a finite number$"):
        check_number("x", float("nan"))


def test_counts() -> None:
    assert check_count("steps", np.int32(3)) == 3
    assert check_count("steps", 0, minimum=0) == 0
    for wrong in (0, -1, 2.0, True, "3", None):
        with pytest.raises(ArgumentError, match="steps is .* whole number of at least 1"):
            check_count("steps", wrong)
