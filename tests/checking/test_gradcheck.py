from __future__ import annotations

import json
import random
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minicnn as m
from minicnn.checking import CheckError, gradcheck
from tests.checking.plain import Array, Dropout, Linear, Net, ReLU, Tanh, changed, normal


def affine(x: Array, w: Array, b: Array) -> tuple[Array, Any]:
    return x @ w + b, (x, w)


def affine_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def softmax_loss(w: Array, x: Array, y: Array, reg: float) -> tuple[float, Array]:
    scores = x @ w
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, y]).mean() + reg * (w**2).sum()
    p[rows, y] -= 1
    return loss, x.T @ p / len(x) + 2 * reg * w


class Mul:
    def forward(self, a: Array, b: Array) -> Array:
        self.kept = a, b
        return a * b

    def backward(self, dy: Array) -> tuple[Array, Array]:
        a, b = self.kept
        return dy * b, dy * a


class Embedding:
    def __init__(self) -> None:
        self.params = {"w": normal(5, 3)}
        self.grads: dict[str, Array] = {}

    def forward(self, words: Array) -> Array:
        self.words = words
        return self.params["w"][words]

    def backward(self, dy: Array) -> None:
        self.grads["w"] = np.zeros_like(self.params["w"])
        np.add.at(self.grads["w"], self.words, dy)


class Lazy(Linear):
    def __init__(self) -> None:
        self.params, self.grads = {}, {}
        self.rng = np.random.default_rng(0)

    def forward(self, x: Array) -> Array:
        if not self.params:
            self.params = {"w": self.rng.normal(size=(x.shape[1], 2)), "b": np.zeros(2)}
        return super().forward(x)


class Properties(Tanh):
    """Params and grads made anew at each look; the arrays in them are live."""

    def __init__(self) -> None:
        self.a, self.da = normal(4), np.zeros(4)

    params = property(lambda self: {"a": self.a})
    grads = property(lambda self: {"a": self.da})

    def forward(self, x: Array) -> Array:
        self.x = x
        return super().forward(x * self.a)

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        self.da = (dx * self.x).sum(axis=0)
        return dx * self.a


WORDS = np.array([[0, 1, 1], [4, 2, 0]])
LABELS = np.array([0, 2, 1])
RIGHT: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "layer": (Linear(), (normal(3, 4),)),
    "float32 layer": (Linear(dtype=np.float32), (normal(3, 4).astype(np.float32),)),
    "float32 layer, float64 input": (Linear(dtype=np.float32), (normal(3, 4),)),
    "library layer": (m.Conv2d(2, 3, 3, stride=2, padding=1), (normal(2, 2, 5, 4),)),
    "model": (Net(Linear(), Tanh(), Linear(3, 2)), (normal(3, 4),)),
    "with a generator": (Net(Linear(), Dropout(), Linear(3, 2)), (normal(3, 4),)),
    "two inputs": (Mul(), (normal(3, 4), normal(3, 4, seed=5))),
    "one array twice": (Mul(), (X := normal(3, 4), X)),
    "integers": (Embedding(), (WORDS,)),
    "lazy": (Lazy(), (normal(3, 4),)),
    "properties": (Properties(), (normal(3, 4),)),
    "pair": ((affine, affine_backward), (normal(3, 4), normal(4, 2), normal(2))),
    "function": (softmax_loss, (normal(4, 3), normal(3, 4), LABELS, 0.1)),
    "loss": (m.CrossEntropyLoss(), (normal(3, 4), LABELS)),
    "loss of floats": (m.MSELoss(), (normal(3, 4), normal(3, 4, seed=3))),
    "not contiguous": (Linear(), (normal(4, 3).T,)),
    "read-only": (Linear(), (np.broadcast_to(normal(4), (3, 4)),)),
    "batch norm": (m.BatchNorm2d(2), (normal(3, 2, 2, 2),)),
    "batch norm in evaluation": (m.BatchNorm2d(2).eval(), (normal(3, 2, 2, 2),)),
    "no parameters, one number": (Tanh(), (np.array(0.3),)),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("seed", [0, 1])
def test_right_code_passes(name: str, seed: int) -> None:
    target, inputs = RIGHT[name]
    report = gradcheck(target, *inputs, seed=seed)
    assert report.verdict == "PASS", report
    assert report.ok and report.diagnosis == [] and report.seed == seed
    assert {t.verdict for t in report.tensors} == {"PASS"} and report.evaluations > 10


def test_inputs_and_parameters_are_named() -> None:
    report = gradcheck(*[RIGHT["pair"][0]], *RIGHT["pair"][1])
    assert [t.name for t in report.tensors] == ["x", "w", "b"]
    assert [t.name for t in gradcheck(Linear(), normal(3, 4)).tensors] == ["x", "w", "b"]
    names = [t.name for t in gradcheck(Net(Linear(), Tanh()), normal(3, 4)).tensors]
    assert names == ["x", "0.w", "0.b"]


