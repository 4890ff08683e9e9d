"""Every variable has a gradient, of its shape and dtype, and finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking.promises.backward import check_backward
from tests.checking.plain import Array, Linear, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)


def storing(name: str, make: Any) -> Any:
    def backward(self: Any, dy: Array) -> Any:
        dx = Linear.backward(self, dy)
        if name == "x":
            return make(dx)
        self.grads[name] = make(self.grads[name])
        return dx

    return changed(Linear, backward=backward)


def punched(g: Array) -> Array:
    g.flat[0] = np.nan
    return g


def wide(g: Array) -> Array:
    return np.stack([g, g])


@pytest.mark.parametrize("name", ["x", "w", "b"])
@pytest.mark.parametrize(
    ("make", "slug", "evidence"),
    [
        (lambda g: None, "shape", {"received": None}),
        (wide, "shape", {}),
        (lambda g: g[..., None], "shape", {}),
        (punched, "error", {"not_finite": 1, "phase": "backward"}),
        (lambda g: g * np.inf, "error", {"phase": "backward"}),
        (lambda g: g.astype(object), "dtype", {"received": "object"}),
        (lambda g: g + 0j, "dtype", {"received": "complex128"}),
        (lambda g: "gradient", "dtype", {}),
    ],
)
def test_what_cannot_be_compared(name: str, make: Any, slug: str, evidence: dict) -> None:
    calls = calls_of(storing(name, make), X)
    assert check_backward(calls), "the other two can be compared"
    if name == "x" or not isinstance(make(np.ones(3)), str | None):
        assert broken(calls) == [(slug, name)]
        assert evidence.items() <= calls.found.findings[0].evidence.items()
    accepted = calls.found.gradients[0]
    assert accepted[name] is None and sum(g is None for g in accepted.values()) == 1


def test_a_misshapen_gradient_is_kept() -> None:
    calls = calls_of(storing("w", np.transpose), X)
    check_backward(calls)
    assert calls.found.findings[0].evidence == {"expected": [4, 3], "received": [3, 4]}
    assert calls.found.misshapen["w"].shape == (3, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, int])
def test_a_gradient_of_fewer_digits_is_compared_and_named(dtype: Any) -> None:
    calls = calls_of(storing("w", lambda g: g.astype(dtype)), X)
    assert check_backward(calls) and broken(calls) == [("dtype", "w")]
    assert calls.found.findings[0].evidence["received"] == np.dtype(dtype).name
    accepted = calls.found.gradients[0]["w"]
    assert accepted is not None and accepted.dtype == np.float64


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), 2])
def test_a_number_may_be_the_gradient_of_a_number(value: Any) -> None:
    calls = calls_of(changed(Tanh, backward=lambda self, dy: value), np.array(0.3))
    assert check_backward(calls) and not broken(calls)


def test_single_precision_throughout_is_left_to_a_later_look() -> None:
    def forward(self: Any, x: Array) -> Array:
        return Tanh.forward(self, x.astype(np.float32))

    calls = calls_of(changed(Tanh, forward=forward), X)
    assert check_backward(calls) and not broken(calls)


def test_nothing_to_compare() -> None:
    calls = calls_of(changed(Tanh, backward=lambda self, dy: None), X)
    assert not check_backward(calls) and broken(calls) == [("shape", "x")]
