from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.backends.loops import dropout as loops
from tests.backends.spellings import (
    DTYPES,
    assert_close,
    assert_same,
    call,
    examples,
    import_torch,
    spellings,
    strided,
    tensors,
)

Shape = tuple[int, ...]
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize("dropout", spellings("dropout", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(40)
@given(shape=SHAPES, p=st.sampled_from([0.0, 0.1, 0.5, 0.97, 1.0]), contiguous=st.booleans())
def test_equals_the_loops(
    dropout: ModuleType, dtype: Any, shape: Shape, p: float, contiguous: bool
) -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    keep = rng.random(shape) >= p
    expected = {"y": loops.dropout(x, keep, p), "dx": loops.dropout_dx(dy, keep, p)}
    assert all(value.dtype == dtype for value in expected.values())
    if not contiguous:
        x, dy, keep = strided(x), strided(dy), strided(keep)
    actual = {
        "y": call(dropout.dropout, x, keep, p),
        "dx": call(dropout.dropout_dx, dy, keep, p),
    }
    assert_same(actual, expected, dtype)


@pytest.mark.parametrize("dropout", spellings("dropout"))
def test_equals_torch_given_the_same_mask(dropout: ModuleType) -> None:
    torch = import_torch()
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
    (tx,) = tensors(x)
    torch.manual_seed(0)
    ty = torch.nn.functional.dropout(tx, 0.3)
    ty.backward(torch.tensor(dy))
    keep = ty.detach().numpy() != 0
    assert 0.5 < keep.mean() < 0.9
    assert_close(dropout.dropout(x, keep, 0.3), ty.detach(), 1e-12)
    assert_close(dropout.dropout_dx(dy, keep, 0.3), tx.grad, 1e-12)


@pytest.mark.parametrize("dropout", spellings("dropout"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_survivors_are_scaled_and_the_rest_is_zero(dropout: ModuleType, dtype: Any) -> None:
    x, keep = np.array([1.0, 2.0, -3.0], dtype), np.array([True, False, True])
    assert dropout.dropout(x, keep, 0.75).tolist() == [4, 0, -12]
    assert dropout.dropout_dx(x, keep, 0.75).tolist() == [4, 0, -12]
    assert dropout.dropout(x, keep, 1.0).tolist() == [0, 0, 0]
    assert dropout.dropout(x, np.ones(3, bool), 0.0).tolist() == x.tolist()


@pytest.mark.parametrize("dropout", spellings("dropout"))
def test_dx_is_adjoint_to_the_forward_pass(dropout: ModuleType) -> None:
    rng = np.random.default_rng(0)
    x, dy, keep = rng.normal(size=50), rng.normal(size=50), rng.random(50) < 0.6
    forward, backward = dropout.dropout(x, keep, 0.4) @ dy, x @ dropout.dropout_dx(dy, keep, 0.4)
    np.testing.assert_allclose(forward, backward, rtol=1e-13)