def test_a_loss_is_differentiated_by_its_scores_alone() -> None:
    report = gradcheck(m.MSELoss(), normal(3, 4), normal(3, 4, seed=3))
    assert [t.name for t in report.tensors] == ["scores"]


def test_wrt_chooses() -> None:
    assert [t.name for t in gradcheck(Linear(), normal(3, 4), wrt="b").tensors] == ["b"]
    assert [t.name for t in gradcheck(Linear(), normal(3, 4), wrt=[0, "w"]).tensors] == ["x", "w"]
    with pytest.raises(CheckError, match="names 'v'.*choose from 'x', 'w', 'b'"):
        gradcheck(Linear(), normal(3, 4), wrt="v")


def test_the_same_seed_gives_the_same_report() -> None:
    wrong = changed(Linear, backward=lambda self, dy: Linear.backward(self, dy) * 1.001)
    one, two = (gradcheck(wrong, normal(3, 4), seed=3) for _ in range(2))
    assert one.tensors == two.tensors and one.findings == two.findings
    assert one.evaluations == two.evaluations


def test_the_target_is_left_as_it_was() -> None:
    net = Net(Linear(dtype=np.float32), Dropout())
    x = normal(3, 4).astype(np.float32)
    weights, state = net.layers[0].params["w"], net.layers[1].rng.bit_generator.state
    kept, given = weights.copy(), x.copy()
    shared = np.random.get_state()[1][:4].copy(), random.getstate()  # noqa: NPY002
    gradcheck(net, x)
    assert net.layers[0].params["w"] is weights and np.array_equal(weights, kept)
    assert weights.dtype == np.float32 and net.layers[0].grads == {}
    assert net.layers[1].rng.bit_generator.state == state and np.array_equal(x, given)
    assert np.array_equal(np.random.get_state()[1][:4], shared[0])  # noqa: NPY002
    assert random.getstate() == shared[1]
    assert not hasattr(net.layers[0], "x")


def test_dict_constants_are_put_back() -> None:
    def forward(x: Array, state: dict[str, Any]) -> tuple[Array, float]:
        state["mean"] = 0.9 * state.get("mean", 0) + x.mean()
        return x * state["k"], state["k"]

    state = {"k": 3.0}
    assert gradcheck((forward, lambda dy, k: dy * k), normal(3, 4), state).verdict == "PASS"
    assert state == {"k": 3.0}


def test_what_the_target_prints_becomes_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    def forward(self: Any, x: Array) -> Array:
        print("shape", x.shape)
        return Tanh.forward(self, x)

    report = gradcheck(changed(Tanh, forward=forward), normal(3, 4))
    assert report.ok and "shape (3, 4)" in report.notes[0]
    assert capsys.readouterr().out == ""


CANNOT: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "class": (Linear, (normal(3, 4),), "the class Linear itself.*pass an instance"),
    "nothing": (object(), (normal(3),), "expected an object with forward and backward"),
    "no backward": (
        SimpleNamespace(forward=lambda x: x),
        (normal(3),),
        r"has no backward.*forward\(x\) and backward\(dy\)",
    ),
    "no floats": (Tanh(), (np.arange(3),), "nothing to differentiate.*array of floats"),
    "float16": (Tanh(), (normal(3).astype(np.float16),), "float16.*pass float64"),
    "complex": (Tanh(), (normal(3) * 1j,), "complex128.*as two arrays"),
    "empty": (Tanh(), (np.zeros((0, 3)),), "holds no numbers.*at least one"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_checked_is_said(name: str) -> None:
    target, inputs, words = CANNOT[name]
    with pytest.raises(CheckError, match=words):
        gradcheck(target, *inputs)


def raising(*_: Any) -> Any:
    raise ValueError("no such shape")


def leaving(*_: Any) -> Any:
    raise SystemExit(3)


FAILING: dict[str, tuple[Any, str, str]] = {
    "forward raises": (changed(Tanh, forward=raising), "error", "forward raised ValueError: no"),
    "backward raises": (changed(Tanh, backward=raising), "error", "backward raised ValueError"),
    "forward leaves": (changed(Tanh, forward=leaving), "error", "forward raised SystemExit"),
    "NaN": (changed(Tanh, forward=lambda self, x: x * np.nan), "error", "NaN or infinite"),
    "NaN gradient": (changed(Tanh, backward=lambda self, dy: dy * np.nan), "error", "NaN"),
    "a list": (changed(Tanh, forward=lambda self, x: x.tolist()), "error", "returned a list"),
    "None": (changed(Tanh, backward=lambda self, dy: None), "shape", "dx is missing"),
    "misshapen": (changed(Tanh, backward=lambda self, dy: dy[:1]), "shape", r"shape \(1, 4\)"),
    "whole numbers": (
        changed(Tanh, backward=lambda self, dy: np.zeros(dy.shape, int)),
        "dtype",
        "whole numbers cannot",
    ),
    "text": (changed(Tanh, backward=lambda self, dy: "dx"), "dtype", "instead of real numbers"),
}


@pytest.mark.parametrize("name", FAILING)
def test_what_the_target_does_wrong_is_a_report_and_no_exception(name: str) -> None:
    target, slug, words = FAILING[name]
    report = gradcheck(target, normal(3, 4))
    assert report.verdict == "FAIL" and report.diagnosis[0] == slug and not report.ok
    sentences = " ".join(f.sentence for f in report.findings)
    assert re.search(words, sentences), sentences
    json.loads(report.to_json())


def test_an_exception_is_shown_with_its_place() -> None:
    report = gradcheck(changed(Tanh, forward=raising), normal(3, 4))
    assert "test_gradcheck.py, line" in report.findings[0].sentence
    assert report.findings[0].evidence["phase"] == "forward"


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0, -0.1, 1.1, 2.0])
def test_relu_at_zero_may_have_any_slope_between_its_two(at_zero: float) -> None:
    x = normal(3, 4)
    x[0, 1] = x[2, 0] = 0
    report = gradcheck(ReLU(at_zero), x)
    assert report.ok == (0 <= at_zero <= 1)
    assert report.ok or report.diagnosis == ["subgradient"]
    assert at_zero or report.verdict == "PASS_AT_KINK"


