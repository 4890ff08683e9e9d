from __future__ import annotations

import numpy as np
import pytest

import minicnn as m
from minicnn.layers import Layer
from minicnn.losses import Loss
from minicnn.selfcheck.random_layers import LOSS_NAMES, VOCABULARY, random_layer, random_loss
from minicnn.selfcheck.subjects import LAYERS, LOSSES
from minicnn.selfcheck.torch_twin import (
    differences_from_torch,
    load_into_torch,
    torch_loss,
    torch_twin,
)

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
RNG = np.random.default_rng


@pytest.mark.parametrize("name", VOCABULARY)
def test_random_layers_equal_their_twins(name: str) -> None:
    rng = RNG(1)
    for i in range(12):
        shape = (3, 4, 5, 4) if i % 2 else (2, 6, 3, 5)
        layer = random_layer(name, shape, rng)
        if layer is None:
            continue
        if i % 3 == 0:
            layer.eval()
        found = differences_from_torch(layer, rng.normal(size=shape))
        assert max(found.values()) < 1e-9, (layer, found)
        assert {"y", "dx"} <= found.keys() and len(found) >= 2 + len(layer.params)


@pytest.mark.parametrize("name", LAYERS)
def test_the_library_s_subjects_equal_their_twins(name: str) -> None:
    case = LAYERS[name]
    layer = case.make().astype(np.float64)
    assert max(differences_from_torch(layer, case.draw(RNG(0))).values()) < 1e-9


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_random_losses_equal_their_twins(name: str) -> None:
    rng = RNG(2)
    for _ in range(10):
        x = rng.normal(size=(4, 3))
        drawn = random_loss(name, (4, 3), rng)
        assert drawn is not None
        found = differences_from_torch(m.Sequential(), x, *drawn)
        assert max(found.values()) < 1e-9, (drawn[0], found)
        assert "loss" in found


@pytest.mark.parametrize("name", LOSSES)
def test_the_library_s_losses_equal_their_twins(name: str) -> None:
    case = LOSSES[name]
    scores = torch.tensor(case.scores, requires_grad=True)
    loss = case.make()
    value = torch_loss(loss, scores, case.target)
    value.backward()
    assert loss.forward(case.scores, case.target) == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(loss.backward(), scores.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_running_statistics_are_compared() -> None:
    layer = m.BatchNorm2d(2, dtype=np.float64)
    x = RNG(0).normal(size=(3, 2, 2, 2))
    assert differences_from_torch(layer, x)["buffers['running_var']"] < 1e-12
    layer._follow = lambda *_: None  # type: ignore[method-assign]
    assert differences_from_torch(layer, x)["buffers['running_var']"] > 1e-3


def test_a_wrong_gradient_shows() -> None:
    class Wrong(m.Linear):
        def backward(self, dy):
            return super().backward(dy * (1 + 1e-7))

    layer = Wrong(3, 2, dtype=np.float64, rng=RNG(0))
    twin = torch.nn.Linear(3, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minicnn.selfcheck.torch_twin._module", lambda _: twin)
        found = differences_from_torch(layer, RNG(0).normal(size=(4, 3)))
    assert found["y"] < 1e-12 and found["dx"] > 1e-9 and found["grads['weight']"] > 1e-9


def test_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has \['bias'\] besides"):
        load_into_torch(torch.nn.Linear(3, 2), m.Linear(3, 2, bias=False))


def test_what_has_no_twin_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no twin"):
        torch_loss(Loss(), torch.zeros(1), np.zeros(1))
    with pytest.raises(AttributeError, match="Strange"):
        torch_twin(type("Strange", (Layer,), {})())
