from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import pooling as loops
from minicnn.backends.vectorized import pooling as vectorized
from minicnn.checking.numerical import numerical_gradient
from minicnn.shapes import Pair, window_output_size
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

INFINITY = float("inf")


@dataclass(frozen=True)
class Case:
    """A geometry, and the arrays that go with it."""

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    batch: int = 2
    channels: int = 2
    levels: int = 0  # so many different values, hence ties; 0: all different

    @property
    def geometry(self) -> tuple[Pair, Pair, Pair]:
        return self.kernel, self.stride, self.padding

    def arrays(self, dtype: Any) -> tuple[NDArray, NDArray]:
        """Draw x and dy."""
        rng = np.random.default_rng(0)
        planes = (self.batch, self.channels)
        if self.levels:
            x = rng.integers(-self.levels, 1, size=(*planes, *self.size)).astype(dtype)
        else:
            x = rng.normal(size=(*planes, *self.size)).astype(dtype)
        out = window_output_size(self.size, *self.geometry)
        return x, rng.normal(size=(*planes, *out)).astype(dtype)


def pairs(low: int, high: int) -> st.SearchStrategy[Pair]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def cases(draw: st.DrawFn, extra: int = 4) -> Case:
    """Any geometry torch accepts: overlapping, with gaps, padded by up to half the window."""
    kernel = draw(pairs(1, 4))
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    more = draw(pairs(0, extra))
    size = tuple(max(1, k - 2 * p) + m for k, p, m in zip(kernel, padding, more, strict=True))
    return Case(
        size=(size[0], size[1]),
        kernel=kernel,
        stride=draw(pairs(1, 4)),
        padding=padding,
        batch=draw(st.integers(1, 2)),
        channels=draw(st.integers(1, 3)),
        levels=draw(st.sampled_from([0, 0, 2])),
    )


NAMED = {
    "lenet": Case((28, 28), (2, 2), (2, 2), batch=5, channels=16),
    "odd sizes": Case((27, 29), (2, 2), (2, 2), channels=7),
    "overlapping": Case((28, 31), (3, 3), (2, 2), (1, 1), channels=5),
    "dense": Case((17, 16), (3, 3), (1, 1), (1, 1), channels=3),
    "wide": Case((6, 40), (1, 5), (2, 3), (0, 2), channels=3),
    "gaps": Case((20, 21), (2, 2), (5, 4), channels=3),
    "ties": Case((28, 28), (2, 2), (2, 2), channels=3, levels=2),
    "overlapping ties": Case((28, 28), (3, 3), (2, 2), (1, 1), channels=3, levels=2),
    "whole image": Case((9, 8), (9, 8), (1, 1), channels=3),
}


def run(pooling: ModuleType, case: Case, arrays: tuple[NDArray, ...]) -> dict[str, NDArray]:
    """Pool by maximum, by mean and globally, forward and backward."""
    x, dy = arrays
    y, argmax = call(pooling.max_pool2d, x, *case.geometry)
    dy_global = dy[:, :, 0, 0]
    return {
        "max": y,
        "argmax": argmax,
        "max dx": call(pooling.max_pool2d_dx, dy, argmax, x.shape, *case.geometry),
        "mean": call(pooling.avg_pool2d, x, *case.geometry),
        "mean dx": call(pooling.avg_pool2d_dx, dy, x.shape, *case.geometry),
        "global": call(pooling.global_avg_pool2d, x),
        "global dx": call(pooling.global_avg_pool2d_dx, dy_global, x.shape),
    }


def torch_gradient(y: Any, x: Any, dy: NDArray) -> Any:
    torch = import_torch()
    return torch.autograd.grad(y, x, torch.tensor(dy))[0]


