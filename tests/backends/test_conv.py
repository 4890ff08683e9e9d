from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import conv as loops
from minicnn.backends.vectorized import conv as vectorized
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


@dataclass(frozen=True)
class Case:
    """A geometry, and the arrays that go with it."""

    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    inputs: int = 2  # per group
    outputs: int = 2  # per group
    batch: int = 2
    bias: bool = True

    @property
    def geometry(self) -> tuple[Pair, Pair, Pair, int]:
        return self.stride, self.padding, self.dilation, self.groups

    def arrays(self, dtype: Any) -> tuple[NDArray, NDArray, NDArray | None, NDArray]:
        """Draw x, w, b and dy."""
        rng = np.random.default_rng(0)
        out = window_output_size(self.size, self.kernel, *self.geometry[:3])
        channels = self.groups * self.outputs
        x = rng.normal(size=(self.batch, self.groups * self.inputs, *self.size))
        w = rng.normal(size=(channels, self.inputs, *self.kernel))
        b = rng.normal(size=channels)
        dy = rng.normal(size=(self.batch, channels, *out))
        return (
            x.astype(dtype),
            w.astype(dtype),
            b.astype(dtype) if self.bias else None,
            dy.astype(dtype),
        )


def pairs(low: int, high: int) -> st.SearchStrategy[Pair]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def cases(draw: st.DrawFn, channels: int = 2, extra: int = 3) -> Case:
    """Any geometry whose window fits; ``extra`` is how much larger than needed the image is."""
    kernel, dilation, padding = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(pairs(0, 3))
    more = draw(pairs(0, extra))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + m
        for k, d, p, m in zip(kernel, dilation, padding, more, strict=True)
    )
    return Case(
        size=(size[0], size[1]),
        kernel=kernel,
        stride=draw(pairs(1, 3)),
        padding=padding,
        dilation=dilation,
        groups=draw(st.integers(1, 3)),
        inputs=draw(st.integers(1, channels)),
        outputs=draw(st.integers(1, channels)),
        batch=draw(st.integers(1, 3)),
        bias=draw(st.booleans()),
    )


# What people build networks of, at sizes where blocked and vectorised code has remainders.
NAMED = {
    "lenet first": Case((28, 28), (3, 3), padding=(1, 1), inputs=1, outputs=16, batch=3),
    "lenet second": Case((14, 14), (3, 3), padding=(1, 1), inputs=16, outputs=32, batch=3),
    "odd sizes": Case((29, 31), (3, 3), padding=(1, 1), inputs=5, outputs=7, batch=5),
    "depthwise": Case((19, 23), (3, 3), padding=(1, 1), groups=13, inputs=1, outputs=1),
    "depthwise strided": Case(
        (19, 23), (3, 3), stride=(2, 2), padding=(1, 1), groups=6, inputs=1, outputs=2
    ),
    "pointwise": Case((17, 9), (1, 1), inputs=11, outputs=6),
    "pointwise strided": Case((17, 9), (1, 1), stride=(2, 3), inputs=11, outputs=6),
    "stem": Case((30, 27), (7, 7), stride=(2, 2), padding=(3, 3), inputs=3, outputs=9),
    "non-square": Case((12, 40), (5, 2), stride=(1, 3), padding=(2, 0), inputs=3, outputs=5),
    "stride does not divide": Case((20, 21), (3, 3), stride=(3, 2), inputs=3, outputs=4),
    "stride larger than kernel": Case((13, 14), (2, 2), stride=(4, 3), inputs=3, outputs=4),
    "dilated": Case((20, 33), (3, 3), padding=(2, 4), dilation=(2, 4), inputs=4, outputs=4),
    "padded beyond the kernel": Case((5, 4), (2, 3), padding=(4, 5), inputs=2, outputs=3),
    "whole image": Case((9, 8), (9, 8), inputs=4, outputs=10),
    "one pixel": Case((1, 1), (3, 3), padding=(1, 1), inputs=4, outputs=4),
    "one row": Case((1, 100), (1, 5), padding=(0, 2), inputs=3, outputs=4),
    "one sample of one channel": Case((40, 40), (3, 3), inputs=1, outputs=1, batch=1),
    "groups": Case((15, 15), (3, 3), padding=(1, 1), groups=3, inputs=5, outputs=6),
    "many samples": Case((6, 5), (3, 3), padding=(1, 1), inputs=3, outputs=4, batch=70),
}


def run(conv: ModuleType, case: Case, arrays: tuple) -> dict[str, NDArray]:
    """Compute y and all gradients."""
    x, w, b, dy = arrays
    return {
        "y": call(conv.conv2d, x, w, b, *case.geometry),
        "dx": call(conv.conv2d_dx, dy, w, x.shape, *case.geometry),
        "dw": call(conv.conv2d_dw, dy, x, w.shape, *case.geometry),
        "db": call(conv.conv2d_db, dy),
    }


def assert_equals_torch(conv: ModuleType, case: Case) -> None:
    torch = import_torch()
    x, w, b, dy = case.arrays(np.float64)
    tx, tw, tb = tensors(x, w, b)
    ty = torch.nn.functional.conv2d(tx, tw, tb, *case.geometry)
    ty.backward(torch.tensor(dy))
    results = run(conv, case, (x, w, b, dy))
    assert_close(results["y"], ty.detach(), 1e-9, "y")
    assert_close(results["dx"], tx.grad, 1e-9, "dx")
    assert_close(results["dw"], tw.grad, 1e-9, "dw")
    if b is not None:
        assert_close(results["db"], tb.grad, 1e-9, "db")


