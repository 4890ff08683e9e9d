"""Forward is a function of its inputs and of the state it starts from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from minicnn.checking.memento import global_randomness, same_randomness
from minicnn.checking.promises.forward import check_forward
from tests.checking.plain import Array, Dropout, Linear, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)


@pytest.mark.parametrize("layer", [Tanh(), Linear(), Dropout()])
def test_a_function_keeps_all_promises(layer: Any) -> None:
    calls = calls_of(layer, X)
    assert check_forward(calls) and not broken(calls) and calls.found.comparable


def numpys(self: Any, x: Array) -> Array:
    return x + np.random.normal(size=x.shape)  # noqa: NPY002


def pythons(self: Any, x: Array) -> Array:
    return x + random.random()


def seeded(self: Any, x: Array) -> Array:
    np.random.seed(0)  # noqa: NPY002
    return numpys(self, x)


@pytest.mark.parametrize("forward", [numpys, pythons, seeded])
def test_the_shared_generators_are_nobodys(forward: Any) -> None:
    before = global_randomness()
    calls = calls_of(changed(Tanh, forward=forward), X)
    assert check_forward(calls), "differences are possible all the same"
    assert broken(calls) == [("nondeterministic", None)]
    assert np.array_equal(calls.subject.evaluate({}), calls.subject.evaluate({}))
    np.random.set_state(before[0])  # noqa: NPY002
    random.setstate(before[1])
    assert same_randomness(before, global_randomness())


def test_randomness_out_of_reach() -> None:
    def forward(self: Any, x: Array) -> Array:
        return x + np.random.default_rng().normal(size=x.shape)

    calls = calls_of(changed(Tanh, forward=forward), X)
    assert not check_forward(calls) and not calls.found.comparable
    assert broken(calls) == [("nondeterministic", None)]
    assert calls.found.findings[0].evidence["difference"] > 0


def test_the_order_of_a_sum_may_differ() -> None:
    counter = iter(range(1000))

    def forward(self: Any, x: Array) -> Array:
        return x * (1 + 1e-12 * next(counter))

    calls = calls_of(changed(Tanh, forward=forward), X)
    assert check_forward(calls) and not broken(calls)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(bad: float) -> None:
    calls = calls_of(changed(Tanh, forward=lambda self, x: np.where(x > 0, bad, x)), X)
    assert not check_forward(calls) and not calls.found.comparable
    assert broken(calls) == [("error", None)]
    assert calls.found.findings[0].evidence["not_finite"] == (X > 0).sum()


def test_the_input_belongs_to_the_caller() -> None:
    def forward(self: Any, x: Array) -> Array:
        x -= x.mean()
        return x * 1

    calls = calls_of(changed(Tanh, forward=forward), X)
    assert check_forward(calls) and broken(calls) == [("mutates", "x")]
    assert calls.found.findings[0].evidence["phase"] == "forward"


def test_the_parameters_belong_to_the_optimizer() -> None:
    def forward(self: Any, x: Array) -> Array:
        self.params["w"] *= 0.9
        return Linear.forward(self, x)

    calls = calls_of(changed(Linear, forward=forward), X)
    check_forward(calls)
    assert ("mutates", "w") in broken(calls) and ("mutates", "b") not in broken(calls)
