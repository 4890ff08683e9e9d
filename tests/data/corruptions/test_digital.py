"""Coarse pixels and JPEG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from minicnn.data.corruptions import digital

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("size", "share"), [(28, 0.5), (28, 0.4), (30, 0.3), (24, 0.9)])
def test_pixelate_is_the_mean_over_areas(size: int, share: float) -> None:
    x = RNG.random((size, size))
    coarse = int(size * share)
    # On a grid that both sizes divide, a mean over areas is a mean over whole cells.
    fine = x.repeat(coarse, axis=0).repeat(coarse, axis=1)  # (size * coarse) squared
    small = fine.reshape(coarse, size, coarse, size).mean(axis=(1, 3))
    fine = small.repeat(size, axis=0).repeat(size, axis=1)
    expected = fine.reshape(size, coarse, size, coarse).mean(axis=(1, 3))
    got = digital.pixelate(x[None, None], share, RNG)[0, 0]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_pixelate_equals_pillow() -> None:
    pixels = RNG.random((224, 224)).astype(np.float32)
    picture, box = Image.fromarray(pixels, mode="F"), Image.Resampling.BOX
    theirs = np.asarray(picture.resize((56, 56), box).resize((224, 224), box))
    got = digital.pixelate(pixels[None, None].astype(float), 0.25, RNG)[0, 0]
    np.testing.assert_allclose(got, theirs, atol=1e-5)


def test_pixelate_gives_blocks() -> None:
    x = RNG.random((2, 1, 28, 28))
    y = digital.pixelate(x, 0.25, RNG)
    blocks = x.reshape(2, 1, 7, 4, 7, 4).mean(axis=(3, 5))
    np.testing.assert_allclose(y, blocks.repeat(4, axis=2).repeat(4, axis=3), atol=1e-12)


def test_pixelate_of_a_tiny_image_is_its_mean() -> None:
    x = RNG.random((1, 1, 3, 5))
    np.testing.assert_allclose(digital.pixelate(x, 0.1, RNG), x.mean(), atol=1e-12)


def test_areas_share_every_cell_out() -> None:
    for n_in, n_out in ((28, 11), (11, 28), (7, 7), (1, 5)):
        weights = digital.areas(n_in, n_out)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
        np.testing.assert_allclose(weights.sum(axis=0), n_out / n_in, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_jpeg_is_pillows_and_worse_at_lower_quality(channels: int) -> None:
    yy, xx = np.mgrid[:32, :32]
    smooth = (128 + 60 * np.sin(yy / 5) + 50 * np.cos(xx / 4)).astype(np.uint8)
    images = np.tile(smooth, (2, channels, 1, 1))
    errors = []
    for quality in (50, 7):
        got = digital.jpeg(images, quality)
        assert got.shape == images.shape and got.dtype == np.uint8
        errors.append(np.abs(got.astype(int) - images).mean())
    assert 0 < errors[0] < errors[1]
    file = io.BytesIO()
    Image.fromarray(smooth).save(file, "JPEG", quality=7)
    if channels != 3:
        np.testing.assert_array_equal(got[0, 0], np.asarray(Image.open(file)))
