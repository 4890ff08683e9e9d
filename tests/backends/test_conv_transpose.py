from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import conv as convolution
from minicnn.backends.loops import conv_transpose as loops
from minicnn.checking.numerical import numerical_gradient
from minicnn.shapes import Pair, transposed_output_size
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


@dataclass(frozen=True)
class Case:
    """A geometry, and the arrays that go with it."""

    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    output_padding: Pair = (0, 0)
    groups: int = 1
    dilation: Pair = (1, 1)
    inputs: int = 2  # per group
    outputs: int = 2  # per group
    batch: int = 2
    bias: bool = True

    @property
    def geometry(self) -> tuple[Pair, Pair, Pair, int, Pair]:
        return self.stride, self.padding, self.output_padding, self.groups, self.dilation

    @property
    def backward_geometry(self) -> tuple[Pair, Pair, int, Pair]:
        return self.stride, self.padding, self.groups, self.dilation

    def arrays(self, dtype: Any) -> tuple[NDArray, NDArray, NDArray | None, NDArray]:
        """Draw x, w, b and dy."""
        rng = np.random.default_rng(0)
        out = transposed_output_size(
            self.size, self.kernel, self.stride, self.padding, self.output_padding, self.dilation
        )
        channels = self.groups * self.outputs
        x = rng.normal(size=(self.batch, self.groups * self.inputs, *self.size)).astype(dtype)
        w = rng.normal(size=(self.groups * self.inputs, self.outputs, *self.kernel)).astype(dtype)
        b = rng.normal(size=channels).astype(dtype)
        dy = rng.normal(size=(self.batch, channels, *out)).astype(dtype)
        return x, w, b if self.bias else None, dy


def pairs(low: int, high: int) -> st.SearchStrategy[Pair]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def cases(draw: st.DrawFn, channels: int = 2, size: int = 4) -> Case:
    """Any geometry that leaves an output; output padding up to what torch allows."""
    stride, dilation = draw(pairs(1, 3)), draw(pairs(1, 3))
    case = Case(
        size=draw(pairs(1, size)),
        kernel=draw(pairs(1, 3)),
        stride=stride,
        padding=draw(pairs(0, 2)),
        output_padding=(
            draw(st.integers(0, max(stride[0], dilation[0]) - 1)),
            draw(st.integers(0, max(stride[1], dilation[1]) - 1)),
        ),
        groups=draw(st.integers(1, 3)),
        dilation=dilation,
        inputs=draw(st.integers(1, channels)),
        outputs=draw(st.integers(1, channels)),
        batch=draw(st.integers(1, 2)),
        bias=draw(st.booleans()),
    )
    left = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + o
        for n, k, s, p, o, d in zip(
            case.size,
            case.kernel,
            stride,
            case.padding,
            case.output_padding,
            dilation,
            strict=True,
        )
    ]
    assume(min(left) >= 1)
    return case


NAMED = {
    "double the size": Case((7, 9), (2, 2), stride=(2, 2), inputs=8, outputs=5),
    "double, smooth": Case((13, 9), (4, 4), stride=(2, 2), padding=(1, 1), inputs=4, outputs=3),
    "undo a strided convolution": Case(
        (14, 14), (3, 3), (2, 2), (1, 1), output_padding=(1, 1), inputs=16, outputs=8
    ),
    "gaps between stamps": Case((5, 6), (1, 2), stride=(3, 4), output_padding=(2, 1), inputs=3),
    "depthwise": Case((9, 11), (3, 3), stride=(2, 1), padding=(1, 1), groups=5, inputs=1),
    # More output padding than stride: the adjoint convolution has places x has no pixel for.
    "output padding beyond the stride": Case(
        (4, 5), (3, 3), output_padding=(2, 2), dilation=(3, 3)
    ),
}


def run(module: ModuleType, case: Case, arrays: tuple) -> dict[str, NDArray]:
    """Compute y and all gradients."""
    x, w, b, dy = arrays
    return {
        "y": call(module.conv_transpose2d, x, w, b, *case.geometry),
        "dx": call(module.conv_transpose2d_dx, dy, w, x.shape, *case.backward_geometry),
        "dw": call(module.conv_transpose2d_dw, dy, x, w.shape, *case.backward_geometry),
        "db": call(module.conv_transpose2d_db, dy),
    }


