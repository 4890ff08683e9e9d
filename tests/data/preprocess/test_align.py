from __future__ import annotations

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.data.preprocess.align import Align, _matrices
from minicnn.data.preprocess.lungs import find_lungs, otsu
from minicnn.data.preprocess.symmetry import find_axis, turn
from minicnn.errors import ArgumentError


@pytest.fixture(autouse=True)
def _quick_backend():
    use_backend("vectorized")


def chest(size=40, axis=0.0, down=0.0, larger=1.0):
    """Draw two dark lungs in a body that grows brighter downwards, (1, size, size)."""
    row, column = np.mgrid[:size, :size] - (size - 1) / 2
    row, column = (row - down) / (size * larger), (column - axis) / (size * larger)

    def ellipse(r, c, height, width):
        inside = 1 - np.hypot((row - r) / height, (column - c) / width)
        return np.clip(inside * 6 + 0.5, 0, 1)

    image = 0.75 + 0.2 * row
    for side in (-1, 1):
        image -= 0.55 * ellipse(-0.02, side * 0.19, 0.27, 0.12)
    return np.clip(image, 0, 1)[None]


# ---- the axis ---------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [-11, -4, 0, 2.5, 9])
@pytest.mark.parametrize("size", [28, 40])
def test_a_turn_is_found(angle, size):
    turned = turn(chest(size), np.array([float(angle)]))
    found, offset = find_axis(turned, 15)
    assert found[0] == pytest.approx(-angle, abs=1.2)
    assert abs(offset[0]) < 0.5


@pytest.mark.parametrize("angle", [-2.5, -1, 0.5, 1.5, 4.3])
def test_an_angle_between_those_tried_is_found(angle):
    found, _ = find_axis(turn(chest(40), np.array([angle])), 15)
    assert found[0] == pytest.approx(-angle, abs=0.25)


def test_turning_clockwise_moves_the_top_to_the_right():
    x = np.zeros((1, 9, 9))
    x[0, 0, 4] = 1
    assert turn(x, np.array([90.0]))[0].argmax() == 4 * 9 + 8


@pytest.mark.parametrize("axis", [-4, -0.5, 0, 3])
def test_the_axis_is_found(axis):
    angle, offset = find_axis(chest(40, axis), 15)
    assert offset[0] == pytest.approx(axis, abs=0.4)
    assert abs(angle[0]) < 0.5
    _, alone = find_axis(chest(40, axis), 0)
    assert alone[0] == pytest.approx(axis, abs=0.4)


def test_each_image_has_its_own_axis():
    x = np.concatenate([chest(40, axis) for axis in (-3, 0, 2)])
    x = turn(x, np.array([5.0, -6.0, 0.0]))
    together = find_axis(x, 12)
    for n in range(3):
        alone = find_axis(x[n : n + 1], 12)
        np.testing.assert_allclose([t[n] for t in together], [a[0] for a in alone], atol=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 40), (40, 3)])
@pytest.mark.parametrize("kind", ["black", "white", "noise"])
def test_an_image_without_an_axis(size, kind):
    x = {
        "black": np.zeros((2, *size)),
        "white": np.ones((2, *size)),
        "noise": np.random.default_rng(0).random((2, *size)),
    }[kind]
    angle, offset = find_axis(x, 10)
    assert np.isfinite(angle).all() and np.isfinite(offset).all()
    assert (np.abs(angle) <= 10).all() and (np.abs(offset) <= max(size)).all()
    if kind != "noise":
        assert (angle == 0).all() and (offset == 0).all()


# ---- the lungs --------------------------------------------------------------------------


def test_otsu_lies_between_two_groups():
    x = np.concatenate([np.full(60, 0.2), np.full(40, 0.7)]).reshape(1, 10, 10)
    every = np.ones_like(x, bool)
    assert 0.2 <= otsu(x, every)[0] <= 0.7
    assert (x < otsu(x, every)[0]).sum() == 60
    assert otsu(x, x > 0.5)[0] <= 0.7  # one level only
    assert otsu(x, ~every)[0] == 0


def test_otsu_maximises_the_variance_between_the_groups():
    x = np.random.default_rng(0).beta(2, 5, (3, 12, 12))
    level = np.rint(x * 255).astype(int)
    for image, found in zip(level, otsu(x, np.ones_like(x, bool)), strict=True):

        def between(t, image=image):
            dark, bright = image[image <= t], image[image > t]
            return dark.size * bright.size * (dark.mean() - bright.mean()) ** 2

        tried = range(image.min(), image.max())
        assert between(int(found * 255)) == pytest.approx(max(map(between, tried)))


@pytest.mark.parametrize("larger", [0.8, 1.0, 1.15])
def test_the_box_lies_around_both_lungs(larger):
    x = chest(60, larger=larger)
    box, found = find_lungs(x)
    assert found[0]
    size = 60 * larger
    expected = np.array([-0.29, 0.25, -0.31, 0.31]) * size
    np.testing.assert_allclose(box[0], expected, atol=0.07 * size)


