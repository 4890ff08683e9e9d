from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minicnn.checking import CheckError
from minicnn.checking.userfile.finding import check_count, find_inputs, find_target

PATH = Path("hw.py")
SOURCE = """
import numpy as np

class Scale:
    def __init__(self, factor, shift=0):
        self.factor = 1 / factor
        self.shift = shift
    def forward(self, x): return self.factor * x
    def backward(self, dy): return self.factor * dy

class Plain:
    part = Scale(2.0)
    def forward(self, x, mode="train"): return x
    def backward(self, dy): return dy

ready = Scale(4.0)
def build(factor=8.0): return Scale(factor)
def loss(x, y): return 0.0, x
def affine_forward(x, w): return x, None
def affine_backward(dy, cache): return dy
def affine(x): return 0.0, x
def relu_forward(x): return x, None
def relu_backward(dy, cache): return dy
def conv_x(): pass
def conv_forward_naive(x): return x, None
def conv_backward_naive(dy, cache): return dy
def lonely_forward(x): return x, None
def fw(x): return x, None
def bw(dy, cache): return dy
pair = (fw, bw)
number = 3
def Scale_inputs(): return np.ones(3), 4
def Plain_inputs(): return np.ones(2)
loss_inputs = [1.0, 2]
def ready_inputs(): raise KeyError("no")
"""


@pytest.fixture(scope="module")
def module() -> ModuleType:
    found = ModuleType("hw")
    exec(compile(SOURCE, "hw.py", "exec"), vars(found))
    return found


def find(module: ModuleType, name: str, init: str | None = None) -> Any:
    return find_target(module, PATH, name, init)


def test_classes_are_made_with_init(module: ModuleType) -> None:
    made = find(module, "Scale", "[2, 5]")
    assert (made.factor, made.shift) == (0.5, 5)
    assert find(module, "Scale", '{"factor": 4}').factor == 0.25
    assert type(find(module, "Plain")).__name__ == "Plain"


def test_objects_functions_and_pairs_are_found(module: ModuleType) -> None:
    assert find(module, "ready") is module.ready
    assert find(module, "Plain.part") is module.Plain.part
    assert find(module, "build").factor == 0.125  # called: it needs no arguments
    assert find(module, "build", "[2]").factor == 0.5
    assert find(module, "loss") is module.loss  # not called: it takes inputs
    assert find(module, "pair") == (module.fw, module.bw)
    assert find(module, "fw, bw") == (module.fw, module.bw)
    relu = (module.relu_forward, module.relu_backward)
    for name in ("relu", "relu_forward", "relu_backward"):
        assert find(module, name) == relu
    naive = (module.conv_forward_naive, module.conv_backward_naive)
    for name in ("conv_forward_naive", "conv_backward_naive"):
        assert find(module, name) == naive
    assert find(module, "lonely_forward") is module.lonely_forward  # may return its gradient
    assert find(module, "affine") is module.affine  # what has exactly this name goes first
    assert find(module, "number") == 3  # gradcheck says what is wrong with that


@pytest.mark.parametrize(
    ("name", "init", "words"),
    [
        ("Scael", None, ["hw.py has no 'Scael'; did you mean Scale?", "Plain, ready"]),
        ("xyz", None, ["no 'xyz'; what can be checked there: Scale"]),
        ("Plain.prat", None, ["no 'Plain.prat'"]),
        ("lonely", None, ["has lonely_forward but no lonely_backward; both are needed"]),
        ("lone_backward_x", None, ["no 'lone_backward_x'", "what can be checked there: Scale"]),
        ("conv", None, ["no 'conv'; did you mean conv_forward_naive?"]),
        ("fw,pairr", None, ["no 'pairr'", "did you mean pair?"]),
        ("fw,", None, ["'fw,' is no pair"]),
        ("a,b,c", None, ["is no pair"]),
        ("", None, ["hw.py has no ''"]),
        ("Scale", None, ["missing a required argument: 'factor'", "(factor, shift=0)", "--init"]),
        ("Scale", '{"fcator": 1}', ["Scale cannot be made", "'factor'", "(factor, shift=0)"]),
        ("Scale", "[1, 2, 3]", ["too many positional arguments", "(factor, shift=0)"]),
        ("Scale", "[0]", ["Scale(...) raised ZeroDivisionError", "hw.py, line 6"]),
        ("Scale", "[1", ["--init '[1' is not JSON"]),
        ("Scale", "3", ["--init '3' is of type int", "a list of arguments or an object"]),
        ("ready", "[1]", ["ready is no class that could be made"]),
        ("relu", "[1]", ["relu is no class that could be made"]),
        ("fw,bw", "[1]", ["no class that could be made"]),
        ("build", "[0]", ["build(...) raised ZeroDivisionError"]),
    ],
)
def test_what_does_not_fit_is_said_in_three_parts(
    module: ModuleType, name: str, init: str | None, words: list[str]
) -> None:
    with pytest.raises(CheckError) as caught:
        find(module, name, init)
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).count(";") >= 1


def test_a_file_without_anything_says_what_could_be_there() -> None:
    with pytest.raises(CheckError, match="nothing in it has forward and backward; to be checked"):
        find(ModuleType("empty"), "Layer")


def test_the_file_may_bring_its_inputs(module: ModuleType) -> None:
    assert [np.size(value) for value in find_inputs(module, PATH, "Scale", None)] == [3, 1]
    (one,) = find_inputs(module, PATH, "Plain", None)
    assert one.shape == (2,)
    assert find_inputs(module, PATH, "loss", None) == [1.0, 2]
    with pytest.raises(CheckError, match=r"ready_inputs\(\) raised KeyError.*hw.py, line 35"):
        find_inputs(module, PATH, "ready", None)
    with pytest.raises(CheckError, match=r"neither build_inputs\(\) nor gradcheck_inputs\(\)"):
        find_inputs(module, PATH, "build", module.ready)
    with pytest.raises(CheckError, match="one for each of x, y, as in"):
        find_inputs(module, PATH, "other", module.loss)
    module.gradcheck_inputs = lambda: (7,)
    try:
        assert find_inputs(module, PATH, "build", None) == [7]
        assert len(find_inputs(module, PATH, "Scale", None)) == 2
    finally:
        del module.gradcheck_inputs


def test_the_number_of_inputs_must_fit_forward(module: ModuleType) -> None:
    check_count(module.Plain(), [1.0])
    check_count(module.Plain(), [1.0, "test"])
    check_count(module.pair, [1.0])
    check_count(np.add, [1, 2])  # nothing can be known about it
    with pytest.raises(CheckError, match=r"loss\(x, y\) cannot be called with 1 input \(an array"):
        check_count(module.loss, [np.ones(3)])
    with pytest.raises(CheckError, match=r"forward\(x, mode='train'\) .* with 3 inputs"):
        check_count(module.Plain(), [1.0, 2, 3])
