"""What every step keeps: finite numbers, its input, and the shape it announces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.backends import use_backend
from minicnn.data.preprocess import STEPS
from minicnn.data.preprocess.pipeline import Preprocess
from minicnn.data.preprocess.spec import parse_step

WORDS = {"crop": "crop:size=5", "resize": "resize:size=5", "clahe": "clahe:tiles=3"}
KINDS = ["black", "white", "grey", "one pixel", "noise", "ramp"]


def image(kind, shape, dtype):
    _, _, height, width = shape
    x = {
        "black": np.zeros(shape),
        "white": np.ones(shape),
        "grey": np.full(shape, 0.4),
        "one pixel": np.zeros(shape),
        "noise": np.random.default_rng(0).random(shape),
        "ramp": np.broadcast_to(np.linspace(0, 1, width), shape),
    }[kind].copy()
    if kind == "one pixel":
        x[:, :, height // 2, width // 3] = 1
    return (x * 255).astype(np.uint8) if dtype == np.uint8 else x.astype(dtype)


@pytest.mark.parametrize("name", STEPS)
@settings(deadline=None, max_examples=30)
@given(
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
    channels=st.sampled_from([1, 3]),
    height=st.integers(5, 30),
    width=st.integers(5, 30),
)
def test_numbers_stay_finite_and_the_shape_is_as_announced(
    name, kind, dtype, channels, height, width
):
    with use_backend("vectorized"):
        images = image(kind, (2, channels, height, width), dtype)
        before = images.copy()
        step = parse_step(WORDS.get(name, name))
        preprocess = Preprocess([step]).fit(images)
        for wanted in (np.float32, np.float64):
            y = preprocess(images, wanted)
            assert y.dtype == wanted
            assert y.shape[1:] == preprocess.output_shape((channels, height, width))
            assert np.isfinite(y).all()
            if not step.last:
                assert y.min() >= -1e-6 and y.max() <= 1 + 1e-6
        np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", STEPS)
def test_an_image_does_not_depend_on_its_neighbours(name):
    images = np.random.default_rng(0).integers(0, 256, (6, 1, 20, 20)).astype(np.uint8)
    images[2] = 0
    with use_backend("vectorized"):
        preprocess = Preprocess([parse_step(WORDS.get(name, name))]).fit(images)
        together = preprocess(images)
        for n in range(6):
            np.testing.assert_array_equal(preprocess(images[n : n + 1])[0], together[n])


@pytest.mark.parametrize("name", STEPS)
def test_no_images_give_no_images(name):
    images = np.zeros((4, 1, 12, 12), np.uint8)
    with use_backend("vectorized"):
        preprocess = Preprocess([parse_step(WORDS.get(name, name))]).fit(images)
        y = preprocess(images[:0])
    assert y.shape == (0, *preprocess.output_shape((1, 12, 12)))


@pytest.mark.parametrize("name", [name for name in STEPS if not name.startswith("norm")])
def test_the_three_channels_of_a_grey_image_stay_the_same(name):
    grey = np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16)).astype(np.uint8)
    with use_backend("vectorized"):
        preprocess = Preprocess([parse_step(WORDS.get(name, name))])
        y = preprocess(np.repeat(grey, 3, axis=1))
        np.testing.assert_allclose(y, np.repeat(preprocess(grey), 3, axis=1), atol=0.005)


PIXELS = [WORDS.get(name, name) for name in STEPS if not name.startswith("norm")]


@settings(deadline=None, max_examples=40)
@given(
    words=st.lists(st.sampled_from(PIXELS), min_size=2, max_size=4),
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
)
def test_any_order_of_pixel_steps_works(words, kind, dtype):
    with use_backend("vectorized"):
        # White is where the rounding of one step leaves [0, 1], which another may not take.
        preprocess = Preprocess([parse_step(word) for word in words])
        y = preprocess(image(kind, (2, 1, 17, 19), dtype))
    assert np.isfinite(y).all()
    assert y.min() >= -1e-5 and y.max() <= 1 + 1e-5


@pytest.mark.parametrize("after", ["equalize", "clahe:tiles=2"])
def test_a_mean_of_white_pixels_that_is_rounded_up_is_white(after):
    white = np.ones((1, 1, 12, 12), np.float32)
    mean = parse_step("gaussian:sigma=3")
    assert mean(white).max() > 1
    y = Preprocess([mean, parse_step(after)])(white)
    np.testing.assert_allclose(y, 1, atol=1e-6)
