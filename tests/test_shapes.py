from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn import shapes
from minicnn.arguments import check_count
from minicnn.errors import ArgumentError, ShapeError

SMALL = st.integers(1, 6)


@given(st.integers(1, 30), SMALL, SMALL, st.integers(0, 4), SMALL)
def test_output_size_counts_the_positions_of_a_window(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    last = dilation * (kernel - 1)
    positions = [i for i in range(0, size + 2 * padding, stride) if i + last < size + 2 * padding]
    assert max(0, shapes.output_size(size, kernel, stride, padding, dilation)) == len(positions)


@given(st.integers(1, 30), SMALL, SMALL, st.integers(0, 4), SMALL)
def test_transposed_size_inverts_the_size(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    out = shapes.output_size(size, kernel, stride, padding, dilation)
    if out < 1:
        return
    rest = (size + 2 * padding - dilation * (kernel - 1) - 1) % stride
    twice = [(n, n) for n in (out, kernel, stride, padding, rest, dilation)]
    assert shapes.transposed_output_size(*twice) == (size, size)


def test_the_error_says_what_would_fit() -> None:
    with pytest.raises(ShapeError, match="at least 5x1"):
        shapes.window_output_size((4, 9), (3, 1), (1, 1), (0, 0), (2, 1))
    assert shapes.window_output_size((5, 1), (3, 1), (1, 1), (0, 0), (2, 1)) == (1, 1)


def test_pairs() -> None:
    assert shapes.pair(3, "k") == (3, 3)
    assert shapes.pair([1, 2], "k") == (1, 2)
    assert shapes.pair(np.int64(2), "k") == (2, 2)
    for wrong in ("33", (1,), None, 1.0, (1, 2.0), True, (True, 1)):
        with pytest.raises(ArgumentError, match="k is"):
            shapes.pair(wrong, "k")


def test_groups_must_divide_both_channel_counts() -> None:
    shapes.check_groups(4, 6, 2)
    for channels in ((3, 4), (4, 3)):
        with pytest.raises(ArgumentError, match="groups is 2"):
            shapes.check_groups(*channels, 2)


@pytest.mark.parametrize("value", [0, True, 1.0, "3", None, np.array([3])])
def test_counts_are_ints_of_at_least_one(value: object) -> None:
    with pytest.raises(ArgumentError, match="n is .* whole number of at least 1"):
        check_count("n", value)
