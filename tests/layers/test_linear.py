from __future__ import annotations

import numpy as np
import pytest

from minicnn import Linear
from minicnn.errors import ShapeError
from tests.torch_twin import assert_same_as_torch, torch


@pytest.mark.parametrize("shape", [(3, 4), (4,), (2, 3, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_equals_torch(shape: tuple[int, ...], bias: bool, backend: str) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    assert_same_as_torch(Linear(4, 5, bias), torch.nn.Linear(4, 5, bias), x)


def test_first_weights_lie_within_one_over_root_of_inputs() -> None:
    layer = Linear(400, 300, rng=np.random.default_rng(0))
    for array in layer.params.values():
        assert 0.045 < np.abs(array).max() <= 0.05


def test_images_are_sent_to_flatten() -> None:
    with pytest.raises(ShapeError, match="Flatten"):
        Linear(4, 2).forward(np.zeros((1, 1, 2, 2), np.float32))