def assert_equals_torch(pooling: ModuleType, case: Case) -> None:
    torch = import_torch()
    functional = torch.nn.functional
    x, dy = case.arrays(np.float64)
    (tx,) = tensors(x)
    results = run(pooling, case, (x, dy))
    largest = functional.max_pool2d(tx, *case.geometry)
    assert_close(results["max"], largest.detach(), 0, "max")
    assert_close(results["max dx"], torch_gradient(largest, tx, dy), 1e-9, "max dx")
    mean = functional.avg_pool2d(tx, *case.geometry)
    assert_close(results["mean"], mean.detach(), 1e-9, "mean")
    assert_close(results["mean dx"], torch_gradient(mean, tx, dy), 1e-9, "mean dx")
    whole = functional.adaptive_avg_pool2d(tx, 1)[:, :, 0, 0]
    assert_close(results["global"], whole.detach(), 1e-9, "global")
    dx = torch_gradient(whole, tx, dy[:, :, 0, 0])
    assert_close(results["global dx"], dx, 1e-9, "global dx")


@pytest.mark.parametrize("pooling", spellings("pooling", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(100)
@given(case=cases(), contiguous=st.booleans())
def test_equals_the_loops(pooling: ModuleType, dtype: Any, case: Case, contiguous: bool) -> None:
    arrays = case.arrays(dtype)
    expected = run(loops, case, arrays)
    assert expected.pop("argmax").dtype == np.int32
    assert all(value.dtype == dtype for value in expected.values())
    expected = run(loops, case, arrays)
    if not contiguous:
        arrays = strided(arrays[0]), strided(arrays[1])
    assert_same(run(pooling, case, arrays), expected, dtype)


@pytest.mark.parametrize("pooling", spellings("pooling"))
@examples(60)
@given(case=cases())
def test_small_cases_equal_torch(pooling: ModuleType, case: Case) -> None:
    assert_equals_torch(pooling, case)


@pytest.mark.parametrize("pooling", spellings("pooling", "vectorized", "compiled"))
@examples(60)
@given(case=cases(extra=30))
def test_larger_cases_equal_torch(pooling: ModuleType, case: Case) -> None:
    assert_equals_torch(pooling, case)


@pytest.mark.parametrize("pooling", spellings("pooling", "vectorized", "compiled"))
@pytest.mark.parametrize("name", NAMED)
def test_named_cases_equal_torch(pooling: ModuleType, name: str) -> None:
    assert_equals_torch(pooling, NAMED[name])


@pytest.mark.parametrize("pooling", spellings("pooling", "vectorized", "compiled"))
@pytest.mark.parametrize("name", NAMED)
def test_named_cases_in_float32(pooling: ModuleType, name: str) -> None:
    case = NAMED[name]
    arrays = case.arrays(np.float32)
    exact = run(vectorized, case, tuple(a.astype(np.float64) for a in arrays))
    for name, value in run(pooling, case, arrays).items():
        assert_close(value, exact[name], 1e-5, name)


@pytest.mark.parametrize("pooling", spellings("pooling"))
@examples(15)
@given(case=cases(extra=2))
def test_gradients_are_the_differences(pooling: ModuleType, case: Case) -> None:
    x, dy = case.arrays(np.float64)
    x = x + np.arange(x.size).reshape(x.shape) * 1e-3  # no ties: there the maximum has a kink
    dy_global = dy[:, :, 0, 0]
    results = run(pooling, case, (x, dy))

    def largest(x: NDArray) -> float:
        return float((pooling.max_pool2d(x, *case.geometry)[0] * dy).sum())

    def mean(x: NDArray) -> float:
        return float((pooling.avg_pool2d(x, *case.geometry) * dy).sum())

    def whole(x: NDArray) -> float:
        return float((pooling.global_avg_pool2d(x) * dy_global).sum())

    assert_close(results["max dx"], numerical_gradient(largest, x), 1e-7, "max dx")
    assert_close(results["mean dx"], numerical_gradient(mean, x), 1e-7, "mean dx")
    assert_close(results["global dx"], numerical_gradient(whole, x), 1e-7, "global dx")


@pytest.mark.parametrize("pooling", spellings("pooling"))
@examples(30)
@given(case=cases())
def test_dx_is_adjoint_to_the_forward_pass(pooling: ModuleType, case: Case) -> None:
    # Means are linear. The maximum is, too, as long as the same taps win: y = P x.
    x, dy = case.arrays(np.float64)
    results = run(pooling, case, (x, dy))
    size = np.sqrt((x**2).sum() * (dy**2).sum())
    for name in ("max", "mean"):
        forward, backward = (results[name] * dy).sum(), (x * results[f"{name} dx"]).sum()
        np.testing.assert_allclose(backward, forward, rtol=0, atol=1e-13 * size, err_msg=name)


@pytest.mark.parametrize("pooling", spellings("pooling"))
def test_the_global_mean_is_adjoint_to_its_dx(pooling: ModuleType) -> None:
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3))
    forward = (pooling.global_avg_pool2d(x) * dy).sum()
    backward = (x * pooling.global_avg_pool2d_dx(dy, x.shape)).sum()
    np.testing.assert_allclose(backward, forward, rtol=0, atol=1e-14)


