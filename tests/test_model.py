from __future__ import annotations

import numpy as np
import pytest

import minicnn as m
from minicnn.errors import ArgumentError, ShapeError
from tests.torch_twin import assert_same_as_torch, torch

RNG = np.random.default_rng


def block() -> m.Sequential:
    return m.Sequential(
        m.Conv2d(1, 4, 3, padding=1, rng=RNG(0)),
        m.BatchNorm2d(4),
        m.ReLU(),
        m.Residual(
            m.Sequential(m.Conv2d(4, 6, 3, 2, 1, rng=RNG(1)), m.ReLU()),
            m.Conv2d(4, 6, 1, 2, rng=RNG(2)),
        ),
        m.GlobalAvgPool2d(),
        m.Linear(6, 2, rng=RNG(3)),
    )


class TorchResidual(torch.nn.Module):
    def __init__(self, main: object, shortcut: object) -> None:
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class TorchGlobalAverage(torch.nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3))


def test_a_model_equals_its_torch_twin_under_the_same_names(backend: str) -> None:
    nn = torch.nn
    twin = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        TorchResidual(nn.Sequential(nn.Conv2d(4, 6, 3, 2, 1), nn.ReLU()), nn.Conv2d(4, 6, 1, 2)),
        TorchGlobalAverage(),
        nn.Linear(6, 2),
    )
    model = block()
    assert {"1.running_mean", "3.main.0.weight", "3.shortcut.bias"} <= model.state_dict().keys()
    assert_same_as_torch(model, twin, RNG(4).normal(size=(3, 1, 7, 6)))


def test_params_and_grads_are_live_and_keep_their_arrays() -> None:
    model = block()
    weight, grad = model.params["3.main.0.weight"], model.grads["3.main.0.weight"]
    weight[...] = 0
    assert not model[3].main[0].params["weight"].any()
    model.backward(np.ones_like(model.forward(np.ones((2, 1, 6, 6), np.float32))))
    assert model.grads["3.main.0.weight"] is grad
    assert model.params.keys() == model.grads.keys()


def test_mode_and_dtype_reach_every_layer() -> None:
    model = block()
    assert all(layer.training for layer in model.modules())
    assert model.eval() is model
    assert not any(layer.training for layer in model.modules())
    assert model.train() is model and model.astype(np.float64) is model
    assert {a.dtype for a in (*model.params.values(), *model.buffers.values())} == {
        np.dtype(np.float64)
    }
    with pytest.raises(TypeError, match="float16"):
        model.astype(np.float16)


def test_state_dict_copies_both_ways_and_ignores_the_batch_count() -> None:
    model, other = block(), block()
    state = model.state_dict()
    state["0.weight"] += 1
    assert not np.array_equal(state["0.weight"], model.params["0.weight"])
    array = other.params["0.weight"]
    other.load_state_dict(state | {"1.num_batches_tracked": np.array(3)})
    assert other.params["0.weight"] is array
    np.testing.assert_array_equal(array, state["0.weight"])


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    model = block()
    before = model.state_dict()
    state = {name: a + 1 for name, a in before.items()}
    with pytest.raises(ArgumentError, match=r"missing \['0.bias'\], unknown \['0.bios'\]"):
        model.load_state_dict({("0.bios" if k == "0.bias" else k): v for k, v in state.items()})
    with pytest.raises(ShapeError, match=r"5.bias has shape \(3,\) in the state but \(2,\) here"):
        model.load_state_dict(state | {"5.bias": np.zeros(3)})
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_slices_share_their_layers() -> None:
    model = block()
    assert len(model) == 6 and model[-1] is list(model)[5]
    assert model[:2][0] is model[0]


def test_summary_adds_up() -> None:
    summary = block().summary((2, 1, 8, 8))
    assert summary.parameters == 40 + 8 + 222 + 30 + 14
    assert summary.multiply_adds == 2 * (64 * 4 * 9 + 16 * 6 * 36 + 16 * 6 * 4 + 6 * 2)
    assert summary.parameters == sum(row.parameters for row in summary.rows)
    assert summary.multiply_adds == sum(row.multiply_adds for row in summary.rows)
    assert [row.path for row in summary.rows][3:6] == ["3.main.0", "3.main.1", "3.shortcut"]
    assert summary.rows[-1].output_shape == (2, 2)
    assert "3.shortcut" in str(summary) and "(2, 6, 4, 4)" in str(summary)


def test_shape_errors_name_the_layer() -> None:
    model = m.Sequential(m.Conv2d(1, 2, 3), m.Flatten(), m.Linear(10, 2))
    with pytest.raises(ShapeError, match="layer 2, Linear"):
        model.summary((1, 1, 8, 8))
    with pytest.raises(ShapeError, match="main gives .* the shortcut"):
        m.Residual(m.Conv2d(1, 2, 1)).forward(np.zeros((1, 1, 4, 4), np.float32))


def test_only_layers_can_be_members() -> None:
    with pytest.raises(ArgumentError, match="layer 1 is <class"):
        m.Sequential(m.ReLU(), m.ReLU)
    with pytest.raises(ArgumentError, match="main is None"):
        m.Residual(None)


def test_repr_reads_like_the_call() -> None:
    text = repr(m.Sequential(m.Conv2d(1, 2, 3), m.Sequential(m.Dropout(0.1))))
    assert text == (
        "Sequential(\n  (0): Conv2d(1, 2, (3, 3))\n"
        "  (1): Sequential(\n    (0): Dropout(p=0.1)\n  )\n)"
    )


def test_a_layer_stands_in_one_place_only() -> None:
    relu = m.ReLU()
    with pytest.raises(ArgumentError, match="the same ReLU object stands in two places"):
        m.Sequential(m.Linear(2, 2), relu, m.Linear(2, 2), relu)
    with pytest.raises(ArgumentError, match="two places"):
        m.Residual(m.Sequential(relu), m.Sequential(relu))


def test_every_layer_has_a_summary() -> None:
    residual = m.Residual(m.Conv2d(2, 2, 3, padding=1))
    assert residual.summary((1, 2, 4, 4)).parameters == 38
    assert m.Linear(3, 2).summary((5, 3)).multiply_adds == 30


def test_astype_keeps_arrays_that_have_the_dtype() -> None:
    model = block()
    weight = model.params["0.weight"]
    assert model.astype(np.float32).params["0.weight"] is weight


def test_a_state_that_is_not_of_numbers_changes_nothing() -> None:
    model = block()
    before = model.state_dict()
    state = {name: a + 1 for name, a in before.items()}
    with pytest.raises(TypeError, match="5.bias is complex128 in the state"):
        model.load_state_dict(state | {"5.bias": np.ones(2, complex)})
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
