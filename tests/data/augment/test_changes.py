from __future__ import annotations

import json

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.data.augment import Augment
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
