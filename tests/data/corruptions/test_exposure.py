"""Brightness, contrast and gamma: against Pillow and the formula."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from minicnn.data.corruptions import exposure
from minicnn.data.corruptions.registry import to_uint8

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 1, 30, 20)).astype(np.uint8)


@pytest.mark.parametrize("factor", [0.4, 0.9, 1.1, 1.6])
@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_equal_pillow_to_one_level(name: str, factor: float) -> None:
    got = to_uint8(getattr(exposure, name)(IMAGES / 255, factor, RNG))
    enhance = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast}[name]
    for k in range(2):
        theirs = np.asarray(enhance(Image.fromarray(IMAGES[k, 0])).enhance(factor))
        assert np.abs(got[k, 0].astype(int) - theirs).max() <= 1


def test_contrast_is_about_each_images_own_mean() -> None:
    x = np.stack([np.full((1, 4, 4), 0.2), np.full((1, 4, 4), 0.8)])
    np.testing.assert_allclose(exposure.contrast(x, 0.4, RNG), x, atol=1e-15)


@pytest.mark.parametrize("power", [0.4, 1.6])
def test_gamma(power: float) -> None:
    x = np.array([0.0, 0.25, 1.0]).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(exposure.gamma(x, power, RNG).ravel(), [0, 0.25**power, 1])
