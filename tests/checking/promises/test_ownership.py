"""What belongs to the caller stays as it is, and gradients have memory of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.promises.backward import check_backward
from tests.checking.functions import AFFINE, pointwise
from tests.checking.plain import Array, Linear, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)


def linear(change: Any) -> Any:
    def backward(self: Any, dy: Array) -> Array:
        dx = Linear.backward(self, dy)
        return change(self, dy, dx)

    return changed(Linear, backward=backward)


def keeps(what: str) -> Any:
    def change(self: Any, dy: Array, dx: Array) -> Array:
        if what == "y":
            self.grads["b"] = self.y[0]
        elif what == "dy":
            self.grads["b"] = dy[0]
        elif what == "params['b']":
            self.grads["b"] = self.params["b"]
        elif what == "the input x":
            self.grads["b"] = self.x[0, :3]
        else:
            self.grads["b"] = dx[0, :3]
        return dx

    def forward(self: Any, x: Array) -> Array:
        self.y = Linear.forward(self, x)
        return self.y

    target = linear(change)
    type(target).forward = forward
    return target


@pytest.mark.parametrize("what", ["y", "dy", "params['b']", "the input x", "the gradient of x"])
def test_the_gradient_of_a_parameter_has_memory_of_its_own(what: str) -> None:
    calls = calls_of(keeps(what), X)
    check_backward(calls)
    assert broken(calls) == [("alias", "b")]
    assert calls.found.findings[0].evidence == {"shares_with": what}


@pytest.mark.parametrize(
    "target",
    [
        Linear(),
        changed(Tanh, forward=lambda self, x: x, backward=lambda self, dy: dy),  # dx is dy
    ],
)
def test_what_is_allowed(target: Any) -> None:
    calls = calls_of(target, X)
    assert check_backward(calls) and not broken(calls)


def test_dx_is_no_parameter() -> None:
    calls = calls_of(linear(lambda self, dy, dx: self.params["w"].T), normal(3, 4))
    check_backward(calls)
    assert broken(calls) == [("alias", "x")]


def test_pairs_may_return_what_they_like() -> None:
    calls = calls_of(pointwise(lambda x: x, lambda x: 1.0), X)
    assert check_backward(calls) and not broken(calls)


def changes_dy(self: Any, dy: Array, dx: Array) -> Array:
    dy *= 2
    return dx


def changes_x(self: Any, dy: Array, dx: Array) -> Array:
    self.x[0] = 0
    return dx


def changes_w(self: Any, dy: Array, dx: Array) -> Array:
    self.params["w"] -= 0.1 * self.grads["w"]
    return dx


@pytest.mark.parametrize(
    ("change", "tensor", "words"),
    [
        (changes_dy, None, "backward changes dy in place"),
        (changes_x, "x", "backward changes its input x"),
        (changes_w, "w", r"backward changes params['w']; only the optimizer may"),
    ],
)
def test_backward_leaves_alone_what_it_is_given(change: Any, tensor: Any, words: str) -> None:
    calls = calls_of(linear(change), X)
    check_backward(calls)
    assert broken(calls) == [("mutates", tensor)]
    assert words in calls.found.findings[0].sentence
    assert calls.found.findings[0].evidence["phase"] == "backward"


def test_backward_leaves_the_output_alone() -> None:
    def backward(self: Any, dy: Array) -> Array:
        self.y *= self.y
        return dy * (1 - self.y)

    calls = calls_of(changed(Tanh, backward=backward), X)
    check_backward(calls)
    assert broken(calls) == [("mutates", None)]
    assert "the output y" in calls.found.findings[0].sentence


def test_constants_belong_to_the_caller_as_well() -> None:
    def forward(x: Array, mask: Array) -> tuple[Array, Array]:
        return x * mask, mask

    def backward(dy: Array, mask: Array) -> Array:
        dx = dy * mask
        mask[0] = 0
        return dx

    calls = calls_of((forward, backward), X, np.ones((3, 4), int))
    check_backward(calls)
    assert broken(calls) == [("mutates", "mask")]
    assert not broken(calls_of(AFFINE, X, normal(4, 2), normal(2)))
