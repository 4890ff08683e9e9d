from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import activation as loops
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

Shape = tuple[int, ...]
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
SLOPE = 0.2
# Which of x and y the backward pass is given; softmax and leaky ReLU have an argument more.
FROM_X = ("relu", "gelu")
FROM_Y = ("sigmoid", "tanh")
NAMES = (*FROM_X, *FROM_Y, "leaky_relu", "softmax")


def forward(activation: ModuleType, name: str, x: NDArray, axis: int) -> NDArray:
    extra = {"leaky_relu": (SLOPE,), "softmax": (axis,)}.get(name, ())
    return call(getattr(activation, name), x, *extra)


def backward(
    activation: ModuleType, name: str, dy: NDArray, x: NDArray, y: NDArray, axis: int
) -> NDArray:
    function = getattr(activation, f"{name}_dx")
    if name == "leaky_relu":
        return call(function, dy, x, SLOPE)
    if name == "softmax":
        return call(function, dy, y, axis)
    return call(function, dy, x if name in FROM_X else y)


def run(activation: ModuleType, x: NDArray, dy: NDArray, axis: int) -> dict[str, NDArray]:
    """Compute y and dx of every activation."""
    results = {}
    for name in NAMES:
        results[name] = forward(activation, name, x, axis)
        results[f"{name} dx"] = backward(activation, name, dy, x, results[name], axis)
    return results


def arrays(shape: Shape, dtype: Any, scale: float = 2.0) -> tuple[NDArray, NDArray]:
    """Draw x, with exact zeros in it, and dy."""
    rng = np.random.default_rng(0)
    x = (scale * rng.normal(size=shape)).astype(dtype)
    x[rng.random(shape) < 0.1] = 0
    return x, rng.normal(size=shape).astype(dtype)


def torch_forward(name: str, x: Any, axis: int) -> Any:
    torch = import_torch()
    if name == "leaky_relu":
        return torch.nn.functional.leaky_relu(x, SLOPE)
    if name == "softmax":
        return torch.softmax(x, axis)
    return torch.nn.functional.gelu(x) if name == "gelu" else getattr(torch, name)(x)


@pytest.mark.parametrize("activation", spellings("activation", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(60)
@given(shape=SHAPES, contiguous=st.booleans(), data=st.data())
def test_equals_the_loops(
    activation: ModuleType, dtype: Any, shape: Shape, contiguous: bool, data: st.DataObject
) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1), label="axis")
    x, dy = arrays(shape, dtype)
    expected = run(loops, x, dy, axis)
    assert all(value.dtype == dtype for value in expected.values())
    if not contiguous:
        x, dy = strided(x), strided(dy)
    assert_same(run(activation, x, dy, axis), expected, dtype)


@pytest.mark.parametrize("activation", spellings("activation"))
@pytest.mark.parametrize("shape", [(3,), (4, 5), (3, 7, 5), (2, 3, 4, 9)])
def test_equals_torch(activation: ModuleType, shape: Shape) -> None:
    torch = import_torch()
    x, dy = arrays(shape, np.float64)
    for axis in range(len(shape)):
        results = run(activation, x, dy, axis)
        for name in NAMES:
            (tx,) = tensors(x)
            ty = torch_forward(name, tx, axis)
            ty.backward(torch.tensor(dy))
            assert_close(results[name], ty.detach(), 1e-9, name)
            assert_close(results[f"{name} dx"], tx.grad, 1e-9, f"{name} dx")


@pytest.mark.parametrize("activation", spellings("activation", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_arrays_equal_torch(activation: ModuleType, dtype: Any) -> None:
    # Large enough for blocks, threads and what is left over of them.
    torch = import_torch()
    x, dy = arrays((37, 16, 29, 3), dtype)
    results = run(activation, x, dy, 1)
    for name in NAMES:
        (tx,) = tensors(x.astype(np.float64))
        ty = torch_forward(name, tx, 1)
        ty.backward(torch.tensor(dy.astype(np.float64)))
        tolerance = 1e-9 if dtype == np.float64 else 1e-5
        assert_close(results[name], ty.detach(), tolerance, name)
        assert_close(results[f"{name} dx"], tx.grad, tolerance, f"{name} dx")


@pytest.mark.parametrize("activation", spellings("activation"))
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_differences(activation: ModuleType, name: str) -> None:
    rng = np.random.default_rng(1)
    x, dy = 2 * rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))  # no zero, so no kink
    for axis in range(3):
        y = forward(activation, name, x, axis)
        dx = backward(activation, name, dy, x, y, axis)

        def loss(x: NDArray, axis: int = axis) -> float:
            return float((forward(activation, name, x.copy(), axis) * dy).sum())

        assert_close(dx, numerical_gradient(loss, x), 1e-8)


@pytest.mark.parametrize("activation", spellings("activation"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_overflows(activation: ModuleType, dtype: Any) -> None:
    # Warnings are errors here.
    torch = import_torch()
    sizes = [1e4, 750.0, 100.0, 89.0, 40.0, 20.0, 6.0, 1.0, 1e-3, 1e-30, 0.0]
    x = np.array([sizes, [-size for size in sizes]], dtype)  # (2, 11)
    dy = np.ones_like(x)
    for axis in (0, 1):
        results = run(activation, x, dy, axis)
        for name in NAMES:
            (tx,) = tensors(x.astype(np.float64))
            ty = torch_forward(name, tx, axis)
            ty.backward(torch.ones(x.shape, dtype=torch.float64))
            tolerance = 1e-12 if dtype == np.float64 else 1e-6
            assert np.isfinite(results[name]).all()
            assert_close(results[name], ty.detach(), tolerance, name)
            if name != "sigmoid":  # its dx from y = 1 - 1e-9 is not that of float64's y
                assert_close(results[f"{name} dx"], tx.grad, tolerance, f"{name} dx")


@pytest.mark.parametrize("activation", spellings("activation"))
def test_small_probabilities_keep_their_digits(activation: ModuleType) -> None:
    y = activation.sigmoid(np.array([-50.0, -700.0]))
    np.testing.assert_allclose(y, [math.exp(-50), math.exp(-700)], rtol=1e-12)
    p = activation.softmax(np.array([[0.0, -300.0, -600.0]]), 1)
    np.testing.assert_allclose(p, [[1.0, math.exp(-300), math.exp(-600)]], rtol=1e-12)


@pytest.mark.parametrize("activation", spellings("activation"))
def test_the_kink_belongs_to_the_negative_side(activation: ModuleType) -> None:
    x, dy = np.array([0.0, -0.0]), np.array([3.0, 5.0])
    assert activation.relu_dx(dy, x).tolist() == [0, 0]
    np.testing.assert_allclose(activation.leaky_relu_dx(dy, x, 0.5), [1.5, 2.5])


@pytest.mark.parametrize("activation", spellings("activation"))
@pytest.mark.parametrize("name", NAMES)
def test_not_a_number_is_not_lost(activation: ModuleType, name: str) -> None:
    x = np.array([[np.nan, 1.0]])
    assert np.isnan(forward(activation, name, x, 1)[0, 0])
