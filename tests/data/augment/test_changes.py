from __future__ import annotations

import json

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.cli.steps import add_augment_with
from minicnn.data.augment import Augment, parse_strengths
from minicnn.errors import ArgumentError, DtypeError, ShapeError

NONE = {
    "rotation": 0,
    "translation": 0,
    "scale": 0,
    "brightness": 0,
    "contrast": 0,
    "gamma": 0,
    "flip": 0,
}


@pytest.fixture
def batch():
    return np.random.default_rng(0).random((12, 2, 20, 28))


def generator():
    return np.random.default_rng(7)


def test_without_strengths_nothing_changes(batch):
    y = Augment(**NONE)(batch, generator())
    np.testing.assert_array_equal(y, batch)
    assert not np.shares_memory(y, batch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_input_is_left_alone_and_the_dtype_kept(batch, dtype):
    x = batch.astype(dtype)
    before = x.copy()
    y = Augment(gamma=0.3, flip=0.5)(x, generator())
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert not np.array_equal(y, x)
    np.testing.assert_array_equal(x, before)


def test_the_same_generator_gives_the_same_images(batch):
    first, second = (Augment()(batch, generator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, Augment()(batch, np.random.default_rng(8)))


def test_each_image_is_changed_by_itself(batch):
    same = np.repeat(batch[:1], 6, axis=0)
    y = Augment()(same, generator())
    for i in range(5):
        assert not np.allclose(y[i], y[i + 1])


def test_switching_one_change_off_leaves_the_others(batch):
    both = Augment(**NONE | {"brightness": 0.2, "contrast": 0.3})(batch, generator())
    contrast = Augment(**NONE | {"contrast": 0.3})(batch, generator())
    shift = both - contrast  # brightness alone: one number per image
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1, :1], shift.shape))
    assert np.abs(shift).max() <= 0.2 + 1e-12
    assert np.abs(shift).max() > 0.1


def test_contrast_keeps_the_mean_and_scales_the_deviation(batch):
    y = Augment(**NONE | {"contrast": 0.4})(batch, generator())
    axes = (1, 2, 3)
    np.testing.assert_allclose(y.mean(axis=axes), batch.mean(axis=axes))
    factor = y.std(axis=axes) / batch.std(axis=axes)
    assert factor.min() >= 0.6 - 1e-12
    assert factor.max() <= 1.4 + 1e-12
    assert np.ptp(factor) > 0.3


def test_gamma_leaves_black_and_white(batch):
    batch[:, :, 0, 0], batch[:, :, 0, 1] = 0, 1
    y = Augment(**NONE | {"gamma": 0.5})(batch, generator())
    assert (y[:, :, 0, 0] == 0).all()
    assert (y[:, :, 0, 1] == 1).all()
    power = np.log(y[:, 0, 5, 5]) / np.log(batch[:, 0, 5, 5])
    assert power.min() >= np.exp(-0.5) - 1e-9
    assert power.max() <= np.exp(0.5) + 1e-9
    assert np.isfinite(Augment(gamma=0.5)(batch * 4 - 2, generator())).all()


def test_a_certain_flip_is_an_exact_mirror(batch):
    y = Augment(**NONE | {"flip": 1.0})(batch, generator())
    np.testing.assert_allclose(y, batch[:, :, :, ::-1], atol=1e-12)


def test_a_flip_happens_as_often_as_it_should():
    x = np.zeros((4000, 1, 1, 2))
    x[..., 1] = 1
    with use_backend("vectorized"):
        y = Augment(**NONE | {"flip": 0.25})(x, generator())
    assert 0.22 < (y[:, 0, 0, 0] > 0.5).mean() < 0.28


def test_no_flip_unless_asked_for():
    assert Augment().flip == 0


