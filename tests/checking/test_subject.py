from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from minicnn.checking.contents import flatten, promote
from minicnn.checking.errors import CheckError
from minicnn.checking.failures import TargetError
from minicnn.checking.subject import Subject, Variable, outputs_of
from minicnn.checking.targets import make_subject
from tests.checking.functions import AFFINE
from tests.checking.plain import Array, Dropout, Linear, Net, Tanh, changed, normal


def prepared(target: Any, *inputs: Any, wrt: Any = None) -> Subject:
    subject = make_subject(target, inputs, wrt)
    subject.prepare()
    return subject


@pytest.mark.parametrize(
    ("value", "scale"),
    [
        ([3.0, -3.0], 3.0),
        ([1.0, 7.0], 5.0),
        ([0.0, 0.0], 1.0),
        ([1e-200, 1e-200], 1e-200),
        ([1e200, 7e200], 5e200),
    ],
)
def test_the_scale_of_a_variable_is_its_root_mean_square(value: list[float], scale: float) -> None:
    array = np.array(value)
    assert Variable("x", "input", 0, array, array.dtype).scale == pytest.approx(scale)


def test_outputs_in_a_row_and_cotangents_for_each() -> None:
    def forward(x: Array) -> Any:
        return x.astype(np.float32), x.sum(), x[:1]

    call = prepared(SimpleNamespace(forward=forward, backward=lambda *dys: dys[0]), normal(2, 3))
    dys = call.cotangents(call.base_call, np.arange(10.0))
    assert call.base_call.shapes == [(2, 3), (), (1, 3)] and call.base_call.flat.shape == (10,)
    assert np.array_equal(dys[0], np.arange(6.0).reshape(2, 3)) and dys[0].dtype == np.float32
    assert dys[1] == 6.0 and isinstance(dys[1], float)
    assert np.array_equal(dys[2], [[7, 8, 9]]) and dys[2].dtype == np.float64


def test_a_cotangent_of_whole_numbers_is_of_floats() -> None:
    subject = prepared((lambda x: (np.rint(x).astype(int), None), lambda dy, c: dy), normal(3))
    (dy,) = subject.cotangents(subject.base_call, np.full(3, 0.5))
    assert dy.dtype == np.float64 and (dy == 0.5).all()


def test_each_forward_starts_from_the_same_state_and_is_counted() -> None:
    net = Net(Linear(), Dropout())
    subject = prepared(net, normal(3, 4))
    before = subject.evaluations
    one, two = subject.evaluate({}), subject.evaluate({})
    assert np.array_equal(one, two) and subject.evaluations == before + 2


def test_values_replace_inputs_and_parameters_for_one_call() -> None:
    layer = Linear()
    subject = prepared(layer, x := normal(3, 4))
    y = subject.evaluate({"w": np.zeros((4, 3)), "b": np.ones(3)})
    assert (y == 1).all()
    assert np.array_equal(
        subject.evaluate({}), (x @ normal(4, 3, seed=1) + normal(3, seed=2)).ravel()
    )
    assert np.array_equal(subject.evaluate({"x": 0 * x}).reshape(3, 3)[0], normal(3, seed=2))


def test_forward_gets_copies() -> None:
    def forward(x: Array) -> Array:
        x *= 0
        return x + 1

    x = normal(3)
    subject = prepared(SimpleNamespace(forward=forward, backward=lambda dy: dy), x)
    assert np.array_equal(x, normal(3)) and np.array_equal(subject.base[0], x)


@pytest.mark.parametrize(
    ("wrt", "names"),
    [
        (None, ["x", "w", "b"]),
        ("w", ["w"]),
        (0, ["x"]),
        (["b", 0], ["b", "x"]),
        (("b", "w"), ["b", "w"]),
    ],
)
def test_wrt(wrt: Any, names: list[str]) -> None:
    assert [v.name for v in prepared(Linear(), normal(3, 4), wrt=wrt).variables] == names


def test_a_parameter_with_the_name_of_an_input() -> None:
    class Scale(Tanh):
        def __init__(self) -> None:
            self.params = {"x": np.array(2.0), "half": np.ones(2, np.float32), "n": np.arange(3)}

    variables = prepared(Scale(), normal(3)).variables
    assert [v.name for v in variables] == ["x", "params['x']", "half"]
    assert [v.kind for v in variables] == ["input", "parameter", "parameter"]
    assert [v.given for v in variables] == [np.float64, np.float64, np.float32]
    assert all(v.value.dtype == np.float64 for v in variables)


