from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minicnn as m
from minicnn.checking.errors import CheckError
from minicnn.checking.failures import TargetError
from minicnn.checking.targets import (
    FunctionSubject,
    LayerSubject,
    PairSubject,
    make_subject,
)
from tests.checking.functions import AFFINE
from tests.checking.plain import Array, Linear, Tanh, changed, normal
from tests.checking.test_subject import prepared


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (Linear(), LayerSubject),
        (AFFINE, PairSubject),
        (list(AFFINE), PairSubject),
        (lambda x: (x.sum(), x), FunctionSubject),
    ],
)
def test_kinds(target: Any, kind: type) -> None:
    assert type(make_subject(target, (normal(2, 2),))) is kind


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Linear, "the class Linear itself.*pass an instance"),
        (3, "the target is an int"),
        ((np.sin,), "a tuple of 1"),
        ((np.sin, 3), "a tuple of 2"),
        (SimpleNamespace(forward=np.sin), "no backward; .*write backward"),
        (SimpleNamespace(backward=np.sin, forward=3), "no forward"),
    ],
)
def test_what_is_no_target(target: Any, words: str) -> None:
    with pytest.raises(CheckError, match=words):
        make_subject(target, (normal(2),))


def gradients(target: Any, *inputs: Any) -> dict[str, Any]:
    subject = prepared(target, *inputs)
    call = subject.forward()
    return subject.backward(call, subject.cotangents(call, np.ones(call.flat.size)))


A, B, N = np.ones(2), np.full(2, 2.0), np.arange(2)


def two(a: Array, b: Array) -> tuple[Array, None]:
    return a + b, None


def around(a: Array, n: Array, b: Array) -> tuple[Array, None]:
    return a + b, None