@pytest.mark.parametrize("conv", spellings("conv", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(100)
@given(case=cases(), contiguous=st.booleans())
def test_equals_the_loops(conv: ModuleType, dtype: Any, case: Case, contiguous: bool) -> None:
    arrays = case.arrays(dtype)
    expected = run(loops, case, arrays)
    assert all(value.dtype == dtype for value in expected.values())
    if not contiguous:
        arrays = tuple(None if a is None else strided(a) for a in arrays)
    assert_same(run(conv, case, arrays), expected, dtype)


@pytest.mark.parametrize("conv", spellings("conv"))
@examples(60)
@given(case=cases())
def test_small_cases_equal_torch(conv: ModuleType, case: Case) -> None:
    assert_equals_torch(conv, case)


@pytest.mark.parametrize("conv", spellings("conv", "vectorized", "compiled"))
@examples(80)
@given(case=cases(channels=9, extra=30))
def test_larger_cases_equal_torch(conv: ModuleType, case: Case) -> None:
    assert_equals_torch(conv, case)


@pytest.mark.parametrize("conv", spellings("conv", "vectorized", "compiled"))
@pytest.mark.parametrize("name", NAMED)
def test_named_cases_equal_torch(conv: ModuleType, name: str) -> None:
    assert_equals_torch(conv, NAMED[name])


@pytest.mark.parametrize("conv", spellings("conv", "vectorized", "compiled"))
@pytest.mark.parametrize("name", NAMED)
def test_named_cases_in_float32(conv: ModuleType, name: str) -> None:
    case = NAMED[name]
    arrays = case.arrays(np.float32)
    exact = run(vectorized, case, tuple(a.astype(np.float64) for a in arrays))
    for name, value in run(conv, case, arrays).items():
        assert_close(value, exact[name], 1e-5, name)


@pytest.mark.parametrize("conv", spellings("conv"))
@examples(12)
@given(case=cases(extra=2))
def test_gradients_are_the_differences(conv: ModuleType, case: Case) -> None:
    case = replace(case, bias=True)
    x, w, b, dy = case.arrays(np.float64)
    results = run(conv, case, (x, w, b, dy))

    def loss(x: NDArray, w: NDArray, b: NDArray) -> float:
        return float((conv.conv2d(x, w, b, *case.geometry) * dy).sum())

    assert_close(results["dx"], numerical_gradient(lambda x: loss(x, w, b), x), 1e-7, "dx")
    assert_close(results["dw"], numerical_gradient(lambda w: loss(x, w, b), w), 1e-7, "dw")
    assert_close(results["db"], numerical_gradient(lambda b: loss(x, w, b), b), 1e-7, "db")


@pytest.mark.parametrize("conv", spellings("conv"))
@examples(30)
@given(case=cases())
def test_dx_and_dw_are_adjoint_to_the_forward_pass(conv: ModuleType, case: Case) -> None:
    # conv2d is linear in x and in w: <conv(x, w), dy> = <x, dx> = <w, dw>, to rounding.
    x, w, _, dy = case.arrays(np.float64)
    product = (conv.conv2d(x, w, None, *case.geometry) * dy).sum()
    through_x = (x * conv.conv2d_dx(dy, w, x.shape, *case.geometry)).sum()
    through_w = (w * conv.conv2d_dw(dy, x, w.shape, *case.geometry)).sum()
    size = np.sqrt((x**2).sum() * (w**2).sum() * (dy**2).sum())
    np.testing.assert_allclose([through_x, through_w], product, rtol=0, atol=1e-14 * size)


@pytest.mark.parametrize("conv", spellings("conv"))
def test_a_sum_worked_out_by_hand(conv: ModuleType) -> None:
    x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    y = conv.conv2d(x, w, np.array([0.5]), (1, 1), (0, 0), (1, 1), 1)
    # Not flipped: the top left weight meets the top left pixel.
    assert y.tolist() == [[[[5421.5, 6532.5], [8754.5, 9865.5]]]]


@pytest.mark.parametrize("conv", spellings("conv"))
def test_not_a_number_stays_where_its_windows_are(conv: ModuleType) -> None:
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 0, 0] = np.nan
    y = conv.conv2d(x, np.ones((1, 1, 2, 2)), None, (1, 1), (0, 0), (1, 1), 1)
    assert np.argwhere(np.isnan(y)).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("conv", spellings("conv", "vectorized", "compiled"))
def test_a_batch_cut_into_parts_gives_the_same(conv: ModuleType) -> None:
    case = NAMED["many samples"]
    arrays = case.arrays(np.float64)
    whole = run(conv, case, arrays)
    one_by_one = [
        run(conv, replace(case, batch=1), (x[None], arrays[1], arrays[2], dy[None]))
        for x, dy in zip(arrays[0], arrays[3], strict=True)
    ]
    assert_close(np.concatenate([part["y"] for part in one_by_one]), whole["y"], 1e-12)
    assert_close(np.concatenate([part["dx"] for part in one_by_one]), whole["dx"], 1e-12)
    assert_close(sum(part["dw"] for part in one_by_one), whole["dw"], 1e-12)
    assert_close(sum(part["db"] for part in one_by_one), whole["db"], 1e-12)


@pytest.mark.parametrize("entries", [1, 100_000])
def test_the_memory_for_columns_does_not_change_the_result(
    monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    case = replace(NAMED["groups"], batch=7)
    whole = run(vectorized, case, case.arrays(np.float64))
    monkeypatch.setattr(vectorized, "COLUMN_ENTRIES", entries)
    assert_same(run(vectorized, case, case.arrays(np.float64)), whole, np.float64)