def test_the_maps_say_where_a_pixel_comes_from():
    augment = Augment(rotation=90, translation=0.25, scale=0.5)
    turn, down, right = np.zeros((3, 5, 1))
    turn[0], down[2], right[3] = 1, 1, 1
    expected = [
        (turn, [[0, -1, 0], [1, 0, 0]]),  # a quarter turn takes rows to columns
        (down, [[1, 0, 4], [0, 1, 0]]),  # a quarter of the height
        (right, [[1, 0, 0], [0, 1, 10]]),  # a quarter of the width
    ]
    for draws, matrix in expected:
        found = augment.matrices(draws, height=16, width=40)[0]  # (2, 3)
        np.testing.assert_allclose(found, matrix, atol=1e-12)


def test_a_mirrored_and_turned_image_keeps_its_right_angles():
    draws = np.random.default_rng(0).uniform(-1, 1, (5, 20))
    a = Augment(rotation=40, scale=0.3, flip=0.5).matrices(draws, 8, 8)[:, :, :2]  # (20, 2, 2)
    steps = 1 / (1 + 0.3 * draws[1])
    np.testing.assert_allclose(
        a @ a.transpose(0, 2, 1), steps[:, None, None] ** 2 * np.eye(2), atol=1e-12
    )
    mirrored = (draws[4] + 1) / 2 < 0.5
    np.testing.assert_allclose(np.linalg.det(a), np.where(mirrored, -1, 1) * steps**2)


def test_a_larger_scale_takes_smaller_steps():
    draws = np.zeros((5, 2))
    draws[1] = [1, -1]
    a = Augment(scale=0.25).matrices(draws, 8, 8)
    np.testing.assert_allclose(a[:, 0, 0], [1 / 1.25, 1 / 0.75])
    np.testing.assert_allclose(a[:, 1, 1], [1 / 1.25, 1 / 0.75])


def test_a_blob_moves_no_further_than_the_strength():
    x = np.zeros((200, 1, 40, 40))
    x[:, :, 18:22, 18:22] = 1
    with use_backend("vectorized"):
        y = Augment(**NONE | {"translation": 0.1})(x, generator())
    rows = (y * np.arange(40)[:, None]).sum(axis=(1, 2, 3)) / y.sum(axis=(1, 2, 3)) - 19.5
    assert np.abs(rows).max() <= 4 + 1e-9
    assert np.abs(rows).max() > 3.5
    assert abs(rows.mean()) < 0.5


def test_a_round_trip_through_json():
    augment = Augment(rotation=3, gamma=0.1, flip=0.5)
    back = Augment.from_config(json.loads(json.dumps(augment.to_config())))
    assert back.to_config() == augment.to_config()
    assert "rotation=3" in repr(augment)


def test_impossible_strengths_and_batches_are_refused(batch):
    with pytest.raises(ArgumentError, match="rotation"):
        Augment(rotation=-1)
    with pytest.raises(ArgumentError, match="contrast"):
        Augment(contrast=1)
    with pytest.raises(ArgumentError, match="gamma"):
        Augment(gamma=float("nan"))
    with pytest.raises(ArgumentError, match=r"unknown augmentation zoom.*rotation"):
        Augment.from_config({"zoom": 1})
    with pytest.raises(ShapeError, match=r"\(N, C, H, W\)"):
        Augment()(batch[0], generator())
    with pytest.raises(DtypeError, match="uint8"):
        Augment()(batch.astype(np.uint8), generator())


# ---- blur, noise, cut-out ---------------------------------------------------------------

LATER = ["blur", "noise", "cutout"]


@pytest.mark.parametrize("name", LATER)
def test_what_needs_many_numbers_leaves_the_generator_where_it_was(batch, name):
    plain, more = generator(), generator()
    Augment()(batch, plain)
    Augment(**{name: 0.5})(batch, more)
    assert plain.bit_generator.state == more.bit_generator.state


