"""A target in float32 is judged in float64, and by what it does in its own precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as m
from minicnn.checking import gradcheck
from tests.checking.plain import Array, Linear, ReLU, Tanh, changed, normal

X = normal(3, 4).astype(np.float32)


def single(**methods: Any) -> Any:
    return changed(Linear, __init__=lambda self: Linear.__init__(self, dtype=np.float32), **methods)


def test_a_right_layer_passes_as_exactly_as_in_double_precision() -> None:
    report = gradcheck(single(), X)
    assert report.verdict == "PASS"
    for result in report.tensors:
        assert result.analytic is not None
        assert result.analytic == pytest.approx(result.numeric, rel=1e-7)


@pytest.mark.parametrize("layer", [m.Conv2d(4, 2, 1), m.BatchNorm2d(4), m.ReLU()])
def test_layers_of_the_library_pass_in_single_precision(layer: Any) -> None:
    x = normal(3, 4, 2, 2).astype(np.float32)
    assert gradcheck(layer.astype(np.float32), x).verdict == "PASS"


def test_a_mistake_far_below_single_precision_is_seen() -> None:
    def backward(self: Any, dy: Array) -> Array:
        return Linear.backward(self, dy) * 1.000001

    report = gradcheck(single(backward=backward), X)
    assert report.verdict == "FAIL" and report.diagnosis[0] == "scale"


def doubled(self: Any, dy: Array) -> Array:
    dx = Linear.backward(self, dy)
    self.grads["b"] = self.grads["b"].astype(np.float64)
    return dx


def test_a_gradient_of_another_dtype_is_named() -> None:
    report = gradcheck(single(backward=doubled), X)
    assert report.diagnosis == ["dtype"] and report.findings[0].tensor == "b"
    assert report.findings[0].evidence == {"expected": "float32", "received": "float64"}
    # With an input in double precision nothing is wrong with that.
    assert gradcheck(single(backward=doubled), X.astype(np.float64)).ok


def coarse(self: Any, dy: Array) -> Array:
    return (
        (
            Linear.backward(self, dy + dy.dtype.type(1e6)) - (self.params["w"] * 1e6).sum(axis=1)
        ).astype(dy.dtype)
        if dy.dtype == np.float32
        else Linear.backward(self, dy)
    )


def test_a_gradient_that_loses_digits_in_single_precision_is_named() -> None:
    report = gradcheck(single(backward=coarse), X)
    assert report.diagnosis[0] == "dtype"
    assert any("far from what it is in float64" in f.sentence for f in report.findings)


def test_what_is_given_in_double_precision_is_not_looked_at_again() -> None:
    assert gradcheck(changed(Linear, backward=coarse), X.astype(np.float64)).ok


def test_inputs_alone_may_be_in_single_precision() -> None:
    assert gradcheck(Tanh(), X).verdict == "PASS"
    # The plain ReLU makes its mask in double precision.
    report = gradcheck(ReLU(), X)
    assert report.diagnosis == ["dtype"] and report.findings[0].tensor == "x"


def test_the_target_is_single_again_afterwards() -> None:
    layer = single()
    w = layer.params["w"]
    gradcheck(layer, X)
    assert layer.params["w"] is w and w.dtype == np.float32 and X.dtype == np.float32
