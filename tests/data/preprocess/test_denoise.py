from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from minicnn.data.preprocess.denoise import Gaussian, Median
from minicnn.data.preprocess.nonlocal_means import NonLocalMeans
from minicnn.errors import ArgumentError

SHAPES = st.tuples(*[st.integers(1, 2)] * 2, *[st.integers(5, 12)] * 2)


@settings(deadline=None, max_examples=30)
@given(shape=SHAPES, size=st.sampled_from([1, 3, 5]))
def test_the_median_equals_scipys(shape, size):
    x = np.random.default_rng(0).random(shape)
    expected = ndimage.median_filter(x, (1, 1, size, size), mode="nearest")
    np.testing.assert_array_equal(Median(size)(x), expected)


def test_the_gaussian_equals_scipys():
    x = np.random.default_rng(0).random((2, 2, 9, 12))
    expected = ndimage.gaussian_filter(x, (0, 0, 1.3, 1.3), mode="nearest")
    np.testing.assert_allclose(Gaussian(1.3)(x), expected, atol=1e-12)


def non_local_means(image, strength, patch, search):
    """Spell out the equation, pixel by pixel and patch by patch."""
    near, far = patch // 2, search // 2
    wide = np.pad(image, near + far, mode="symmetric")

    def surroundings(i, j):
        i, j = i + far, j + far
        return wide[i : i + patch, j : j + patch]

    y = np.empty_like(image)
    for i, j in np.ndindex(image.shape):
        total = weights = 0.0
        for down in range(-far, far + 1):
            for right in range(-far, far + 1):
                there = surroundings(i + down, j + right)
                weight = np.exp(-np.mean((surroundings(i, j) - there) ** 2) / strength**2)
                weights += weight
                total += weight * there[near, near]
        y[i, j] = total / weights
    return y


@settings(deadline=None, max_examples=15)
@given(
    height=st.integers(1, 8),
    width=st.integers(1, 8),
    patch=st.sampled_from([1, 3, 5]),
    search=st.sampled_from([3, 5]),
)
def test_non_local_means_equal_their_equation(height, width, patch, search):
    x = np.random.default_rng(0).random((2, 1, height, width))
    y = NonLocalMeans(0.3, patch, search)(x)
    for image, found in zip(x[:, 0], y[:, 0], strict=True):
        np.testing.assert_allclose(found, non_local_means(image, 0.3, patch, search), rtol=1e-10)


def test_non_local_means_take_the_noise_and_leave_the_edge():
    rng = np.random.default_rng(0)
    clean = np.zeros((1, 1, 24, 24))
    clean[..., 12:] = 0.6
    noisy = clean + 0.05 * rng.normal(size=clean.shape)
    y = NonLocalMeans(0.1, 3, 9)(noisy)
    error = np.sqrt(np.mean((y - clean) ** 2))
    blurred = np.sqrt(np.mean((Gaussian(1.5)(noisy) - clean) ** 2))
    assert error < 0.025 < blurred
    assert (y[..., 12] - y[..., 11]).mean() > 0.55


def test_a_hardly_anything_like_strength_leaves_the_image():
    x = np.random.default_rng(0).random((1, 1, 8, 8))
    np.testing.assert_allclose(NonLocalMeans(1e-3)(x), x, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Median(4), "median: size is 4; give an odd number.*3 or 5"),
        (lambda: Median(0), "size is 0"),
        (lambda: Gaussian(0), "gaussian: sigma is 0.*> 0"),
        (lambda: Gaussian(float("nan")), "sigma is nan"),
        (lambda: Gaussian(51), "<= 50"),
        (lambda: NonLocalMeans(0), "nlm: strength is 0"),
        (lambda: NonLocalMeans(patch=2), "patch is 2"),
        (lambda: NonLocalMeans(search=1), "search is 1"),
        (lambda: Median(9).output_shape((1, 8, 20)), "median: size is 9.*8 x 20"),
    ],
)
def test_impossible_parameters_are_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()