def test_lists_of_floats_become_arrays_and_nothing_else_does() -> None:
    subject = make_subject(AFFINE, ([[1.0, 2.0]], [1, 2], [[1.0], [1.0, 2.0]]), None)
    assert isinstance(subject.inputs[0], np.ndarray) and subject.float_inputs == [0]
    assert subject.inputs[1:] == [[1, 2], [[1.0], [1.0, 2.0]]]


@pytest.mark.parametrize(
    ("target", "inputs", "words"),
    [
        (Tanh(), (np.ones(2, np.float16),), "input 0 is float16.*pass float64"),
        (Tanh(), (np.ones(2, complex),), "complex128.*as two arrays"),
        (changed(Tanh, params={"w": np.ones(2, np.float16)}), (normal(2),), r"params\['w'\].*16"),
        (Tanh(), (np.zeros((0, 2)),), "x of Tanh holds no numbers"),
        (Tanh(), (np.arange(3),), "nothing to differentiate"),
    ],
)
def test_what_cannot_be_prepared(target: Any, inputs: Any, words: str) -> None:
    with pytest.raises(CheckError, match=words):
        prepared(target, *inputs)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([[1.0]], "returned a list of 1; the output must be a NumPy array"),
        (np.array(["a"]), "returned <U1 numbers; expected real ones"),
        (np.ones(2, complex), "complex128"),
        (np.ones(2, bool), "bool"),
        (np.ma.masked_array([1.0]), "an array of shape"),
        ("y", "a str"),
    ],
)
def test_what_forward_may_not_return(raw: Any, words: str) -> None:
    with pytest.raises(TargetError, match=re.escape(words)) as caught:
        prepared((lambda x: (raw if not isinstance(raw, list) else [raw], None), print), normal(2))
    assert caught.value.evidence["phase"] == "forward"


@pytest.mark.parametrize("phase", ["forward", "backward"])
def test_what_a_target_raises_is_told_with_its_place(phase: str) -> None:
    def raising(self: Any, _: Any) -> Any:
        raise KeyError("no such\n thing")

    subject = make_subject(changed(Tanh, **{phase: raising}), (normal(2),))
    with pytest.raises(TargetError, match=f"{phase} raised KeyError: 'no such") as caught:
        subject.prepare()
        subject.backward(subject.base_call, (normal(2),))
    evidence = caught.value.evidence
    assert evidence["phase"] == phase and evidence["exception"] == "KeyError"
    assert re.fullmatch(r"test_subject.py, line \d+", evidence["where"])


def test_flatten_names_by_path() -> None:
    w, b = np.ones(2), np.zeros(1)
    nested = {"w": w, "deep": [{"b": b}, None], "lr": 0.1, "n": 3}
    assert list(flatten(nested)) == ["w", "deep.0.b"]
    assert list(flatten(nested, numbers=True)) == ["w", "deep.0.b", "lr"]
    assert flatten(nested)["deep.0.b"] is b and flatten(None) == {} and flatten(w) == {}


def test_promote_keeps_shared_arrays_shared() -> None:
    w = np.ones(2, np.float32)
    thing = SimpleNamespace(params={"w": w}, layers=[w, np.ones(2)], kept=w, n=np.arange(2))
    promote(thing)
    assert thing.params["w"].dtype == np.float64 and thing.n.dtype == np.arange(2).dtype
    assert thing.params["w"] is thing.layers[0] is thing.kept


def test_promote_asks_the_target() -> None:
    asked: list[Any] = []
    promote(SimpleNamespace(astype=asked.append, w=np.ones(2, np.float32)))
    assert asked == [np.float64]


def test_what_cannot_be_promoted_stays_in_single_precision() -> None:
    class Stubborn(Linear):
        def astype(self, dtype: Any) -> None:
            self.params["w"] = self.params["w"].astype(dtype)
            raise RuntimeError("not me")

    layer = Stubborn(dtype=np.float32)
    subject = prepared(layer, normal(3, 4).astype(np.float32))
    assert layer.params["w"].dtype == np.float32 and subject.base[0].dtype == np.float32
    assert subject.base_call.outputs[0].dtype == np.float32


def test_one_output_or_several() -> None:
    y = np.ones(2)
    assert len(outputs_of(y)) == 1 and outputs_of(y)[0] is y
    assert outputs_of([y, 1.0]) == (y, 1.0) and outputs_of((y,))[0] is y
