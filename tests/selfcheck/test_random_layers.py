from __future__ import annotations

import numpy as np
import pytest

from minicnn import layers, losses
from minicnn.selfcheck.random_layers import LOSS_NAMES, VOCABULARY, random_layer


def test_the_vocabulary_is_complete() -> None:
    assert set(VOCABULARY) == {*layers.__all__} - {"Layer"} | {"Sequential", "Residual"}
    kinds = {name for name, kind in vars(losses).items() if isinstance(kind, type)}
    assert set(LOSS_NAMES) == {name for name in kinds if name.endswith("Loss")} - {"Loss"}


@pytest.mark.parametrize("name", VOCABULARY)
def test_a_random_layer_takes_its_shape(name: str) -> None:
    rng = np.random.default_rng(0)
    drawn = [random_layer(name, (3, 4, 5, 6), rng) for _ in range(10)]
    assert any(drawn)
    for layer in filter(None, drawn):
        y = layer.forward(rng.normal(size=(3, 4, 5, 6)))
        assert y.shape == layer.output_shape((3, 4, 5, 6)) and y.dtype == np.float64
