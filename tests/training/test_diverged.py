from __future__ import annotations

import numpy as np
import pytest

from minicnn.errors import ShapeError
from minicnn.layers import Conv2d, Linear, ReLU
from minicnn.model import Residual, Sequential
from minicnn.training.diverged import find_culprit

X = np.random.default_rng(0).normal(size=(5, 1, 8, 8)).astype(np.float32)


def test_a_healthy_model_has_no_culprit_and_is_left_as_it_was(make_model):
    model = make_model()
    assert find_culprit(model, X) is None
    assert all("forward" not in vars(layer) for layer in model.modules())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_bad_parameter_is_named(make_model, value):
    model = make_model()
    model.params["7.bias"][1] = value
    model.params["1.weight"][2] = value
    assert (
        str(find_culprit(model, X))
        == f"layer 1 (BatchNorm2d): its parameter 'weight' holds {value}"
    )


def test_a_bad_buffer_is_named(make_model):
    model = make_model().eval()
    model.buffers["1.running_var"][0] = np.nan
    assert "1 (BatchNorm2d): its buffer 'running_var'" in str(find_culprit(model, X))


def test_an_output_that_overflows_is_named():
    model = Sequential(Linear(4, 4), ReLU(), Linear(4, 2))
    model.params["0.weight"][:] = 1e30
    model.params["2.weight"][:] = 1e30
    culprit = find_culprit(model, np.ones((2, 4), np.float32))
    assert culprit.layer == "2 (Linear)"
    assert culprit.what == "its output"
    assert culprit.value == np.inf


def test_a_layer_inside_a_block_is_named_by_its_path():
    block = Residual(Sequential(ReLU(), Conv2d(1, 1, 3, padding=1)))
    model = Sequential(Conv2d(1, 1, 1), block)
    model.params["1.main.1.weight"][0, 0, 0, 0] = np.nan
    assert find_culprit(model, X).layer == "1.main.1 (Conv2d)"


def test_the_model_is_mended_even_if_the_forward_pass_fails(make_model):
    model = make_model()
    with pytest.raises(ShapeError):
        find_culprit(model, X[:, :, :4])
    assert all("forward" not in vars(layer) for layer in model.modules())
