from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from minicnn.data.preprocess import Normalize, NormalizeImage, PixelStep, Preprocess, pipeline
from minicnn.data.preprocess.clahe import CLAHE
from minicnn.data.preprocess.resample import Crop
from minicnn.data.preprocess.spec import parse_preprocess
from minicnn.errors import ArgumentError, DataError, DtypeError, ShapeError, StateError

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (50, 3, 9, 7)).astype(np.uint8)
IMAGES[:, 1] //= 3


def test_training_images_end_with_mean_0_and_deviation_1():
    x = Preprocess().fit(IMAGES)(IMAGES, np.float64)
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=(0, 2, 3)), 1, rtol=1e-12)


def test_the_moments_are_those_of_pixels_between_0_and_1():
    step = Normalize()
    step.fit(IMAGES)
    np.testing.assert_allclose(step.mean, (IMAGES / 255).mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(step.std, (IMAGES / 255).std(axis=(0, 2, 3)), rtol=1e-12)


def test_more_images_than_a_chunk(monkeypatch):
    whole, parts = Normalize(), Normalize()
    whole.fit(IMAGES)
    monkeypatch.setattr("minicnn.data.preprocess.normalize.CHUNK", 7)
    parts.fit(IMAGES)
    assert (whole.mean, whole.std) == (parts.mean, parts.std)


def test_float_images_are_measured_a_few_at_a_time(monkeypatch):
    images = 1e4 + rng.normal(size=(50, 2, 5, 6))
    monkeypatch.setattr("minicnn.data.preprocess.normalize.CHUNK", 7)
    step = Normalize()
    step.fit(images)
    np.testing.assert_allclose(step.mean, images.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(step.std, images.std(axis=(0, 2, 3)), rtol=1e-9)


def test_float_images_are_taken_as_they_are():
    images = rng.normal(5, 2, (20, 1, 6, 6))
    preprocess = Preprocess().fit(images)
    np.testing.assert_allclose(
        preprocess(images, np.float64), (images - images.mean()) / images.std(), rtol=1e-12
    )


@pytest.mark.parametrize("value", [0, 77, 255])
def test_constant_images_give_zeros_and_no_nan(value):
    images = np.full((3, 2, 5, 5), value, np.uint8)
    for stored in (images, images / 255):
        x = Preprocess().fit(stored)(stored)
        np.testing.assert_allclose(x, 0, atol=1e-6)
        # Another image must not be blown up by a deviation that is only rounding.
        assert np.abs(Preprocess().fit(stored)(255 - images)).max() <= 1.000001


def test_the_input_is_left_alone_and_the_dtype_obeyed():
    images = IMAGES.copy()
    preprocess = Preprocess().fit(images)
    assert preprocess(images).dtype == np.float32
    assert preprocess(images, np.float64).dtype == np.float64
    np.testing.assert_array_equal(images, IMAGES)
    floats = np.ones((2, 3, 4, 4), np.float32)
    preprocess(floats)
    assert (floats == 1).all()


def test_the_two_halves_make_the_whole():
    preprocess = Preprocess().fit(IMAGES)
    before = preprocess.before_augmentation(IMAGES)
    np.testing.assert_array_equal(before, IMAGES.astype(np.float32) / 255)
    np.testing.assert_array_equal(preprocess.after_augmentation(before), preprocess(IMAGES))


def test_a_round_trip_through_json_changes_no_bit():
    preprocess = Preprocess().fit(IMAGES)
    back = Preprocess.from_config(json.loads(json.dumps(preprocess.to_config())))
    np.testing.assert_array_equal(back(IMAGES), preprocess(IMAGES))


def test_given_moments_are_not_fitted_over():
    preprocess = Preprocess([Normalize([0.5], [0.25])]).fit(IMAGES[:, :1])
    np.testing.assert_allclose(
        preprocess(np.full((1, 1, 2, 2), 255, np.uint8)), np.full((1, 1, 2, 2), 2.0)
    )


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "'steps'"),
        ("nonsense", "'steps'"),
        ({"steps": [{"step": "sharpen"}]}, "'sharpen'.*normalize"),
        ({"steps": ["normalize"]}, "unknown"),
        ({"steps": [{"step": "normalize", "mean": [0.5]}]}, "lacks 'std'"),
        ({"steps": [{"step": "normalize", "mean": [0.5], "std": [0.0]}]}, "above 0"),
        ({"steps": [{"step": "normalize", "mean": [0.5], "std": [1, 1]}]}, "1 means and 2"),
        ({"steps": [{"step": "normalize", "mean": ["x"], "std": [1]}]}, "numbers"),
        ({"steps": [{"step": "normalize", "mean": [float("nan")], "std": [1]}]}, "finite"),
    ],
)
def test_a_damaged_description_is_refused(config, words):
    with pytest.raises(ArgumentError, match=words):
        Preprocess.from_config(config)


def test_impossible_input_is_refused():
    preprocess = Preprocess().fit(IMAGES)
    with pytest.raises(ShapeError, match=r"1 channels.*3"):
        preprocess(IMAGES[:, :1])
    with pytest.raises(ShapeError, match=r"\(N, C, H, W\)"):
        preprocess(IMAGES[0])
    with pytest.raises(DtypeError, match="int64"):
        preprocess(IMAGES.astype(np.int64))
    with pytest.raises(StateError, match="fit"):
        Preprocess()(IMAGES)
    with pytest.raises(StateError, match="fit"):
        Preprocess().to_config()
    with pytest.raises(DataError, match="no training images"):
        Preprocess().fit(IMAGES[:0])
    with pytest.raises(ArgumentError, match="one of mean and std"):
        Normalize(mean=[0.5])
    bad = np.ones((4, 1, 2, 2))
    bad[2, 0, 1, 1] = np.nan
    with pytest.raises(DataError, match="image 2"):
        Preprocess().fit(bad)


