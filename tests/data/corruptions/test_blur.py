"""Blurs: against scipy, and what every blur must leave as it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from minicnn.data.corruptions import blur

BLURS: list[tuple[Callable, object]] = [
    (blur.gaussian_blur, 11),
    (blur.defocus_blur, 6),
    (blur.motion_blur, (17, 12)),
    (blur.zoom_blur, 1.3),
]


def images(size: int = 40) -> np.ndarray:
    return np.random.default_rng(0).random((3, 1, size, size))


@pytest.mark.parametrize(("change", "strength"), BLURS)
def test_a_constant_stays_and_the_range_is_kept(change: Callable, strength: object) -> None:
    rng = np.random.default_rng(0)
    constant = np.full((2, 1, 24, 24), 0.37)
    np.testing.assert_allclose(change(constant, strength, rng), 0.37, atol=1e-12)
    y = change(images(), strength, rng)
    assert y.min() >= 0 and y.max() <= 1 + 1e-12
    assert y.std() < 0.8 * images().std()
    assert y.mean() == pytest.approx(images().mean(), abs=0.02)


@pytest.mark.parametrize(("change", "strength"), BLURS)
def test_the_input_is_left_alone(change: Callable, strength: object) -> None:
    x = images()
    before = x.copy()
    change(x, strength, np.random.default_rng(0))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("sigma", [0.3, 0.8, 2.0])
def test_gaussian_weights(sigma: float) -> None:
    w = blur.gaussian(sigma)
    at = np.arange(len(w)) - len(w) // 2
    assert w.sum() == pytest.approx(1) and (w == w[::-1]).all()
    # Averaging over the pixel adds a twelfth to the variance.
    if sigma > 0.5:
        assert (w * at**2).sum() == pytest.approx(sigma**2 + 1 / 12, rel=0.02)


def test_gaussian_equals_scipy_where_sampling_does_not_matter() -> None:
    x = images(224)[:1]
    kernel = 11  # sigma 2.0 at 224 pixels
    y = blur.gaussian_blur(x, kernel, np.random.default_rng(0))
    expected = ndimage.gaussian_filter(x[0, 0], 2.0, mode="nearest", truncate=4.0)
    np.testing.assert_allclose(y[0, 0], expected, atol=0.01)


def test_convolution_equals_scipy() -> None:
    x = images()
    weights = np.random.default_rng(1).random((5, 5))
    expected = ndimage.convolve(x[1, 0], weights, mode="nearest")
    np.testing.assert_allclose(blur._convolve(x, weights)[1, 0], expected, atol=1e-12)


@pytest.mark.parametrize("radius", [0.05, 0.7, 2.0, 6.0])
def test_a_disc_is_round_and_has_its_area(radius: float) -> None:
    w = blur.disc(radius)
    assert w.sum() == pytest.approx(1)
    np.testing.assert_array_equal(w, w.T)
    np.testing.assert_array_equal(w, w[::-1])
    if radius >= 1:
        assert 1 / w.max() == pytest.approx(math.pi * radius**2, rel=0.05)
        # Of a disc the variance along an axis is radius^2 / 4, of a pixel 1 / 12.
        at = np.arange(len(w)) - len(w) // 2
        expected = radius**2 / 4 + 1 / 12
        assert (w.sum(axis=0) * at**2).sum() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("degrees", [-45, 0, 30, 45])
def test_a_trail_goes_where_its_angle_says(degrees: float) -> None:
    angle = math.radians(degrees)
    w = blur.trail(8.0, 5.0, angle)
    half = len(w) // 2
    rows, columns = (np.arange(len(w)) - half for _ in range(2))
    down, right = (w.sum(axis=1) * rows).sum(), (w.sum(axis=0) * columns).sum()
    assert w.sum() == pytest.approx(1) and w.min() >= 0
    assert math.atan2(-down, right) == pytest.approx(angle, abs=0.02)
    assert w[half, half] > 0


def test_motion_differs_from_image_to_image() -> None:
    x = np.zeros((2, 1, 33, 33))
    x[:, :, 16, 16] = 1
    y = blur.motion_blur(x, (17, 12), np.random.default_rng(0))
    assert np.abs(y[0] - y[1]).max() > 0.01


@pytest.mark.parametrize("factor", [1.0, 1.1, 1.3])
def test_magnify_equals_scipy(factor: float) -> None:
    x = images(33)
    middle = 16
    grid = middle + (np.arange(33) - middle) / factor
    at = np.meshgrid(grid, grid, indexing="ij")
    expected = ndimage.map_coordinates(x[2, 0], at, order=1, mode="nearest")
    np.testing.assert_allclose(blur.magnify(x, factor)[2, 0], expected, atol=1e-12)


def test_a_small_image_is_blurred_by_less_than_one_pixel_but_visibly() -> None:
    assert blur.width_at(224) == 1
    assert blur.width_at(28) == pytest.approx(0.354, abs=1e-3)
