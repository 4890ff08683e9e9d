from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import warp as loops
from tests.backends.spellings import (
    DTYPES,
    TOLERANCE,
    assert_close,
    call,
    examples,
    import_torch,
    spellings,
    strided,
)

Shape = tuple[int, int, int, int]
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))
IDENTITY = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def arrays(shape: Shape, dtype: Any, reach: float) -> tuple[NDArray, NDArray]:
    """Draw images, and one matrix for each."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(dtype)
    matrix = IDENTITY + 0.4 * rng.normal(size=(shape[0], 2, 3))
    matrix[:, :, 2] *= reach
    return x, matrix.astype(dtype)


@pytest.mark.parametrize("warp", spellings("warp", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(60)
@given(shape=SHAPES, reach=st.sampled_from([0.0, 2.0, 30.0]), contiguous=st.booleans())
def test_equals_the_loops(
    warp: ModuleType, dtype: Any, shape: Shape, reach: float, contiguous: bool
) -> None:
    x, matrix = arrays(shape, dtype, reach)
    expected = loops.affine_warp(x, matrix)
    assert expected.dtype == dtype
    if not contiguous:
        x, matrix = strided(x), strided(matrix)
    y = call(warp.affine_warp, x, matrix)
    assert y.dtype == dtype
    assert_close(y, expected, TOLERANCE[np.dtype(dtype)])


@pytest.mark.parametrize("warp", spellings("warp"))
@pytest.mark.parametrize("shape", [(2, 3, 9, 12), (3, 1, 28, 28)])
def test_equals_the_grid_sampling_of_torch(warp: ModuleType, shape: Shape) -> None:
    torch = import_torch()
    if warp is loops:
        shape = (shape[0], 1, 9, 8)
    x, matrix = arrays(shape, np.float64, 3.0)
    _, _, height, width = shape
    rows, cols = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    place = np.stack([*np.meshgrid(rows, cols, indexing="ij"), np.ones((height, width))])
    source = np.einsum("nab,bij->nija", matrix, place)  # (N, H, W, 2), row before column
    # torch wants column before row, with -1 and 1 for the centres of the outermost pixels.
    grid = np.stack([source[..., 1] / ((width - 1) / 2), source[..., 0] / ((height - 1) / 2)], -1)
    expected = torch.nn.functional.grid_sample(
        torch.tensor(x), torch.tensor(grid), "bilinear", "border", align_corners=True
    )
    assert_close(warp.affine_warp(x, matrix), expected, 1e-9)


@pytest.mark.parametrize("warp", spellings("warp"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_identity_changes_nothing(warp: ModuleType, dtype: Any) -> None:
    for shape in ((1, 2, 5, 4), (1, 1, 1, 1), (1, 1, 1, 6)):
        x = np.random.default_rng(0).normal(size=shape).astype(dtype)
        np.testing.assert_array_equal(warp.affine_warp(x, IDENTITY.astype(dtype)), x)


@pytest.mark.parametrize("warp", spellings("warp"))
def test_a_shift_reads_from_further_on_and_repeats_the_edge(warp: ModuleType) -> None:
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    matrix = IDENTITY.copy()
    matrix[0, :, 2] = 1, 2  # one row down, two columns to the right
    y = warp.affine_warp(x, matrix)
    assert y.tolist() == [[[[6, 7, 7, 7], [10, 11, 11, 11], [10, 11, 11, 11]]]]
    matrix[0, :, 2] = 0, 0.25
    assert warp.affine_warp(x, matrix)[0, 0, 0].tolist() == [0.25, 1.25, 2.25, 3]


@pytest.mark.parametrize("warp", spellings("warp"))
@pytest.mark.parametrize("size", [4, 5])
def test_a_quarter_turn_about_the_centre(warp: ModuleType, size: int) -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, size, size))
    cos, sin = math.cos(math.pi / 2), math.sin(math.pi / 2)
    turn = np.array([[[cos, sin, 0], [-sin, cos, 0]]])
    np.testing.assert_allclose(warp.affine_warp(x, turn), np.rot90(x, axes=(2, 3)), atol=1e-12)


@pytest.mark.parametrize("warp", spellings("warp"))
def test_each_image_has_its_own_matrix(warp: ModuleType) -> None:
    x, matrix = arrays((3, 2, 6, 5), np.float64, 2.0)
    y = warp.affine_warp(x, matrix)
    for n in range(3):
        alone = warp.affine_warp(x[n : n + 1], matrix[n : n + 1])
        np.testing.assert_array_equal(y[n : n + 1], alone)