@pytest.mark.parametrize("pooling", spellings("pooling"))
def test_the_first_of_equal_maxima_wins(pooling: ModuleType) -> None:
    x = np.array([[[[1.0, 3.0], [3.0, 3.0]]]])
    y, argmax = pooling.max_pool2d(x, (2, 2), (2, 2), (0, 0))
    assert (y.item(), argmax.item()) == (3.0, 1)
    dx = pooling.max_pool2d_dx(np.ones_like(y), argmax, x.shape, (2, 2), (2, 2), (0, 0))
    assert dx.tolist() == [[[[0.0, 1.0], [0.0, 0.0]]]]


@pytest.mark.parametrize("pooling", spellings("pooling"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_padding_never_wins(pooling: ModuleType, dtype: Any) -> None:
    geometry = (3, 3), (2, 2), (1, 1)
    for value in (-5.0, -INFINITY):
        x = np.full((1, 1, 3, 3), value, dtype)
        y, argmax = pooling.max_pool2d(x, *geometry)
        assert (y == value).all()
        assert argmax.tolist() == [[[[4, 3], [1, 0]]]]  # the first tap inside the image
        dx = pooling.max_pool2d_dx(np.ones_like(y), argmax, x.shape, *geometry)
        assert dx.sum() == 4


@pytest.mark.parametrize("pooling", spellings("pooling"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_not_a_number_wins_as_in_torch(pooling: ModuleType, dtype: Any) -> None:
    torch = import_torch()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 12, 13)).astype(dtype)
    x[rng.random(x.shape) < 0.15] = np.nan
    x[rng.random(x.shape) < 0.05] = INFINITY
    for geometry in (((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 2), (1, 1)), ((3, 2), (1, 2), (1, 0))):
        y, argmax = pooling.max_pool2d(x, *geometry)
        expected, places = torch.nn.functional.max_pool2d(
            torch.tensor(x), *geometry, return_indices=True
        )
        np.testing.assert_array_equal(y, expected)
        (_, width), stride, padding = geometry
        rows = np.arange(y.shape[2])[:, None] * stride[0] - padding[0] + argmax // width
        cols = np.arange(y.shape[3]) * stride[1] - padding[1] + argmax % width
        np.testing.assert_array_equal(rows * x.shape[3] + cols, places)


@pytest.mark.parametrize("pooling", spellings("pooling"))
def test_overlapping_windows_add_their_gradients(pooling: ModuleType) -> None:
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9.0
    geometry = (2, 2), (1, 1), (0, 0)
    _, argmax = pooling.max_pool2d(x, *geometry)
    dy = np.array([[[[1.0, 2.0], [4.0, 8.0]]]])
    dx = pooling.max_pool2d_dx(dy, argmax, x.shape, *geometry)
    assert dx[0, 0, 1, 1] == 15
    assert dx.sum() == 15


@pytest.mark.parametrize("pooling", spellings("pooling"))
def test_the_mean_counts_the_padding(pooling: ModuleType) -> None:
    y = pooling.avg_pool2d(np.ones((1, 1, 2, 2)), (2, 2), (2, 2), (1, 1))
    assert y.tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]
