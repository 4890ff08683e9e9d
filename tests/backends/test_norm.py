from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import norm as loops
from minicnn.checking.numerical import numerical_gradient
from tests.backends.spellings import (
    DTYPES,
    TOLERANCE,
    assert_close,
    assert_same,
    call,
    examples,
    import_torch,
    spellings,
    strided,
    tensors,
)

EPS = 1e-5
Shape = tuple[int, int, int, int]
SHAPES = st.tuples(st.integers(2, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
NAMED: list[Shape] = [
    (64, 16, 28, 28),
    (5, 7, 29, 31),
    (70, 3, 1, 1),
    (1, 12, 17, 5),
    (3, 32, 7, 7),
]
RESULTS = ("dx", "dweight", "dbias")


def arrays(shape: Shape, dtype: Any) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Draw x (off centre), weight, bias and dy."""
    rng = np.random.default_rng(0)
    x, dy = 3 + 2 * rng.normal(size=shape), rng.normal(size=shape)
    weight, bias = rng.normal(size=shape[1]), rng.normal(size=shape[1])
    return x.astype(dtype), weight.astype(dtype), bias.astype(dtype), dy.astype(dtype)


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def run(
    norm: ModuleType, x: NDArray, weight: NDArray, bias: NDArray, dy: NDArray, groups: int
) -> dict[str, NDArray]:
    """Normalise in all ways, forward and backward."""
    results: dict[str, NDArray] = {}

    def keep(prefix: str, names: tuple[str, ...], values: tuple[NDArray, ...]) -> None:
        results.update({f"{prefix} {k}": v for k, v in zip(names, values, strict=True)})

    y, mean, var = call(norm.batch_norm, x, weight, bias, EPS)
    keep("batch", ("y", "mean", "var"), (y, mean, var))
    keep("batch", RESULTS, call(norm.batch_norm_dx, dy, x, weight, mean, var, EPS))

    # The running statistics are parameters, so they come in the dtype of x.
    given_mean, given_var = (0.5 + mean).astype(x.dtype), (1 + 2 * var).astype(x.dtype)
    y = call(norm.batch_norm_inference, x, weight, bias, given_mean, given_var, EPS)
    results["inference y"] = y
    gradients = call(norm.batch_norm_inference_dx, dy, x, weight, given_mean, given_var, EPS)
    keep("inference", RESULTS, gradients)

    y, mean, var = call(norm.group_norm, x, groups, weight, bias, EPS)
    keep("group", ("y", "mean", "var"), (y, mean, var))
    keep("group", RESULTS, call(norm.group_norm_dx, dy, x, groups, weight, mean, var, EPS))

    for axes in (1, 2, 3):
        layer_weight = np.resize(weight, x.shape[-axes:])
        layer_bias = np.resize(bias, x.shape[-axes:])
        y, mean, var = call(norm.layer_norm, x, layer_weight, layer_bias, EPS)
        keep(f"layer{axes}", ("y", "mean", "var"), (y, mean, var))
        gradients = call(norm.layer_norm_dx, dy, x, layer_weight, mean, var, EPS)
        keep(f"layer{axes}", RESULTS, gradients)
    return results


def torch_run(
    x: NDArray, weight: NDArray, bias: NDArray, dy: NDArray, groups: int
) -> dict[str, Any]:
    """Compute the same in float64 with torch."""
    torch = import_torch()
    functional = torch.nn.functional
    x, weight, bias, dy = (a.astype(np.float64) for a in (x, weight, bias, dy))
    results: dict[str, Any] = {}

    def keep(prefix: str, function: Callable, weight: NDArray, bias: NDArray) -> None:
        tx, tw, tb = tensors(x, weight, bias)
        ty = function(tx, tw, tb)
        ty.backward(torch.tensor(dy))
        results[f"{prefix} y"] = ty.detach()
        results.update(
            {f"{prefix} {k}": t.grad for k, t in zip(RESULTS, (tx, tw, tb), strict=True)}
        )

    def batch(tx: Any, tw: Any, tb: Any) -> Any:
        return functional.batch_norm(tx, None, None, tw, tb, True, eps=EPS)

    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    results["batch mean"], results["batch var"] = mean, var
    keep("batch", batch, weight, bias)

    def inference(tx: Any, tw: Any, tb: Any) -> Any:
        given_mean, given_var = torch.tensor(0.5 + mean), torch.tensor(1 + 2 * var)
        return functional.batch_norm(tx, given_mean, given_var, tw, tb, False, eps=EPS)

    keep("inference", inference, weight, bias)
    grouped = x.reshape(len(x), groups, -1)
    results["group mean"], results["group var"] = grouped.mean(2), grouped.var(2)
    keep("group", lambda tx, tw, tb: functional.group_norm(tx, groups, tw, tb, EPS), weight, bias)
    for axes in (1, 2, 3):
        inner = x.shape[-axes:]
        last = tuple(range(4 - axes, 4))
        results[f"layer{axes} mean"], results[f"layer{axes} var"] = x.mean(last), x.var(last)

        def layer(tx: Any, tw: Any, tb: Any, inner: tuple[int, ...] = inner) -> Any:
            return functional.layer_norm(tx, inner, tw, tb, EPS)

        keep(f"layer{axes}", layer, np.resize(weight, inner), np.resize(bias, inner))
    return results


@pytest.mark.parametrize("norm", spellings("norm", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(50)
@given(shape=SHAPES, contiguous=st.booleans(), data=st.data())
def test_equals_the_loops(
    norm: ModuleType, dtype: Any, shape: Shape, contiguous: bool, data: st.DataObject
) -> None:
    groups = data.draw(st.sampled_from(divisors(shape[1])), label="groups")
    given_arrays = arrays(shape, dtype)
    expected = run(loops, *given_arrays, groups)
    for name, value in expected.items():
        statistic = name.endswith(("mean", "var"))
        assert value.dtype == (np.float64 if statistic else dtype), name
    if not contiguous:
        given_arrays = tuple(strided(a) for a in given_arrays)
    assert_same(run(norm, *given_arrays, groups), expected, dtype)


@pytest.mark.parametrize("norm", spellings("norm"))
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_equals_torch(norm: ModuleType, groups: int) -> None:
    given_arrays = arrays((3, 6, 4, 5), np.float64)
    actual = run(norm, *given_arrays, groups)
    expected = torch_run(*given_arrays, groups)
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(actual[name], value, 1e-9, name)


@pytest.mark.parametrize("norm", spellings("norm", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", NAMED, ids=str)
def test_sizes_of_real_networks_equal_torch(norm: ModuleType, dtype: Any, shape: Shape) -> None:
    groups = divisors(shape[1])[1]
    given_arrays = arrays(shape, dtype)
    actual = run(norm, *given_arrays, groups)
    for name, value in torch_run(*given_arrays, groups).items():
        if shape[3] == 1 and name.startswith("layer"):
            continue  # one value has no variance: nothing but eps is left
        tolerance = 1e-9 if dtype == np.float64 else TOLERANCE[np.dtype(dtype)]
        assert_close(actual[name], value, tolerance, name)


@pytest.mark.parametrize("norm", spellings("norm"))
def test_gradients_are_the_differences(norm: ModuleType) -> None:
    x, weight, bias, dy = arrays((2, 4, 2, 3), np.float64)
    results = run(norm, x, weight, bias, dy, 2)
    _, mean, var = norm.batch_norm(x, weight, bias, EPS)
    mean, var = mean + 0.5, 1 + 2 * var
    functions: dict[str, Callable[..., NDArray]] = {
        "batch": lambda x, w, b: norm.batch_norm(x, w, b, EPS)[0],
        "inference": lambda x, w, b: norm.batch_norm_inference(x, w, b, mean, var, EPS),
        "group": lambda x, w, b: norm.group_norm(x, 2, w, b, EPS)[0],
    }
    for name, function in functions.items():
        check_differences(name, function, (x, weight, bias, dy), results)
    for axes in (1, 2, 3):
        layer_weight = np.resize(weight, x.shape[-axes:])
        layer_bias = np.resize(bias, x.shape[-axes:])
        check_differences(
            f"layer{axes}",
            lambda x, w, b: norm.layer_norm(x, w, b, EPS)[0],
            (x, layer_weight, layer_bias, dy),
            results,
        )


def check_differences(
    name: str, function: Callable[..., NDArray], given_arrays: tuple, results: dict[str, NDArray]
) -> None:
    x, w, b, dy = given_arrays
    dx = numerical_gradient(lambda x: float((function(x, w, b) * dy).sum()), x)
    dw = numerical_gradient(lambda w: float((function(x, w, b) * dy).sum()), w)
    db = numerical_gradient(lambda b: float((function(x, w, b) * dy).sum()), b)
    assert_close(results[f"{name} dx"], dx, 1e-7, f"{name} dx")
    assert_close(results[f"{name} dweight"], dw, 1e-7, f"{name} dweight")
    assert_close(results[f"{name} dbias"], db, 1e-7, f"{name} dbias")


@pytest.mark.parametrize("norm", spellings("norm"))
def test_a_far_off_mean_costs_no_digits(norm: ModuleType) -> None:
    # E[x^2] - E[x]^2 in float32 would leave nothing of a variance of 1 about 4096.
    rng = np.random.default_rng(0)
    x = (4096 + rng.normal(size=(4, 2, 6, 6))).astype(np.float32)
    ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
    exact = x.astype(np.float64)
    y, mean, var = norm.batch_norm(x, ones, zeros, EPS)
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(var, exact.var((0, 2, 3)), rtol=1e-9)
    shift, scale = mean[:, None, None], np.sqrt(var + EPS)[:, None, None]
    np.testing.assert_allclose(y, (exact - shift) / scale, atol=1e-5)
    _, mean, var = norm.group_norm(x, 1, ones, zeros, EPS)
    np.testing.assert_allclose(var[:, 0], exact.var((1, 2, 3)), rtol=1e-9)
    _, mean, var = norm.layer_norm(x, np.ones(6, np.float32), np.zeros(6, np.float32), EPS)
    np.testing.assert_allclose(var, exact.var(3), rtol=1e-9)


@pytest.mark.parametrize("norm", spellings("norm"))
def test_a_constant_channel_becomes_the_bias(norm: ModuleType) -> None:
    x = np.full((2, 1, 3, 3), 7.0)
    y, _, var = norm.batch_norm(x, np.array([2.0]), np.array([0.25]), EPS)
    assert var.tolist() == [0]
    assert (y == 0.25).all()


@pytest.mark.parametrize("norm", spellings("norm"))
def test_layer_norm_takes_rows(norm: ModuleType) -> None:
    x = np.array([[1.0, 3.0], [10.0, 10.0]])
    y, mean, var = norm.layer_norm(x, np.ones(2), np.zeros(2), 0.0 + 1e-12)
    np.testing.assert_allclose(y, [[-1, 1], [0, 0]], atol=1e-6)
    assert mean.tolist() == [2, 10]
    assert var.tolist() == [1, 0]
