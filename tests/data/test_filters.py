from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from minicnn.data.filters import gaussian_blur


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(1, 12)] * 2),
    sigma=st.sampled_from([0.1, 0.4, 1.0, 3.0]),
)
def test_equals_scipy(shape, sigma):
    x = np.random.default_rng(0).random(shape)
    expected = ndimage.gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest", truncate=4)
    np.testing.assert_allclose(gaussian_blur(x, sigma), expected, atol=1e-12)


def test_each_image_has_its_own_width():
    x = np.random.default_rng(0).random((4, 2, 9, 11))
    widths = np.array([0.0, 0.5, 1.0, 2.0])
    y = gaussian_blur(x, widths)
    for n, width in enumerate(widths):
        # Taps that one image needs and another does not are nearly, not quite, zero.
        np.testing.assert_allclose(y[n : n + 1], gaussian_blur(x[n : n + 1], width), atol=1e-3)
    np.testing.assert_array_equal(y[0], x[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_the_dtype_and_its_input(dtype):
    x = np.random.default_rng(0).random((2, 1, 5, 6)).astype(dtype)
    before = x.copy()
    for sigma in (0, 1.5):
        y = gaussian_blur(x, sigma)
        assert y.dtype == dtype and not np.shares_memory(x, y)
    np.testing.assert_array_equal(x, before)
    assert gaussian_blur(x[:0], 1.0).shape == (0, 1, 5, 6)


def test_a_constant_image_stays():
    x = np.full((1, 1, 6, 6), 0.3)
    np.testing.assert_allclose(gaussian_blur(x, 2.0), x, rtol=1e-14)