def test_a_step_before_augmentation_cannot_follow_the_normalisation():
    class Blur(Normalize):
        name = "blur"
        last = False

    with pytest.raises(ArgumentError, match="normalize, blur.*order"):
        Preprocess([Normalize(), Blur()])
    assert Preprocess([Blur(), Normalize()]).steps


def test_fixed_moments_for_another_number_of_channels_are_refused():
    with pytest.raises(ShapeError, match="1 means, and the images have 3 channels"):
        Preprocess([Normalize([0.5], [0.25])]).output_shape((3, 8, 8))


# ---- normalisation per image ------------------------------------------------------------


def test_every_image_gets_mean_0_and_deviation_1():
    x = Preprocess([NormalizeImage()])(IMAGES, np.float64)
    np.testing.assert_allclose(x.mean(axis=(2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=(2, 3)), 1, rtol=1e-9)
    brighter = np.clip(IMAGES.astype(float) / 512 + 0.2, 0, 1)
    np.testing.assert_allclose(Preprocess([NormalizeImage()])(brighter, np.float64), x, atol=1e-9)


def test_an_image_with_hardly_anything_in_it_is_not_blown_up():
    faint = np.full((2, 1, 8, 8), 100, np.uint8)
    faint[1, 0, 3, 3] = 101
    x = Preprocess([NormalizeImage()])(faint)
    assert np.abs(x[0]).max() < 1e-6
    assert np.abs(x[1]).max() < 0.01


# ---- pixel steps ------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Darken(PixelStep):
    """Halve every pixel, and count the images seen."""

    name = "darken"
    seen: list = dataclasses.field(default_factory=list)

    def __call__(self, x):
        self.seen.append(len(x))
        return x / 2


def test_pixel_steps_are_done_in_order_and_rounded_once():
    preprocess = Preprocess([Darken(), Darken(), Crop(3)])
    prepared = preprocess.prepare(IMAGES)
    assert prepared.dtype == np.uint8
    height, width = IMAGES.shape[2:]
    rows = slice((height - 3) // 2, (height - 3) // 2 + 3)
    columns = slice((width - 3) // 2, (width - 3) // 2 + 3)
    middle = IMAGES[:, :, rows, columns].astype(float)
    np.testing.assert_allclose(prepared, middle / 4, atol=0.5 + 1e-4)
    floats = preprocess.prepare(IMAGES / 255)
    assert floats.dtype == np.float64
    np.testing.assert_allclose(floats, middle / 4 / 255, rtol=1e-6)


def test_images_are_prepared_a_few_at_a_time(monkeypatch):
    told = []
    whole = Preprocess([Darken()]).prepare(IMAGES)
    monkeypatch.setattr(pipeline, "CHUNK_PIXELS", 7 * IMAGES[0].size)
    step = Darken()
    np.testing.assert_array_equal(
        Preprocess([step]).prepare(IMAGES, lambda *a: told.append(a)), whole
    )
    assert step.seen == [7] * (len(IMAGES) // 7) + [len(IMAGES) % 7] * (len(IMAGES) % 7 > 0)
    assert told[-1] == (len(IMAGES), len(IMAGES)) and told == sorted(told)


def test_without_pixel_steps_nothing_is_copied():
    assert Preprocess().prepare(IMAGES) is IMAGES


def test_prepared_images_only_need_the_finish():
    preprocess = Preprocess([CLAHE(3, 2), Normalize()]).fit(IMAGES)
    prepared = preprocess.prepare(IMAGES)
    np.testing.assert_array_equal(preprocess.finishing()(prepared), preprocess(IMAGES))
    np.testing.assert_array_equal(
        preprocess.before_augmentation(IMAGES), prepared.astype(np.float32) / 255
    )
    fresh = Preprocess([CLAHE(3, 2), Normalize()])
    assert not fresh.fitted
    np.testing.assert_array_equal(fresh.fit_prepare(IMAGES), prepared)
    assert fresh.fitted and fresh.to_config() == preprocess.to_config()


def test_the_normalisation_is_measured_after_the_pixel_steps():
    preprocess = Preprocess([Darken(), Normalize()]).fit(IMAGES)
    x = preprocess(IMAGES, np.float64)
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=(0, 2, 3)), 1, rtol=1e-12)


def test_a_stored_pipeline_of_many_steps_does_the_same():
    first = parse_preprocess(["clahe:clip=3,tiles=2", "median", "resize:size=5"]).fit(IMAGES)
    back = Preprocess.from_config(json.loads(json.dumps(first.to_config())))
    np.testing.assert_array_equal(back(IMAGES), first(IMAGES))
    assert back.output_shape(IMAGES.shape[1:]) == (3, 5, 5)


def test_what_was_stored_before_there_were_pixel_steps_is_read():
    old = {"steps": [{"step": "normalize", "mean": [0.5], "std": [0.25]}]}
    x = Preprocess.from_config(old)(np.full((1, 1, 2, 2), 255, np.uint8))
    np.testing.assert_allclose(x, 2)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"step": "crop"}, "lacks 'size'"),
        ({"step": "crop", "size": "8"}, "size is '8'"),
        ({"step": "clahe", "clip": 2, "colour": 3}, "no parameter colour; it takes clip, tiles"),
        ({"step": "equalize", "x": 1}, "no parameter x; it takes no parameters"),
        ({"step": "normalize-image", "x": 1}, "no parameter x; it takes no parameters"),
        ({"step": ["crop"]}, "unknown"),
    ],
)
def test_a_damaged_step_is_refused(entry, words):
    with pytest.raises(ArgumentError, match=words):
        Preprocess.from_config({"steps": [entry]})
