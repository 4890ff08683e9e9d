from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minicnn.data.preprocess.resample import Crop, Resize, area_mean
from minicnn.errors import ArgumentError

rng = np.random.default_rng(0)


@settings(deadline=None, max_examples=60)
@given(length=st.integers(1, 40), size=st.integers(1, 40), seed=st.integers(0, 9))
def test_the_area_mean_integrates_over_each_piece(length, size, seed):
    x = np.random.default_rng(seed).random((2, length))
    # Every pixel as so many equal parts that each piece takes whole ones.
    expected = np.repeat(x, size, axis=1).reshape(2, size, length).mean(axis=2)
    np.testing.assert_allclose(area_mean(x, size, axis=1), expected, atol=1e-13)


# Where a piece cuts pixels, Pillow takes whole ones; the test above knows the parts.
@pytest.mark.parametrize(("height", "width", "size"), [(28, 28, 14), (45, 30, 15), (9, 27, 9)])
def test_anti_aliasing_is_pillows_box(height, width, size):
    x = rng.random((3, 1, height, width)).astype(np.float32)
    y = Resize(size)(x)
    assert y.shape == (3, 1, size, size) and y.dtype == np.float32
    for image, small in zip(x[:, 0], y[:, 0], strict=True):
        expected = Image.fromarray(image).resize((size, size), Image.Resampling.BOX)
        np.testing.assert_allclose(small, np.asarray(expected), atol=1e-5)


@pytest.mark.parametrize(("height", "width", "size"), [(28, 28, 14), (45, 37, 16), (9, 30, 9)])
def test_without_it_the_pixels_at_the_centres_are_taken(height, width, size):
    x = rng.random((2, 3, height, width))
    y = Resize(size, antialias=False)(x)
    rows = np.floor((np.arange(size) + 0.5) * height / size).astype(int)
    columns = np.floor((np.arange(size) + 0.5) * width / size).astype(int)
    np.testing.assert_array_equal(y, x[:, :, rows][:, :, :, columns])


def test_only_anti_aliasing_turns_fine_stripes_into_grey():
    x = np.zeros((1, 1, 32, 32))
    x[..., ::2] = 1
    np.testing.assert_allclose(Resize(8)(x), 0.5)
    aliased = Resize(8, antialias=False)(x)
    assert set(np.unique(aliased)) <= {0.0, 1.0}
    stripes = np.zeros((1, 1, 30, 30))
    stripes[..., ::2] = 1
    assert np.ptp(Resize(20, antialias=False)(stripes)) == 1  # wide stripes that are not there


def test_the_same_size_changes_nothing():
    x = rng.random((2, 1, 7, 7))
    np.testing.assert_allclose(Resize(7)(x), x, atol=1e-12)
    np.testing.assert_array_equal(Resize(7, antialias=False)(x), x)
    np.testing.assert_array_equal(Crop(7)(x), x)


@pytest.mark.parametrize(("shape", "size", "first"), [((9, 9), 5, (2, 2)), ((8, 11), 5, (1, 3))])
def test_a_crop_keeps_the_middle(shape, size, first):
    x = rng.random((2, 3, *shape))
    y = Crop(size)(x)
    top, left = first
    np.testing.assert_array_equal(y, x[:, :, top : top + size, left : left + size])
    assert not np.shares_memory(y, x)


@pytest.mark.parametrize("step", [Crop(10), Resize(10)])
def test_more_than_the_image_is_refused(step):
    assert step.output_shape((3, 10, 12)) == (3, 10, 10)
    with pytest.raises(ArgumentError, match=f"{step.name}: size is 10.*9 x 12 pixels.*at most 9"):
        step.output_shape((1, 9, 12))
    with pytest.raises(ArgumentError, match="at most 9"):
        step(np.zeros((1, 1, 9, 12)))


@pytest.mark.parametrize("kind", [Crop, Resize])
@pytest.mark.parametrize("size", [0, -1, 2.5, True, "8"])
def test_impossible_sizes_are_refused(kind, size):
    with pytest.raises(ArgumentError, match=f"{kind.name}: size is"):
        kind(size)


def test_antialias_is_yes_or_no():
    with pytest.raises(ArgumentError, match="antialias is 1; give yes or no"):
        Resize(8, antialias=1)