def assert_equals_torch(module: ModuleType, case: Case) -> None:
    torch = import_torch()
    x, w, b, dy = case.arrays(np.float64)
    tx, tw, tb = tensors(x, w, b)
    ty = torch.nn.functional.conv_transpose2d(tx, tw, tb, *case.geometry)
    ty.backward(torch.tensor(dy))
    results = run(module, case, (x, w, b, dy))
    assert_close(results["y"], ty.detach(), 1e-9, "y")
    assert_close(results["dx"], tx.grad, 1e-9, "dx")
    assert_close(results["dw"], tw.grad, 1e-9, "dw")
    if b is not None:
        assert_close(results["db"], tb.grad, 1e-9, "db")


@pytest.mark.parametrize("module", spellings("conv_transpose", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(80)
@given(case=cases(), contiguous=st.booleans())
def test_equals_the_loops(module: ModuleType, dtype: Any, case: Case, contiguous: bool) -> None:
    arrays = case.arrays(dtype)
    expected = run(loops, case, arrays)
    assert all(value.dtype == dtype for value in expected.values())
    if not contiguous:
        arrays = tuple(None if a is None else strided(a) for a in arrays)
    assert_same(run(module, case, arrays), expected, dtype)


@pytest.mark.parametrize("module", spellings("conv_transpose"))
@examples(50)
@given(case=cases())
def test_small_cases_equal_torch(module: ModuleType, case: Case) -> None:
    assert_equals_torch(module, case)


@pytest.mark.parametrize("module", spellings("conv_transpose", "vectorized", "compiled"))
@examples(50)
@given(case=cases(channels=7, size=20))
def test_larger_cases_equal_torch(module: ModuleType, case: Case) -> None:
    assert_equals_torch(module, case)


@pytest.mark.parametrize("module", spellings("conv_transpose", "vectorized", "compiled"))
@pytest.mark.parametrize("name", NAMED)
def test_named_cases_equal_torch(module: ModuleType, name: str) -> None:
    assert_equals_torch(module, NAMED[name])


@pytest.mark.parametrize("module", spellings("conv_transpose"))
@examples(10)
@given(case=cases(size=3))
def test_gradients_are_the_differences(module: ModuleType, case: Case) -> None:
    x, w, _, dy = case.arrays(np.float64)
    b = np.zeros(dy.shape[1])
    results = run(module, case, (x, w, b, dy))

    def loss(x: NDArray, w: NDArray, b: NDArray) -> float:
        return float((module.conv_transpose2d(x, w, b, *case.geometry) * dy).sum())

    assert_close(results["dx"], numerical_gradient(lambda x: loss(x, w, b), x), 1e-7, "dx")
    assert_close(results["dw"], numerical_gradient(lambda w: loss(x, w, b), w), 1e-7, "dw")
    assert_close(results["db"], numerical_gradient(lambda b: loss(x, w, b), b), 1e-7, "db")


@pytest.mark.parametrize("module", spellings("conv_transpose"))
@examples(30)
@given(case=cases())
def test_it_is_the_adjoint_of_convolution(module: ModuleType, case: Case) -> None:
    # <conv(z), x> = <z, convT(x)> with the same weight and geometry, to rounding.
    x, w, _, z = case.arrays(np.float64)
    stride, padding, groups, dilation = case.backward_geometry
    gathered = convolution.conv2d(z, w, None, stride, padding, dilation, groups)
    gathered = gathered[:, :, : x.shape[2], : x.shape[3]]
    stamped = module.conv_transpose2d(x, w, None, *case.geometry)
    size = np.sqrt((x**2).sum() * (w**2).sum() * (z**2).sum())
    np.testing.assert_allclose((gathered * x).sum(), (z * stamped).sum(), rtol=0, atol=1e-14 * size)


@pytest.mark.parametrize("module", spellings("conv_transpose"))
def test_stamps_worked_out_by_hand(module: ModuleType) -> None:
    x = np.array([[[[1.0, 10.0]]]])
    w = np.array([[[[1.0, 2.0, 3.0]]]])
    y = module.conv_transpose2d(x, w, np.array([0.5]), (1, 2), (0, 0), (0, 1), 1, (1, 1))
    # 1 2 3 . . .  and, two places on, 10 20 30; then one column of output padding.
    assert y.tolist() == [[[[1.5, 2.5, 13.5, 20.5, 30.5, 0.5]]]]
