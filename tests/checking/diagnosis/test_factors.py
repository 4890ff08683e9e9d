from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.factors import (
    factor,
    factor_per_index,
    without_influence,
    wrong_slabs,
    zero,
)
from tests.checking.diagnosis.suspects import said, slug
from tests.checking.functions import SIN, Spoil, pointwise, spoilt, swap, times
from tests.checking.plain import Array, normal

X = normal(4, 5)
PICTURE = normal(2, 3, 5, 5)


def all_but_one(g: Array) -> None:
    g.flat[1:] = 0


def test_zero() -> None:
    assert slug(zero, spoilt(SIN, times(0)), X) == "zero"
    assert slug(zero, spoilt(SIN, all_but_one), X) is None


@pytest.mark.parametrize(("strength", "expected"), [(0.0, "mask"), (1e-6, None)])
def test_without_influence(strength: float, expected: str | None) -> None:
    pair = (
        lambda x, k: (np.sin(x) + strength * k, x),
        lambda dy, x: (dy * np.cos(x), dy),
    )
    assert slug(without_influence, pair, X, normal(4, 5, seed=1), name="k") == expected


@pytest.mark.parametrize(
    ("value", "expected", "name"),
    [
        (-1, "sign", None),
        (-3, "sign", ""),
        (2, "scale", ""),
        (0.25, "scale", "the batch size"),
        (1.01, "scale", ""),
        (20, "scale", "the number of outputs"),
    ],
)
def test_factor(value: float, expected: str, name: str | None) -> None:
    finding = said(factor, spoilt(SIN, times(value)), X)
    assert finding is not None and finding.slug == expected
    assert finding.evidence["factor"] == pytest.approx(value, rel=1e-6)
    assert finding.evidence.get("factor_is") == name


def test_a_factor_that_the_target_holds() -> None:
    layer = SimpleNamespace(p=0.3, forward=lambda x: x, backward=lambda dy: dy / 0.7)
    finding = said(factor, layer, X)
    assert finding is not None and finding.evidence["factor_is"] == "1 - p"


@pytest.mark.parametrize(
    "spoil",
    [times(2, 0, 0), times(2, 0), times(-1, slice(None), 0), swap((0, 0), (1, 1))],
    ids=["entry", "row", "column", "swap"],
)
def test_two_factors_are_not_one(spoil: Spoil) -> None:
    assert slug(factor, spoilt(SIN, spoil), X) is None


def scaled(axis: int, factors: Any) -> Spoil:
    def spoil(g: Array) -> None:
        g *= np.reshape(factors, [-1 if i == axis else 1 for i in range(g.ndim)])

    return spoil


@pytest.mark.parametrize(
    ("x", "axis", "factors", "expected"),
    [
        (X, 0, [2, 3, 4, 5], "scale"),
        (X, 1, [2, 1, 1, 1, 3], "border"),
        (X, 1, [1, 1, 2, 1, 1], "scale"),
        (X, 0, [1, 0, 1, 1], "partial-batch"),
        (PICTURE, 1, [1, 0, 1], "missing-term"),
        (PICTURE, 3, [1, 1, 1, 1, 0], "border"),
        (PICTURE, 2, [2, 1, 1, 1, 1], "border"),
        (PICTURE, 2, [1, 1, 0, 1, 1], "missing-term"),
    ],
)
def test_a_factor_for_each_index(x: Array, axis: int, factors: Any, expected: str) -> None:
    finding = said(factor_per_index, spoilt(SIN, scaled(axis, factors)), x)
    assert finding is not None and finding.slug == expected
    assert finding.evidence["axis"] == axis
    assert finding.evidence["factors"] == pytest.approx(factors)


def test_one_entry_is_no_index() -> None:
    assert slug(factor_per_index, spoilt(SIN, times(2, 0, 0)), X) is None


LARGE = normal(100, 40)
PICTURES = normal(2, 3, 25, 25)


@pytest.mark.parametrize(
    ("spoil", "x", "axis", "expected"),
    [
        (times(2, slice(0, 3)), LARGE, 0, "partial-batch"),
        (times(0, slice(50, None)), LARGE, 0, "partial-batch"),
        (times(0, slice(None), slice(0, 3)), normal(20, 20, 3, 3), 1, "missing-term"),
        (times(2, ..., 24), PICTURES, 3, "border"),
        (times(2, slice(None), slice(None), slice(0, 2)), PICTURES, 2, "border"),
    ],
)
def test_wrong_slabs(spoil: Spoil, x: Array, axis: int, expected: str) -> None:
    finding = said(wrong_slabs, spoilt(SIN, spoil), x)
    assert finding is not None and finding.slug == expected and finding.evidence["axis"] == axis


@pytest.mark.parametrize("spoil", [times(2, 50, 20), times(2)], ids=["entry", "all"])
def test_no_slab_is_named_where_a_single_entry_or_all_are_wrong(spoil: Spoil) -> None:
    assert slug(wrong_slabs, spoilt(SIN, spoil), LARGE) is None


def test_a_factor_of_one_explains_nothing() -> None:
    x = np.array([-30.0, 0, 30])
    assert slug(factor, pointwise(np.exp, lambda x: np.exp(x) * [1, 1.1, 1]), x) is None


def test_one_entry_in_the_corner_of_a_large_array_is_no_slab() -> None:
    assert slug(wrong_slabs, spoilt(SIN, times(2, 0, 0)), normal(100, 40)) is None
