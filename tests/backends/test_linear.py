from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import linear as loops
from minicnn.checking.numerical import numerical_gradient
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

Sizes = tuple[int, int, int]
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 9), st.integers(1, 9))
# The layers of lenet at 28x28, and sizes that leave remainders of any block.
NAMED: list[Sizes] = [(64, 1568, 128), (64, 128, 2), (1, 1000, 1), (33, 65, 127), (130, 1, 5)]


def arrays(sizes: Sizes, dtype: Any) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Draw x, w, b and dy."""
    batch, inputs, outputs = sizes
    rng = np.random.default_rng(0)
    shapes = [(batch, inputs), (outputs, inputs), (outputs,), (batch, outputs)]
    x, w, b, dy = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    return x, w, b, dy


def run(linear: ModuleType, x: NDArray, w: NDArray, b: NDArray, dy: NDArray) -> dict[str, NDArray]:
    """Compute y, with and without bias, and all gradients."""
    return {
        "y": call(linear.linear, x, w, b),
        "without bias": call(linear.linear, x, w, None),
        "dx": call(linear.linear_dx, dy, w),
        "dw": call(linear.linear_dw, dy, x),
        "db": call(linear.linear_db, dy),
    }


@pytest.mark.parametrize("linear", spellings("linear", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(60)
@given(sizes=SIZES, contiguous=st.booleans())
def test_equals_the_loops(linear: ModuleType, dtype: Any, sizes: Sizes, contiguous: bool) -> None:
    given_arrays = arrays(sizes, dtype)
    expected = run(loops, *given_arrays)
    assert all(value.dtype == dtype for value in expected.values())
    if not contiguous:
        given_arrays = tuple(strided(a) for a in given_arrays)
    assert_same(run(linear, *given_arrays), expected, dtype)


@pytest.mark.parametrize("linear", spellings("linear", "vectorized", "compiled"))
@pytest.mark.parametrize("sizes", NAMED)
def test_layers_of_real_networks_equal_torch(linear: ModuleType, sizes: Sizes) -> None:
    assert_equals_torch(linear, sizes)


@pytest.mark.parametrize("linear", spellings("linear", "vectorized", "compiled"))
@pytest.mark.parametrize("sizes", NAMED)
def test_layers_of_real_networks_in_float32(linear: ModuleType, sizes: Sizes) -> None:
    expected = run(linear, *arrays(sizes, np.float64))
    for name, value in run(linear, *arrays(sizes, np.float32)).items():
        assert value.dtype == np.float32
        assert_close(value, expected[name], 1e-5, name)


@pytest.mark.parametrize("linear", spellings("linear"))
@examples(30)
@given(sizes=SIZES)
def test_small_cases_equal_torch(linear: ModuleType, sizes: Sizes) -> None:
    assert_equals_torch(linear, sizes)


def assert_equals_torch(linear: ModuleType, sizes: Sizes) -> None:
    torch = import_torch()
    x, w, b, dy = arrays(sizes, np.float64)
    tx, tw, tb = tensors(x, w, b)
    ty = torch.nn.functional.linear(tx, tw, tb)
    ty.backward(torch.tensor(dy))
    results = run(linear, x, w, b, dy)
    assert_close(results["y"], ty.detach(), 1e-9, "y")
    assert_close(results["dx"], tx.grad, 1e-9, "dx")
    assert_close(results["dw"], tw.grad, 1e-9, "dw")
    assert_close(results["db"], tb.grad, 1e-9, "db")


@pytest.mark.parametrize("linear", spellings("linear"))
def test_gradients_are_the_differences(linear: ModuleType) -> None:
    x, w, b, dy = arrays((3, 4, 5), np.float64)
    results = run(linear, x, w, b, dy)

    def loss(x: NDArray, w: NDArray, b: NDArray) -> float:
        return float((linear.linear(x, w, b) * dy).sum())

    assert_close(results["dx"], numerical_gradient(lambda x: loss(x, w, b), x), 1e-8, "dx")
    assert_close(results["dw"], numerical_gradient(lambda w: loss(x, w, b), w), 1e-8, "dw")
    assert_close(results["db"], numerical_gradient(lambda b: loss(x, w, b), b), 1e-8, "db")


@pytest.mark.parametrize("linear", spellings("linear"))
@examples(20)
@given(sizes=SIZES)
def test_dx_and_dw_are_adjoint_to_the_forward_pass(linear: ModuleType, sizes: Sizes) -> None:
    x, w, _, dy = arrays(sizes, np.float64)
    product = (linear.linear(x, w, None) * dy).sum()
    adjoints = [(x * linear.linear_dx(dy, w)).sum(), (w * linear.linear_dw(dy, x)).sum()]
    size = np.sqrt((x**2).sum() * (w**2).sum() * (dy**2).sum())
    np.testing.assert_allclose(adjoints, product, rtol=0, atol=1e-14 * size)
