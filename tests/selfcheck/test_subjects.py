from __future__ import annotations

import numpy as np
import pytest

from minicnn import layers, losses, penalties, zoo
from minicnn.layers import Layer
from minicnn.losses import Loss
from minicnn.penalties import ElasticNet
from minicnn.selfcheck.subjects import LAYERS, LOSSES, MODELS, PENALTIES


def exported(module: object, base: type) -> set[str]:
    """Name the public subclasses of ``base`` that are defined in a module."""
    kinds = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
    return {
        name
        for name, kind in kinds.items()
        if issubclass(kind, base) and kind is not base and not name.startswith("_")
    }


def listed(cases: dict) -> set[str]:
    return {name.partition("-")[0] for name in cases}


def test_every_layer_is_listed() -> None:
    names = {name for name in layers.__all__ if name != "Layer"}
    assert names >= exported(layers, Layer)
    assert names | {"Sequential", "Residual"} == listed(LAYERS)


def test_every_loss_penalty_and_model_is_listed() -> None:
    assert exported(losses, Loss) == listed(LOSSES)
    assert exported(penalties, ElasticNet) | {"ElasticNet"} == listed(PENALTIES)
    assert set(zoo.MODELS) == set(MODELS)


def test_a_layer_that_is_not_listed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "Unlisted", type("Unlisted", (Layer,), {}), raising=False)
    with pytest.raises(AssertionError):
        test_every_layer_is_listed()


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_alike_each_time_and_fits_its_shape(name: str) -> None:
    case = LAYERS[name]
    one, other = case.make(), case.make()
    for key, array in one.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[key])
    x = case.draw(np.random.default_rng(0)).astype(np.float32)
    assert one.forward(x).shape == one.output_shape(case.shape)


def test_ties_tie() -> None:
    x = LAYERS["ReLU-ties"].draw(np.random.default_rng(0))
    assert (x == 0).any() and (x > 0).any() and (x < 0).any()
