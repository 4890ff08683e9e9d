from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from minicnn.checking.unchecked import unchecked_note


def layer(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(forward=abs, backward=abs, **attributes)


LINEAR = layer(params={"W": np.ones((2, 3))}, grads={})


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (layer(W=np.ones(3)), "W is in no dict"),
        (layer(params={}, W=np.ones(3), b=np.ones(1)), "W, b are in no dict"),
        (
            layer(layers=[LINEAR, layer(), layer(g=np.ones(1))]),
            "layers[0].params['W'], layers[2].g",
        ),
        (layer(parts={"a": LINEAR}), "parts['a'].params['W'] is"),
        (layer(net=layer(layers=(LINEAR,))), "net.layers[0].params['W'] is"),
    ],
)
def test_parameters_that_nobody_looks_at_are_named(target: Any, names: str) -> None:
    note = unchecked_note(target)
    assert note.startswith("only inputs were checked: ") and names in note
    assert "self.params" in note and "self.grads" in note


def test_parameters_that_are_no_arrays_of_floats_are_named() -> None:
    params = {"W": np.ones(3), "a": 2.0, "b": np.float64(1), "n": np.arange(3)}
    assert unchecked_note(layer(params=params)).startswith("not checked: params holds a, b, n, and")
    params = {"a": 2.0}
    assert "dtype=float) if it is one" in unchecked_note(layer(params=params))


def test_long_lists_are_cut() -> None:
    assert "w5, ... are" in unchecked_note(layer(**{f"w{i}": np.ones(1) for i in range(20)}))


class Raising:
    forward = backward = abs

    @property
    def params(self) -> Any:
        raise ValueError("no")


@pytest.mark.parametrize(
    "target",
    [
        LINEAR,
        layer(params={"W": np.ones(3), "a": np.array(2.0)}, mean=np.ones(3)),
        layer(p=0.5, axes=np.arange(3), name="a", none=None, empty=np.ones(0)),
        (abs, abs),
        abs,
        Raising(),
    ],
)
def test_nothing_is_said_where_nothing_is_passed_over(target: Any) -> None:
    assert unchecked_note(target) == ""


def test_an_object_that_holds_itself_is_walked_through_once() -> None:
    target = layer(W=np.ones(3))
    target.owner = target
    assert unchecked_note(target).startswith("only inputs were checked: W, owner.W")
