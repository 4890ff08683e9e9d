from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.diagnosis.rearranged import (
    exchanged_gradients,
    flipped,
    permuted,
    push,
    rearranged_cotangent,
    shifted,
    transposed,
)
from tests.checking.diagnosis.suspects import Hypothesis, said, slug
from tests.checking.functions import AFFINE, SIN, Spoil, spoilt, times
from tests.checking.plain import Array, Linear, changed, normal

X, SQUARE, PICTURE = normal(4, 5), normal(4, 4), normal(2, 3, 4, 4)


def becomes(change: Any) -> Spoil:
    def spoil(g: Array) -> None:
        g[...] = change(g.copy())

    return spoil


def off(change: Any) -> Spoil:
    """The same, and one entry wrong besides: no rearrangement alone explains that."""

    def spoil(g: Array) -> None:
        g[...] = change(g.copy())
        g.flat[g.size // 2 + 6] += 1

    return spoil


def product(a: Array, b: Array) -> tuple[Array, Any]:
    return a * b, (a, b)


@pytest.mark.parametrize(("factor", "expected"), [(1, "swapped"), (1.1, None)])
def test_exchanged_gradients(factor: float, expected: str | None) -> None:
    pair = (product, lambda dy, kept: (dy * kept[0] * factor, dy * kept[1]))
    for name, wanted in (("a", expected), ("b", "swapped")):
        assert slug(exchanged_gradients, pair, X, normal(4, 5, seed=1), name=name) == wanted


ROWS = [2, 0, 3, 1]
CASES: list[tuple[Hypothesis, Array, Any, str]] = [
    (transposed, SQUARE, np.transpose, "transposed"),
    (transposed, X, lambda g: g.T.reshape(g.shape), "transposed"),
    (transposed, PICTURE, lambda g: g.swapaxes(2, 3), "transposed"),
    (flipped, X, lambda g: g[:, ::-1], "flipped"),
    (flipped, X, lambda g: g[::-1], "swapped"),
    (flipped, PICTURE, lambda g: g[..., ::-1, ::-1], "flipped"),
    (flipped, PICTURE, lambda g: g[:, ::-1], "swapped"),
    (shifted, X, lambda g: np.roll(g, 1, 1), "shifted"),
    (shifted, X, lambda g: np.roll(g, -2, 1), "shifted"),
    (shifted, PICTURE, lambda g: np.roll(g, (1, 1), (2, 3)), "shifted"),
    (shifted, PICTURE, lambda g: push(g, (3,), (-1,)), "shifted"),
    (permuted, X, lambda g: g[ROWS], "swapped"),
    (permuted, PICTURE, lambda g: g[:, [1, 2, 0]], "swapped"),
]


@pytest.mark.parametrize(("hypothesis", "x", "change", "expected"), CASES)
def test_rearranged(hypothesis: Hypothesis, x: Array, change: Any, expected: str) -> None:
    assert slug(hypothesis, spoilt(SIN, becomes(change)), x) == expected
    assert slug(hypothesis, spoilt(SIN, off(change)), x) is None
    assert slug(hypothesis, spoilt(SIN, times(2)), x) is None


def test_a_shift_too_far_has_no_name() -> None:
    x = normal(4, 9)
    assert slug(shifted, spoilt(SIN, becomes(lambda g: np.roll(g, 4, 1))), x) is None


def test_a_frame_cut_off_at_the_wrong_end() -> None:
    pair = (
        lambda x: (np.sin(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))), x),
        lambda dy, x: (dy * np.cos(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))))[..., :-2, :-2],
    )
    finding = said(shifted, pair, PICTURE)
    assert finding is not None and finding.slug == "shifted"
    assert finding.evidence == {"axes": [2, 3], "steps": [1, 1]}


def test_input_and_output_channels_of_a_kernel() -> None:
    kernel = normal(3, 3, 2, 2, seed=3)

    class Kernel(Linear):
        def __init__(self) -> None:
            self.params, self.grads = {"w": kernel.copy()}, {}

        def forward(self, x: Array) -> Array:
            self.x = x
            return x * np.sin(self.params["w"])

        def backward(self, dy: Array) -> Array:
            right = (dy * self.x * np.cos(self.params["w"])).swapaxes(0, 1)
            self.grads["w"] = right.copy()
            return dy * np.sin(self.params["w"])

    assert slug(transposed, Kernel(), normal(3, 3, 2, 2), name="w") == "swapped"


def test_push() -> None:
    a = np.arange(1, 5)
    assert list(push(a, (0,), (1,))) == [0, 1, 2, 3] and list(push(a, (0,), (-2,))) == [3, 4, 0, 0]
    assert list(a) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda dy: dy[:, ::-1], "flipped"),
        (lambda dy: np.roll(dy, 1, 1), "shifted"),
        (lambda dy: push(dy, (1,), (1,)), "shifted"),
        (lambda dy: dy.T, "transposed"),
        (lambda dy: dy * [1, 2, 1, 1], None),
    ],
)
def test_a_cotangent_that_was_rearranged_first(change: Any, expected: str | None) -> None:
    forward, backward = AFFINE
    pair = (forward, lambda dy, cache: (backward(change(dy), cache)[0], *backward(dy, cache)[1:]))
    inputs = normal(4, 5), normal(5, 4, seed=1), normal(4, seed=2)
    assert slug(rearranged_cotangent, pair, *inputs, name="x") == expected


@pytest.mark.parametrize(("order", "expected"), [((1, 0), "swapped"), ((0, 0), None)])
def test_the_cotangents_of_two_outputs(order: tuple[int, int], expected: str | None) -> None:
    def backward(one: Array, other: Array, x: Array) -> Array:
        dys = one, other
        return dys[order[0]] * np.cos(x) + dys[order[1]] * 3

    pair = (lambda x: (np.sin(x), 3 * x, x), backward)
    assert slug(rearranged_cotangent, pair, X) == expected


def test_the_bias_of_a_layer_in_another_order() -> None:
    def backward(self: Any, dy: Array) -> Array:
        dx = Linear.backward(self, dy)
        self.grads["w"] = self.grads["w"][[1, 2, 0, 3]]
        return dx

    finding = said(permuted, changed(Linear, backward=backward), normal(3, 4), name="w")
    assert finding is not None and finding.evidence == {"axis": 0, "order": [1, 2, 0, 3]}
