"""What the tests of the backends share: the spellings, pure calls, tolerances."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from minicnn.backends import BACKENDS

# How far two spellings may be apart, relative to the largest entry (or to 1).
TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}
DTYPES = (np.float32, np.float64)


def examples(count: int) -> settings:
    """Draw the same ``count`` examples each time, however slow the machine."""
    return settings(max_examples=count, deadline=None, derandomize=True)


def spellings(module: str, *names: str) -> list[Any]:
    """List one module of the named backends (all, where none is named) as test parameters."""
    return [_parameter(name, module) for name in names or BACKENDS if _exists(name, module)]


def _exists(backend: str, module: str) -> bool:
    # test_agreement fails as long as a module is missing, so nothing is passed by in silence.
    return importlib.util.find_spec(f"minicnn.backends.{backend}.{module}") is not None


def _parameter(backend: str, module: str) -> Any:
    if backend == "compiled" and importlib.util.find_spec("numba") is None:
        return pytest.param(None, id=backend, marks=pytest.mark.skip(reason="needs numba"))
    return pytest.param(importlib.import_module(f"minicnn.backends.{backend}.{module}"), id=backend)


def import_torch() -> Any:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    torch.set_num_threads(1)  # on arrays this small, threads only wait for each other
    return torch


def tensors(*arrays: NDArray | None) -> list[Any]:
    """Copy arrays into torch tensors that collect gradients; None stays None."""
    torch = import_torch()
    return [None if a is None else torch.tensor(a, requires_grad=True) for a in arrays]


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a kernel; fail if it changed its arguments, or returned their memory."""
    given = [a for a in arguments if isinstance(a, np.ndarray)]
    before = [a.copy() for a in given]
    result = function(*arguments)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an argument was changed")
    for output in result if isinstance(result, tuple) else (result,):
        for array in given:
            assert not np.may_share_memory(output, array), "an output shares an argument's memory"
    return result


def strided(array: NDArray) -> NDArray:
    """Return the same values in memory that is not contiguous."""
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), 77, array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def assert_close(actual: Any, expected: Any, tolerance: float, name: str = "") -> None:
    """Compare two arrays; the tolerance is relative to the largest entry, or to 1."""
    expected = np.asarray(expected)
    actual = np.asarray(actual)
    assert actual.shape == expected.shape, name
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * largest, err_msg=name)


def assert_same(actual: Mapping[str, Any], expected: Mapping[str, Any], dtype: Any) -> None:
    """Compare all results of one spelling with those of another: names, dtypes, values."""
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert np.asarray(actual[name]).dtype == np.asarray(value).dtype, name
        assert_close(actual[name], value, TOLERANCE[np.dtype(dtype)], name)
