from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from minicnn import functional as F
from minicnn.errors import ShapeError

X = np.ones((2, 4, 4, 4))
ONES = np.ones(4)
FEW = np.ones(3)

# Compiled code does not check its indices: what is too small must never get there.
TOO_SMALL: dict[str, Callable[[], object]] = {
    "argmax": lambda: F.max_pool2d_backward(
        X[..., :2, :2], np.zeros((2, 4, 1, 1), int), X.shape, 2
    ),
    "mean": lambda: F.batch_norm_backward(X, X, ONES, FEW, ONES),
    "var": lambda: F.batch_norm_backward(X, X, ONES, ONES, FEW),
    "weight": lambda: F.batch_norm_backward(X, X, FEW, ONES, ONES),
    "mean, inference": lambda: F.batch_norm_inference(X, ONES, ONES, FEW, ONES),
    "var, inference": lambda: F.batch_norm_inference_backward(X, X, ONES, ONES, FEW),
    "mean, layers": lambda: F.layer_norm_backward(X, X, ONES, FEW, FEW),
    "x, layers": lambda: F.layer_norm_backward(X, X, FEW, X[..., 0], X[..., 0]),
    "mean, groups": lambda: F.group_norm_backward(X, X, 2, ONES, np.ones((2, 1)), np.ones((2, 2))),
    "x, linear": lambda: F.linear_backward(X[0, 0], X[0, 0, :, :2], np.ones((4, 4))),
}


@pytest.mark.parametrize("argument", TOO_SMALL)
def test_arrays_that_are_too_small_are_refused(argument: str) -> None:
    with pytest.raises(ShapeError, match=f"{argument.partition(',')[0]} has shape"):
        TOO_SMALL[argument]()


def test_statistics_of_the_right_shape_pass() -> None:
    y: NDArray
    y, mean, var = F.group_norm(X, 2, ONES, ONES)
    assert F.group_norm_backward(y, X, 2, ONES, mean, var)[0].shape == X.shape