def test_air_beside_the_body_is_no_lung():
    x = chest(60)
    expected, _ = find_lungs(x)
    x[:, :, :5] = x[:, :, -5:] = x[:, :4] = 0.02
    box, found = find_lungs(x)
    assert found[0]
    np.testing.assert_allclose(box, expected, atol=2)


def test_one_white_lung_does_not_shift_the_box():
    x = chest(60)
    x[:, :, 30:] = 0.75
    box, found = find_lungs(x)
    assert found[0]
    assert box[0, 2] == pytest.approx(-box[0, 3], abs=1)
    assert box[0, 3] > 0.2 * 60


# ---- both -------------------------------------------------------------------------------


def test_aligned_images_look_alike():
    poses = [(0, 0, 1.0, 0), (3, -2, 0.85, 6), (-4, 3, 1.1, -8), (2, 2, 0.9, 4)]
    x = np.stack([chest(56, axis, down, larger) for axis, down, larger, _ in poses])
    x = turn(x[:, 0], np.array([float(angle) for *_, angle in poses]))[:, None]
    y = Align(scale=0.8)(x)
    apart = [np.abs(a[n] - a[0]).mean() for a in (x, y) for n in (1, 2, 3)]
    assert np.mean(apart[3:]) < 0.5 * np.mean(apart[:3])
    assert all(after < before for before, after in zip(apart[:3], apart[3:], strict=True))


@pytest.mark.parametrize("fill", [0.6, 0.9])
def test_the_lungs_fill_what_they_shall(fill):
    x = turn(chest(60, 4, -3, 0.8), np.array([6.0]))[:, None]
    y = Align(scale=1, fill=fill)(x)[:, 0]
    box, found = find_lungs(y)
    assert found[0]
    top, bottom, left, right = box[0]
    assert max(bottom - top, right - left) + 1 == pytest.approx(fill * 60, abs=4)
    assert (top + bottom) / 2 == pytest.approx(0, abs=1.5)
    assert (left + right) / 2 == pytest.approx(0, abs=1.5)


def test_one_warp_does_what_turning_moving_and_scaling_do():
    angle, down, right, zoom = np.array([[20.0], [3.0], [-2.0], [1.5]])
    matrix = _matrices(angle, down, right, zoom)[0]
    cos, sin = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))
    turned = np.array([[cos, -sin], [sin, cos]])  # as in `turn`
    for place in ([0, 0], [1, 0], [4, -7]):
        expected = turned @ (np.array(place) / 1.5 + [3, -2])
        np.testing.assert_allclose(matrix @ [*place, 1], expected, atol=1e-12)


def test_what_is_switched_off_is_left_alone():
    x = turn(chest(40, 3, 2, 0.8), np.array([7.0]))[:, None]
    still = Align(rotation=0, shift=0, scale=0).matrices(x)
    np.testing.assert_allclose(still, [[[1, 0, 0], [0, 1, 0]]], atol=1e-12)
    turned = Align(shift=0, scale=0).matrices(x)[0]
    np.testing.assert_allclose(turned[:, :2] @ turned[:, :2].T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(turned[:, 2], 0, atol=1e-12)
    assert abs(turned[1, 0]) > 0.05
    moved = Align(rotation=0, scale=0).matrices(x)[0]
    np.testing.assert_allclose(moved[:, :2], np.eye(2), atol=1e-12)
    assert np.abs(moved[:, 2]).max() > 1


def test_no_change_is_larger_than_allowed():
    rng = np.random.default_rng(0)
    x = rng.random((20, 1, 24, 24)) * (rng.random((20, 1, 1, 1)) > 0.2)
    maps = Align(rotation=5, shift=0.1, scale=0.2).matrices(x)
    zoom = 1 / np.sqrt(np.linalg.det(maps[:, :, :2]))
    assert (zoom >= 1 / 1.2 - 1e-9).all() and (zoom <= 1.2 + 1e-9).all()
    angle = np.rad2deg(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert (np.abs(angle) <= 5 + 1e-9).all()
    assert (np.hypot(maps[:, 0, 2], maps[:, 1, 2]) <= np.hypot(2.4, 2.4) + 1e-9).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rotation": 46}, "align: rotation is 46.*<= 45"),
        ({"rotation": -1}, "rotation is -1"),
        ({"shift": 0.6}, "shift is 0.6"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"fill": 0}, "fill is 0.*> 0"),
    ],
)
def test_impossible_parameters_are_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        Align(**options)


def test_real_chests_that_were_turned_are_turned_back(real_data):
    from minicnn.data.medmnist import read_npz

    train = read_npz(real_data / "pneumoniamnist_dev.npz").train
    x = train.images[train.labels == 0][:60, 0] / 255
    before, _ = find_axis(x, 12)
    for degrees in (-6.0, 5.0):
        after, _ = find_axis(turn(x, np.full(60, degrees)), 12)
        error = np.abs(after - before + degrees)
        assert np.median(error) < 0.8
        assert np.quantile(error, 0.9) < 2
    _, found = find_lungs(x)
    assert found.mean() > 0.9