@pytest.mark.parametrize(
    ("forward", "inputs", "returned", "expected"),
    [
        (two, (A, B), (1, 2), {"a": 1, "b": 2}),
        (two, (A, B), [A, B], {"a": A, "b": B}),
        (two, (A, B), {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        (two, (A, B), {"db": 2, "da": 1}, {"a": 1, "b": 2}),
        (two, (A, B), {"d_a": 1, "grad_b": 2}, {"a": 1, "b": 2}),
        (two, (A, B), {"left": 1, "right": 2}, {"a": 1, "b": 2}),
        (two, (A, B), {"left": 1}, {"a": None, "b": None}),
        (two, (A, B), 1, {"a": 1, "b": None}),
        (two, (A, B), None, {"a": None, "b": None}),
        (two, (A, N), [0.5, 0.5], {"a": [0.5, 0.5]}),
        (around, (A, N, B), (1, None, 3), {"a": 1, "b": 3}),
        (around, (A, N, B), (1, 3), {"a": 1, "b": 3}),
        (around, (A, N, B), (1,), {"a": 1, "b": None}),
    ],
)
def test_gradients_are_matched_with_inputs(
    forward: Any, inputs: Any, returned: Any, expected: dict[str, Any]
) -> None:
    found = gradients((forward, lambda dy, cache: returned), *inputs)
    assert found.keys() == expected.keys()
    assert all(found[name] is expected[name] or found[name] == expected[name] for name in found)


def test_a_pair_whose_forward_has_no_cache() -> None:
    with pytest.raises(TargetError, match="returned an array.*write `return y, cache`"):
        prepared((np.sin, np.cos), normal(3))


@pytest.mark.parametrize("nested", [False, True])
def test_a_pair_with_two_outputs(nested: bool) -> None:
    def forward(x: Array) -> tuple[Any, ...]:
        return ((x, 2 * x), "cache") if nested else (x, 2 * x, "cache")

    def backward(*arguments: Any) -> Array:
        *dys, cache = arguments
        assert cache == "cache"
        one, other = dys[0] if nested else dys
        return one + 2 * other

    assert (gradients((forward, backward), normal(3))["x"] == 3).all()


@pytest.mark.parametrize("together", [False, True])
def test_a_layer_with_two_outputs(together: bool) -> None:
    split = SimpleNamespace(
        forward=lambda x: (x, 2 * x),
        backward=(lambda dys: dys[0] + 2 * dys[1]) if together else (lambda a, b: a + 2 * b),
    )
    assert (gradients(split, normal(3))["x"] == 3).all()


def test_the_gradients_of_parameters_stand_in_grads() -> None:
    found = gradients(Linear(), normal(3, 4))
    assert found.keys() == {"x", "w", "b"} and found["w"].shape == (4, 3)
    silent = changed(Linear, backward=lambda self, dy: dy @ self.params["w"].T)
    assert gradients(silent, normal(3, 4))["w"] is None


def test_a_number_in_grads_counts() -> None:
    class Scale:
        def __init__(self) -> None:
            self.params, self.grads = {"k": np.array(2.0)}, {}

        def forward(self, x: Array) -> Array:
            self.x = x
            return self.params["k"] * x

        def backward(self, dy: Array) -> Array:
            self.grads["k"] = float((dy * self.x).sum())
            return dy * self.params["k"]

    assert gradients(Scale(), A)["k"] == 2.0


class Halves:
    """The mean of half of the squared error, by one name or another."""

    def forward(self, scores: Array, target: Array) -> float:
        self.off = scores - target
        return float((self.off**2).mean() / 2)

    def backward(self) -> Array:
        return self.off / self.off.size


class Distances:
    def forward(self, a: Array, b: Array) -> Array:
        self.off = a - b
        return self.off**2 / 2

    def backward(self, dy: Array) -> tuple[Array, Array]:
        return dy * self.off, -dy * self.off


class VectorLoss(Distances):
    def backward(self, dy: Array) -> Array:  # type: ignore[override]
        return dy * self.off


def both(self: Any) -> tuple[Array, Array]:
    return self.off / self.off.size, -self.off / self.off.size


@pytest.mark.parametrize(
    ("target", "loss", "takes_dy", "names"),
    [
        (Halves(), True, False, ["scores"]),
        (m.MSELoss(), True, True, ["scores"]),
        (Distances(), False, True, ["a", "b"]),
        (VectorLoss(), True, True, ["a"]),
        (changed(Halves, backward=both), False, True, ["scores", "target"]),
    ],
)
def test_losses_are_recognised(target: Any, loss: bool, takes_dy: bool, names: list[str]) -> None:
    subject = make_subject(target, (normal(3, 2), normal(3, 2, seed=1)))
    subject._check_base({})
    assert isinstance(subject, LayerSubject) and subject.loss is loss
    assert subject.takes_dy is takes_dy
    assert [subject.names[i] for i in subject.differentiated_inputs()] == names


@pytest.mark.parametrize(
    ("gradient", "names"),
    [
        ((lambda x, n, w: x), ["x"]),
        ((lambda x, n, w: (x, w)), ["x", "w"]),
        ((lambda x, n, w: [x, w]), ["x", "w"]),
        ((lambda x, n, w: {"dw": w}), ["w"]),
        ((lambda x, n, w: (None, None, w)), ["w"]),
        ((lambda x, n, w: {"strange": w}), ["x", "w"]),
    ],
)
def test_a_function_is_differentiated_by_what_it_has_a_gradient_for(
    gradient: Any, names: list[str]
) -> None:
    def f(x: Array, n: int, w: Array) -> Any:
        return x.sum() + w.sum(), gradient(x, n, w)

    subject = prepared(f, A, 3, B)
    assert [v.name for v in subject.variables] == names and not subject.takes_dy


def test_a_function_that_returns_its_gradients_in_a_row() -> None:
    found = gradients(lambda x, w: (x.sum() + w.sum(), A, B), A, B)
    assert found["x"] is A and found["w"] is B


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (1.0, "returned a float; .*write `return loss, dx`"),
        ((A, A), r"a loss of shape \(2,\); it must be one number"),
    ],
)
def test_what_a_function_must_return(returned: Any, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        prepared(lambda x: returned, A)


def test_targets_are_called_by_their_names() -> None:
    def f(x: Array) -> Any:
        return x.sum(), A

    assert prepared(f, A).describe == "f" and prepared(Tanh(), A).describe == "Tanh"
    assert prepared(AFFINE, normal(2, 2), normal(2, 2), A).describe == "(affine, affine_backward)"
