"""Backward twice gives the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.promises.repetition import check_repetition
from tests.checking.plain import Array, Dropout, Linear, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)


@pytest.mark.parametrize("layer", [Linear(), Tanh(), Dropout()])
def test_right_layers(layer: Any) -> None:
    calls = calls_of(layer, X)
    check_repetition(calls)
    assert not broken(calls) and calls.repeatable and not calls.found.notes


def adds_up(self: Any, dy: Array) -> Array:
    self.grads["b"] = self.grads.get("b", 0) + dy.sum(axis=0)
    self.grads["w"] = self.x.T @ dy
    return dy @ self.params["w"].T


def adds_in_place(self: Any, dy: Array) -> Array:
    self.grads.setdefault("b", np.zeros(3))
    self.grads["b"] += dy.sum(axis=0)
    self.grads["w"] = self.x.T @ dy
    return dy @ self.params["w"].T


@pytest.mark.parametrize("backward", [adds_up, adds_in_place])
def test_gradients_are_not_added_up(backward: Any) -> None:
    calls = calls_of(changed(Linear, backward=backward), X)
    check_repetition(calls)
    assert broken(calls) == [("accumulates", "b")] and not calls.repeatable
    assert calls.found.findings[0].evidence["ratio"] == pytest.approx(2)


def test_gradients_that_forward_forgets_are_no_sum() -> None:
    def forward(self: Any, x: Array) -> Array:
        self.grads.clear()
        return Linear.forward(self, x)

    # A second backward after one forward adds; a new forward starts afresh. Still a sum.
    calls = calls_of(changed(Linear, forward=forward, backward=adds_up), X)
    check_repetition(calls)
    assert broken(calls) == [("accumulates", "b")]


def test_a_moving_average_is_left_over() -> None:
    def backward(self: Any, dy: Array) -> Array:
        self.sum = 0.5 * getattr(self, "sum", 0) + Tanh.backward(self, dy) * self.weights
        self.weights = self.weights[::-1].copy()
        return self.sum

    layer = changed(Tanh, backward=backward)
    layer.weights = np.array([[1.0], [2.0], [3.0]])
    calls = calls_of(layer, X)
    check_repetition(calls)
    assert broken(calls) == [("mutates", "x"), ("stale-cache", "x")]


def test_what_forward_kept_is_not_changed() -> None:
    def backward(self: Any, dy: Array) -> Array:
        dx = Tanh.backward(self, dy)
        self.y = self.y * 0.5
        return dx

    calls = calls_of(changed(Tanh, backward=backward), X)
    check_repetition(calls)
    assert broken(calls) == [("mutates", "x")]
    assert "changes what it kept" in calls.found.findings[0].sentence


def test_what_shows_after_another_forward_only_is_stale() -> None:
    def forward(self: Any, x: Array) -> Array:
        self.count = getattr(self, "count", 0) + 1
        return Tanh.forward(self, x)

    def backward(self: Any, dy: Array) -> Array:
        dx = Tanh.backward(self, dy)
        if self.count > 1:
            dx[0] = 0
        return dx

    calls = calls_of(changed(Tanh, forward=forward, backward=backward), X)
    check_repetition(calls)
    assert broken(calls) == [("stale-cache", "x")]


def test_the_mask_is_not_drawn_again() -> None:
    def backward(self: Any, dy: Array) -> Array:
        return dy * 2 * (self.rng.random(dy.shape) < 0.5)

    calls = calls_of(changed(Dropout, backward=backward), X)
    check_repetition(calls)
    assert broken(calls) == [("nondeterministic", "x")]


def test_a_cache_that_can_be_used_once_is_a_design() -> None:
    def backward(self: Any, dy: Array) -> Array:
        y, self.y = self.y, None
        return dy * (1 - y**2)

    calls = calls_of(changed(Tanh, backward=backward), X)
    check_repetition(calls)
    assert not broken(calls) and not calls.repeatable
    assert calls.found.notes == ["backward cannot be called twice after one forward"]
