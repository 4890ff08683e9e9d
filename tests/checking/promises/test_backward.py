"""The first backward pass as a whole: what it gives, and what it must not touch."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.checking.memento import global_randomness, same_randomness
from minicnn.checking.promises import examine
from minicnn.checking.promises.backward import check_backward
from tests.checking.plain import Array, Linear, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)


def test_a_right_layer_gives_a_gradient_for_each_variable() -> None:
    calls = calls_of(Linear(), X)
    assert check_backward(calls) and not broken(calls)
    (gradients,) = calls.found.gradients
    dy = calls.v[0].reshape(3, 3)
    assert gradients["w"] is not None and np.allclose(gradients["w"], X.T @ dy)
    assert gradients["b"] is not None and np.allclose(gradients["b"], dy.sum(axis=0))


def test_backward_draws_no_random_numbers() -> None:
    def backward(self: Any, dy: Array) -> Array:
        return Tanh.backward(self, dy) * (np.random.rand(*dy.shape) < 2)  # noqa: NPY002

    before = global_randomness()
    calls = calls_of(changed(Tanh, backward=backward), X)
    check_backward(calls)
    assert broken(calls) == [("nondeterministic", None)]
    assert calls.found.findings[0].evidence == {"phase": "backward"}
    assert same_randomness(before, global_randomness())


def test_every_promise_is_asked_for() -> None:
    calls = calls_of(Linear(), X)
    found = examine(calls.subject, calls.v)
    assert not found.findings and found.comparable and len(found.gradients) == 2
    dy = calls.v[1].reshape(3, 3)
    assert found.gradients[1]["w"] is not None
    assert np.allclose(found.gradients[1]["w"], X.T @ dy)


def test_an_exception_ends_the_examination() -> None:
    def backward(self: Any, dy: Array) -> Array:
        raise RuntimeError("not yet")

    calls = calls_of(changed(Tanh, backward=backward), X)
    found = examine(calls.subject, calls.v)
    assert [f.slug for f in found.findings] == ["error"] and not found.comparable
    assert "RuntimeError: not yet" in found.findings[0].sentence


def test_what_accumulates_is_not_called_stale_as_well() -> None:
    def backward(self: Any, dy: Array) -> Array:
        before = self.grads.get("w", 0)
        dx = Linear.backward(self, dy)
        self.grads["w"] = self.grads["w"] + before
        return dx

    calls = calls_of(changed(Linear, backward=backward), X)
    assert [f.slug for f in examine(calls.subject, calls.v).findings] == ["accumulates"]


def test_the_same_mistake_in_the_same_array_is_told_once() -> None:
    found = calls_of(Tanh(), X).found
    found.add("mutates", "one", "x")
    found.add("mutates", "two", "x")
    found.add("mutates", "three", "w")
    found.add("alias", "four", "x", shares_with="dy")
    assert [f.sentence for f in found.findings] == ["one", "three", "four"]
    assert found.findings[2].evidence == {"shares_with": "dy"}