@pytest.mark.parametrize("name", LATER)
def test_each_of_them_is_the_same_beside_the_others(batch, name):
    alone = Augment(**NONE | {name: 0.3})
    twice = [alone(batch, generator()) for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert not np.array_equal(twice[0], alone(batch, np.random.default_rng(8)))
    following = generator()
    first, second = alone(batch, following), alone(batch, following)
    assert not np.array_equal(first, second)


def test_noise_has_a_deviation_of_its_own_in_every_image():
    x = np.full((400, 1, 16, 16), 0.5, np.float32)
    y = Augment(**NONE | {"noise": 0.2})(x, generator()) - x
    assert y.dtype == np.float32
    deviation = y.std(axis=(1, 2, 3))
    assert deviation.max() < 0.25
    # Uniform between 0 and 0.2.
    np.testing.assert_allclose(
        np.quantile(deviation, [0.25, 0.5, 0.75]), [0.05, 0.1, 0.15], atol=0.015
    )
    assert abs(y.mean()) < 1e-3
    neighbours = np.mean(y[..., 1:] * y[..., :-1]) / np.mean(y**2)
    assert abs(neighbours) < 0.01


def test_blur_has_a_width_of_its_own_in_every_image():
    x = np.zeros((50, 1, 15, 15))
    x[:, :, 7, 7] = 1
    y = Augment(**NONE | {"blur": 2.0})(x, generator())
    np.testing.assert_allclose(y.sum(axis=(1, 2, 3)), 1, atol=0.02)
    peak = y[:, 0, 7, 7]
    assert peak.max() > 0.9 and peak.min() < 0.06
    np.testing.assert_allclose(y, y[:, :, ::-1], atol=1e-12)


def test_a_cut_out_square_is_grey_and_anywhere():
    x = np.random.default_rng(0).random((600, 1, 20, 20))
    y = Augment(**NONE | {"cutout": 0.5})(x, generator())
    cut = (y != x)[:, 0]
    for before, after, square in zip(x, y, cut, strict=True):
        if square.any():
            np.testing.assert_allclose(after[0][square], before.mean())
            rows, columns = np.flatnonzero(square.any(axis=1)), np.flatnonzero(square.any(axis=0))
            assert square.sum() == len(rows) * len(columns)  # no holes
            assert max(len(rows), len(columns)) <= 10
    often = cut.mean(axis=0)
    assert often.min() > 0.02
    assert often[5:15, 5:15].mean() == pytest.approx(0.5**2 / 3, rel=0.2)


@pytest.mark.parametrize(
    "strengths", [{"noise": 1.01}, {"blur": -1}, {"cutout": 2}, {"mixup": -0.1}]
)
def test_impossible_later_strengths_are_refused(strengths):
    (name,) = strengths
    with pytest.raises(ArgumentError, match=f"{name} is"):
        Augment(**strengths)


def test_all_at_once_stay_finite_on_degenerate_images():
    everything = Augment(gamma=1, flip=0.5, noise=0.3, blur=3, cutout=1, mixup=1)
    for shape in ((1, 1, 1, 1), (3, 1, 5, 1), (2, 3, 4, 6), (0, 1, 4, 4)):
        for level in (0.0, 0.3, 1.0):
            y = everything(np.full(shape, level, np.float32), generator())
            assert y.shape == shape and np.isfinite(y).all()


# ---- words ------------------------------------------------------------------------------


def test_strengths_in_words():
    assert parse_strengths("noise=0.05,mixup=.2,rotation=15") == {
        "noise": 0.05,
        "mixup": 0.2,
        "rotation": 15,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no augmentation ''"),
        ("nois=1", "did you mean 'noise'"),
        ("noise", "noise is ''; write its strength as a number"),
        ("noise=a", "noise is 'a'"),
        ("noise=nan", "noise is nan"),
        ("noise=2", "noise is 2.0"),
        ("noise=0.1,noise=0.2", "twice"),
        ("noise=0.1,", "no augmentation ''"),
    ],
)
def test_impossible_words_are_refused(text, words):
    with pytest.raises(ArgumentError, match=words):
        parse_strengths(text)


def test_the_help_names_every_strength_with_its_usual_value():
    import argparse

    parser = argparse.ArgumentParser()
    add_augment_with(parser)
    said = " ".join(parser.format_help().split())
    for name, value in Augment().to_config().items():
        assert f"{name}={value:g}" in said
