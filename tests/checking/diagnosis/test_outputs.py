from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.outputs import (
    one_output_only,
    overlap,
    overwritten,
    places_of_the_output,
    some_outputs_only,
    wrong_axis,
)
from tests.checking.diagnosis.suspects import said, slug
from tests.checking.functions import AFFINE, Pair, spoilt, times
from tests.checking.plain import Array, normal

X = normal(4, 5)


@pytest.mark.parametrize(
    ("weights", "missing"), [((1, 0), [1]), ((0, 1), [0]), ((1, 0.5), None), ((2, 1), None)]
)
def test_one_output_only(weights: tuple[float, float], missing: list[int] | None) -> None:
    pair = (
        lambda x: (np.sin(x), 3 * x, x),
        lambda one, other, x: weights[0] * one * np.cos(x) + weights[1] * 3 * other,
    )
    finding = said(one_output_only, pair, X)
    assert (finding and finding.evidence["missing_outputs"]) == missing
    assert finding is None or finding.slug == "missing-term"


def affine(**wrong: Any) -> Pair:
    """x w + b, with other gradients of some."""

    def backward(dy: Array, cache: Any) -> tuple[Array, ...]:
        right = dict(zip("xwb", AFFINE[1](dy, cache), strict=True))
        return tuple(
            wrong[name](dy, *cache) if name in wrong else right[name] for name in ("x", "w", "b")
        )

    return AFFINE[0], backward


SQUARE = normal(3, 3), normal(3, 3, seed=1), normal(3, seed=2)


@pytest.mark.parametrize(
    ("db", "expected"),
    [
        (lambda dy, x, w: dy.sum(axis=1), "wrong-axis"),
        (lambda dy, x, w: dy.mean(axis=1), "wrong-axis"),
        (lambda dy, x, w: np.full(3, dy.sum()), "wrong-axis"),
        (lambda dy, x, w: dy.sum(axis=1) * [1, 1, 2], None),
        (lambda dy, x, w: 1.1 * dy.sum(axis=0), None),
    ],
)
def test_wrong_axis(db: Any, expected: str | None) -> None:
    assert slug(wrong_axis, affine(b=db), *SQUARE, name="b") == expected


WEIGHTS = normal(5, 3, seed=1), normal(3, seed=2)


@pytest.mark.parametrize(
    ("dw", "expected"),
    [
        (lambda dy, x, w: np.outer(x[0], dy[0]), "partial-batch"),
        (lambda dy, x, w: x[:-1].T @ dy[:-1], "partial-batch"),
        (lambda dy, x, w: x[:-1].T @ dy[:-1] * 4 / 3, "partial-batch"),
        (lambda dy, x, w: (x.T * [1, 2, 3, 4]) @ dy, None),
        (lambda dy, x, w: 2 * x.T @ dy, None),
    ],
)
def test_some_outputs_only(dw: Any, expected: str | None) -> None:
    assert slug(some_outputs_only, affine(w=dw), X, *WEIGHTS, name="w") == expected


def test_some_columns_of_the_output_only() -> None:
    dx = lambda dy, x, w: dy[:, ::2] @ w[:, ::2].T  # noqa: E731
    finding = said(some_outputs_only, affine(x=dx), X, *WEIGHTS, name="x")
    assert finding is not None and finding.slug == "missing-term"
    assert finding.evidence["missing"] == [1] and finding.evidence["contributing"] == [0, 2]


def test_of_a_large_weight_a_few_entries_tell() -> None:
    dw = lambda dy, x, w: x[:-1].T @ dy[:-1]  # noqa: E731
    inputs = normal(5, 60), normal(60, 60, seed=1), normal(60, seed=2)
    assert slug(some_outputs_only, affine(w=dw), *inputs, name="w") == "partial-batch"


# ---- windows -------------------------------------------------------------------------------


def windows(assign: bool, twice: bool = False) -> Pair:
    """y_i = 2 x_i + 3 x_{i+1}; contributions are added, or assigned."""

    def backward(dy: Array, shape: tuple[int, ...]) -> Array:
        dx = np.zeros(shape)
        for i in range(dy.shape[1]):
            for j, weight in ((i, 2), (i + 1, 3)):
                dx[:, j] = weight * dy[:, i] + (0 if assign else dx[:, j])
        if twice:
            dx[:, 0] *= 2
        return dx

    return lambda x: (2 * x[:, :-1] + 3 * x[:, 1:], x.shape), backward


def test_overlap() -> None:
    finding = said(overlap, windows(assign=True), X)
    assert finding is not None and finding.slug == "overlap" and finding.evidence["kept"] == "last"
    assert slug(overlap, windows(assign=False, twice=True), X) is None


def copies(dims: int, kept: int) -> Pair:
    """y_i = (i + 1) x for i = 0, 1, 2; backward knows of one i."""
    weights = np.arange(1.0, 4).reshape(3, *[1] * (dims - 1))
    return lambda x: (x * weights, None), lambda dy, _: dy[kept] * (kept + 1)


@pytest.mark.parametrize(("kept", "words"), [(2, "last"), (0, "first"), (1, None)])
def test_overwritten(kept: int, words: str | None) -> None:
    finding = said(overwritten, copies(2, kept), normal(5))
    assert (finding and finding.evidence["kept"]) == words
    assert finding is None or finding.slug == "overlap"
    assert slug(overlap, copies(2, kept), normal(5)) is None


# ---- pixels --------------------------------------------------------------------------------

PICTURE, CHANNEL = normal(2, 3, 4, 4), normal(3, seed=1)


def bias(db: Any) -> Pair:
    return (
        lambda x, b: (x + b[:, None, None], None),
        lambda dy, _: (dy, db(dy)),
    )


@pytest.mark.parametrize(
    ("db", "expected"),
    [
        (lambda dy: dy[:, :, 0, 0].sum(axis=0), "missing-term"),
        (lambda dy: dy[:, :, 2, 2].sum(axis=0), "missing-term"),
        (lambda dy: 2 * dy.sum(axis=(0, 2, 3)), None),
        (lambda dy: dy[:, 0].sum() * np.ones(3), None),
    ],
)
def test_places_of_the_output(db: Any, expected: str | None) -> None:
    assert slug(places_of_the_output, bias(db), PICTURE, CHANNEL, name="b") == expected


def test_outputs_at_the_border() -> None:
    # Several entries per channel, so that each place can be told from the others.
    weight = normal(3, 8, seed=1)
    pair = (
        lambda x, w: (np.einsum("nchw,ck->nkhw", x, w), x),
        lambda dy, x: (
            np.einsum("nkhw,ck->nchw", dy, weight),
            np.einsum("nchw,nkhw->ck", x[..., :-1, :], dy[..., :-1, :]),
        ),
    )
    inputs = normal(2, 3, 3, 3), weight
    assert slug(places_of_the_output, pair, *inputs, name="w") == "border"
    assert slug(some_outputs_only, pair, *inputs, name="w") == "border"
    forward, backward = pair
    right = (
        forward,
        lambda dy, x: (backward(dy, x)[0], np.einsum("nchw,nkhw->ck", x, dy)),
    )
    assert slug(places_of_the_output, spoilt(right, times(2, 0), 1), *inputs, name="w") is None