def test_a_small_mistake_in_a_small_gradient_is_seen() -> None:
    tiny = SimpleNamespace(forward=lambda x: 1e-9 * x, backward=lambda dy: 1.001e-9 * dy)
    report = gradcheck(tiny, normal(3, 4))
    assert report.diagnosis == ["scale"]
    assert report.tensors[0].worst_index is not None


def test_the_global_generator_is_a_failure_even_when_it_is_seeded() -> None:
    def forward(x: Array) -> Array:
        np.random.seed(0)  # noqa: NPY002
        return x * np.random.rand(*x.shape)  # noqa: NPY002

    report = gradcheck(SimpleNamespace(forward=forward, backward=lambda dy: dy), normal(3, 4))
    assert report.diagnosis[0] == "nondeterministic"


def test_it_can_be_called_from_the_top_of_the_library() -> None:
    assert m.gradcheck is gradcheck and m.gradcheck(m.ReLU(), normal(3, 4)).ok


@pytest.mark.parametrize("slope", [-1e-3, -1e-6])
def test_what_rounding_hides_is_not_called_right(slope: float) -> None:
    offset = 1e12 if slope == -1e-3 else 1e9
    target = SimpleNamespace(forward=lambda x: offset + 1e-6 * x, backward=lambda dy: slope * dy)
    assert not gradcheck(target, normal(5, 4)).ok


def test_weights_that_nobody_checks_are_named() -> None:
    layer = Tanh()
    layer.W = normal(4, 3)  # type: ignore[attr-defined]
    assert "W is in no dict `params`" in gradcheck(layer, normal(3, 4)).notes[0]


def test_an_empty_output_is_an_error() -> None:
    assert gradcheck(changed(Tanh, forward=lambda self, x: x[:0]), normal(3, 4)).diagnosis == [
        "error"
    ]


@pytest.mark.parametrize("seed", ["a", -1, 1.5, True])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(CheckError, match="seed is .*give 0, 1, 2"):
        gradcheck(Tanh(), normal(3), seed=seed)


def test_a_name_given_twice_counts_once() -> None:
    assert [t.name for t in gradcheck(Linear(), normal(3, 4), wrt=["b", "b"]).tensors] == ["b"]


def test_a_misspelt_gradient_is_shown() -> None:
    def backward(self: Any, dy: Array) -> Array:
        dx = Linear.backward(self, dy)
        self.grads["db"] = self.grads.pop("b")
        return dx

    report = gradcheck(changed(Linear, backward=backward), normal(3, 4))
    assert report.diagnosis == ["shape"] and "grads holds 'w', 'db'" in report.findings[0].sentence


def test_an_infinite_gradient_after_a_second_forward_is_seen() -> None:
    def forward(self: Any, x: Array) -> Array:
        self.count = getattr(self, "count", 0) + 1
        return Tanh.forward(self, x)

    def backward(self: Any, dy: Array) -> Array:
        return Tanh.backward(self, dy) * (np.inf if self.count > 1 else 1)

    wrong = changed(Tanh, forward=forward, backward=backward)
    assert gradcheck(wrong, normal(3, 4)).verdict == "FAIL"
