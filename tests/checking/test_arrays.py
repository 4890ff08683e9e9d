from __future__ import annotations

import numpy as np
import pytest

from minicnn.checking.arrays import close, copy_of, ratio, same, shares_memory
from tests.checking.plain import Array, normal

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([1.0, 1e-9], [1.0, 2e-9], True),  # a share of the largest entry
        ([1.0, 0.0], [1.0, 2e-6], False),
        ([0.0, 0.0], [0.0, 0.0], True),
        ([0.0], [1e-300], False),
        ([], [], True),
        ([1.0], [1.0, 1.0], False),
        ([NAN, 1.0], [NAN, 1.0], True),
        ([NAN, 1.0], [NAN, 1.1], False),
        ([INF], [INF], True),
    ],
)
def test_close(one: list[float], other: list[float], equal: bool) -> None:
    assert close(np.array(one), np.array(other), 1e-6) is equal
    assert close(np.array(other), np.array(one), 1e-6) is equal


@pytest.mark.parametrize(
    ("now", "before", "unchanged"),
    [
        (np.ones(2), np.ones(2), True),
        (np.ones(2), np.ones((1, 2)), False),
        (np.array([1 + 2.3e-16]), np.ones(1), False),
        (np.array([NAN]), np.array([NAN]), True),
        (np.array(["a"]), np.array(["a"]), True),
        (np.array(["b"]), np.array(["a"]), False),
        (None, np.ones(2), False),
        (3, 4, True),  # numbers cannot be changed in place
        (np.array([{}, 2], object), np.array([{}, 1], object), True),
    ],
)
def test_same(now: object, before: object, unchanged: bool) -> None:
    assert same(now, before) is unchanged


def test_copies() -> None:
    x, thing = normal(2), object()
    copied = copy_of(x)
    assert copied is not x and np.array_equal(copied, x) and copy_of(thing) is thing


def test_memory() -> None:
    x = normal(6)
    assert shares_memory(x, x[1:]) and shares_memory(x[::2], x)
    assert not shares_memory(x[::2], x[1::2]) and not shares_memory(x, x.copy())


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        (3 * normal(4), normal(4), 3.0),
        (np.array([1.0, 1.0]), np.array([1.0, -1.0]), 0.0),
        (normal(4), np.zeros(4), 0.0),
        (normal(4), normal(5), 0.0),
    ],
)
def test_ratio(one: Array, other: Array, factor: float) -> None:
    assert ratio(one, other) == pytest.approx(factor)


@pytest.mark.parametrize("pair", [(INF, -INF), (1.0, INF), (INF, 1.0)])
def test_infinity_is_close_to_itself_alone(pair: tuple[float, float]) -> None:
    one, other = (np.array([value]) for value in pair)
    assert not close(one, other, 1e-6) and close(one, one, 1e-6)
