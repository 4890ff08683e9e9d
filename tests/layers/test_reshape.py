from __future__ import annotations

import numpy as np
import pytest

from minicnn import Flatten
from minicnn.errors import ShapeError
from tests.torch_twin import assert_same_as_torch, torch


@pytest.mark.parametrize("axes", [(1, -1), (0, -1), (2, 3), (1, 2)])
def test_flatten_equals_torch(axes: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    assert_same_as_torch(Flatten(*axes), torch.nn.Flatten(*axes), x)


def test_axes_that_are_not_there_are_refused() -> None:
    with pytest.raises(ShapeError, match="cannot join"):
        Flatten(1, 4).forward(np.zeros((2, 3)))
