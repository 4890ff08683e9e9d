"""Of a model that fails, the part that is to blame."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from minicnn.checking import gradcheck
from minicnn.checking.locate import parts_of, record
from tests.checking.plain import Array, Linear, Net, ReLU, Tanh, changed, normal
from tests.checking.test_subject import prepared

X = normal(3, 4)


def doubled(base: type) -> Any:
    return changed(base, backward=lambda self, dy: 2 * base.backward(self, dy))


def no_bias(self: Any, dy: Array) -> Array:
    dx = Linear.backward(self, dy)
    self.grads["b"] = self.grads["b"] / len(dy)
    return dx


def test_parts_are_found_wherever_they_are_held() -> None:
    one, two, three, four = Linear(), Tanh(), ReLU(), Tanh()
    inner = SimpleNamespace(act=three, rng=np.random.default_rng(0), name="inner")
    net = SimpleNamespace(layers=[one, (two, inner)], by_name={"last": four})
    net.me, net.again = net, one
    found = dict(parts_of(net))
    assert found == {
        "again": one,
        "layers[1][0]": two,
        "layers[1][1].act": three,
        "by_name['last']": four,
    }


def test_a_model_without_parts_has_none() -> None:
    assert list(parts_of(Linear())) == []


def test_what_the_parts_receive_is_recorded_and_nothing_else_changes() -> None:
    linear, act = Linear(), Tanh()
    net = Net(linear, act, act)
    subject = prepared(net, X)
    once, counts = record(subject, list(parts_of(net)))
    assert counts == {"layers[0]": 1, "layers[1]": 2}
    assert once.keys() == {"layers[0]"} and np.array_equal(once["layers[0]"][0], X)
    assert "forward" not in vars(linear) and "forward" not in vars(act)
    assert not hasattr(linear, "x") and np.array_equal(net.forward(X), net.forward(X))


def test_a_model_that_fails_half_way_is_left_as_it_was() -> None:
    def raising(self: Any, x: Array) -> Array:
        raise ValueError("never")

    linear, broken = Linear(), changed(Tanh, forward=raising)
    net = Net(linear, broken)
    subject = prepared(Net(linear), X)
    subject.target = net
    assert record(subject, list(parts_of(net))) == ({}, {})
    assert "forward" not in vars(linear) and "forward" not in vars(broken)


def test_the_wrong_part_is_blamed_first() -> None:
    report = gradcheck(Net(Linear(), doubled(Tanh), Linear(3, 2)), X)
    first = report.findings[0]
    assert first.slug == "scale" and first.evidence["part"] == "layers[1]"
    assert first.evidence["tensor"] == "x" and first.tensor is None
    assert first.sentence.startswith("in layers[1] (WrongTanh): dx equals the true gradient")


def test_the_parameter_of_a_part_is_named() -> None:
    report = gradcheck(Net(Tanh(), changed(Linear, backward=no_bias)), X)
    first = report.findings[0]
    assert first.evidence["part"] == "layers[1]" and first.evidence["tensor"] == "b"


def test_the_innermost_part_is_blamed() -> None:
    block = Net(Linear(4, 4), Net(doubled(Tanh), ReLU()))
    report = gradcheck(Net(block, Linear(4, 2)), X)
    assert report.findings[0].evidence["part"] == "layers[0].layers[1].layers[0]"


class Sum(Net):
    """y = a(x) + b(x); backward may forget one."""

    forget = True

    def forward(self, x: Array) -> Array:
        return sum(layer.forward(x) for layer in self.layers)  # type: ignore[return-value]

    def backward(self, dy: Array) -> Array:
        back = [layer.backward(dy) for layer in self.layers]
        return back[0] if self.forget else back[0] + back[1]


def test_where_all_parts_are_right_the_model_is_to_blame() -> None:
    report = gradcheck(Sum(Linear(), Linear()), X)
    assert report.verdict == "FAIL"
    assert any("each of the 2 parts is right by itself" in note for note in report.notes)
    assert all("part" not in f.evidence for f in report.findings)
    right = changed(Sum, forget=False, __init__=lambda self: Net.__init__(self, Linear(), Tanh4()))
    assert gradcheck(right, X).ok and not gradcheck(right, X).notes


class Tanh4(Tanh):
    """The first three columns of tanh x."""

    def forward(self, x: Array) -> Array:
        return super().forward(x)[:, :3]

    def backward(self, dy: Array) -> Array:
        return super().backward(np.pad(dy, ((0, 0), (0, 1))))


def test_a_part_that_runs_twice_with_one_cache() -> None:
    act, linear = Tanh(), Linear(4, 4)
    report = gradcheck(Net(act, linear, act), X)
    assert report.diagnosis[0] == "stale-cache"
    assert report.findings[0].evidence["part"] == "layers[0]"
    assert "runs more than once" in report.findings[0].sentence


def test_a_layer_with_parameters_that_runs_twice() -> None:
    report = gradcheck(Net(*[Linear(4, 4)] * 2), X)
    assert report.diagnosis[0] == "missing-term"
    assert "the sum over all its uses" in report.findings[0].sentence


def test_a_right_model_blames_nobody() -> None:
    report = gradcheck(Net(Linear(), Tanh()), X)
    assert report.ok and report.findings == ()
