"""A later call leaves earlier results alone, and does not depend on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.promises.later import another_point, check_later_calls
from tests.checking.functions import AFFINE
from tests.checking.plain import Array, Dropout, Linear, ReLU, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)


def asked(target: Any, *inputs: Any) -> list[tuple[str, str | None]]:
    calls = calls_of(target, *inputs)
    check_later_calls(calls)
    return broken(calls)


@pytest.mark.parametrize("layer", [Linear(), Tanh(), Dropout(), ReLU()])
def test_right_layers(layer: Any) -> None:
    assert not asked(layer, X)


def test_right_pairs() -> None:
    assert not asked(AFFINE, X, normal(4, 2), normal(2))


def test_a_cache_that_is_made_once() -> None:
    def forward(self: Any, x: Array) -> Array:
        y = np.tanh(x)
        if not hasattr(self, "y"):
            self.y = y
        return y

    assert asked(changed(Tanh, forward=forward), X) == [("stale-cache", "x")]


def test_an_output_that_is_made_once() -> None:
    def forward(self: Any, x: Array) -> Array:
        if not hasattr(self, "y"):
            self.y = np.tanh(x)
        return self.y.copy()

    assert asked(changed(Tanh, forward=forward), X) == [("stale-cache", None)]


def test_a_pair_that_keeps_its_cache_in_one_place() -> None:
    kept = {}

    def forward(x: Array) -> tuple[Array, None]:
        kept["x"] = x
        return np.sin(x), None

    calls = calls_of((forward, lambda dy, cache: dy * np.cos(kept["x"])), X)
    check_later_calls(calls)
    assert ("stale-cache", "x") in broken(calls)


def test_an_output_that_is_memory_used_again() -> None:
    def forward(self: Any, x: Array) -> Array:
        if not hasattr(self, "out"):
            self.out = np.empty_like(x)
        np.tanh(x, out=self.out)
        self.y = self.out.copy()
        return self.out

    assert ("alias", None) in asked(changed(Tanh, forward=forward), X)


def test_a_gradient_that_is_memory_used_again() -> None:
    def backward(self: Any, dy: Array) -> Array:
        if not hasattr(self, "out"):
            self.out = np.empty_like(dy)
        self.out[...] = Tanh.backward(self, dy)
        return self.out

    assert ("alias", "x") in asked(changed(Tanh, backward=backward), X)


def test_memory_used_again_shows_for_another_dy_where_it_would_not_for_another_x() -> None:
    def backward(self: Any, dy: Array) -> Array:
        if not hasattr(self, "out"):
            self.out = np.empty_like(dy)
        self.out[...] = 3 * dy
        return self.out

    triple = changed(Tanh, forward=lambda self, x: 3 * x, backward=backward)
    assert ("alias", "x") in asked(triple, X)


def test_gradients_of_parameters_may_be_written_into_the_same_array() -> None:
    def backward(self: Any, dy: Array) -> Array:
        self.grads.setdefault("b", np.empty(3))[...] = dy.sum(axis=0)
        self.grads["w"] = self.x.T @ dy
        return dy @ self.params["w"].T

    assert not asked(changed(Linear, backward=backward), X)


def test_a_target_need_not_take_another_point() -> None:
    def forward(self: Any, x: Array) -> Array:
        if not np.array_equal(x, X):
            raise ValueError("the one input only")
        return Tanh.forward(self, x)

    assert not asked(changed(Tanh, forward=forward), X)
    nan = changed(Tanh, forward=lambda self, x: np.where(x == X, Tanh.forward(self, x), np.nan))
    assert not asked(nan, X)


def test_another_point_is_like_the_first() -> None:
    labels = np.array([0, 1, 2])
    calls = calls_of((lambda x, labels, k: (x, None), lambda dy, c: dy), X, labels, None)
    x, other, nothing = another_point(calls)
    assert x.shape == X.shape and (x != X).all() and np.array_equal(np.sign(x), np.sign(X[::-1]))
    assert np.array_equal(other, [2, 1, 0]) and other.dtype == labels.dtype and nothing is None
    assert np.array_equal(labels, [0, 1, 2])
