"""All corruptions: reproducible, ordered by severity, harmless to odd images."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from minicnn.data.corruptions import NAMES, SEVERITIES, corrupt, registry, table_for
from minicnn.errors import ArgumentError, DataError, DtypeError, ShapeError


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    yy, xx = np.mgrid[:28, :28]
    rng = np.random.default_rng(0)
    shade = 110 + 60 * np.sin(yy / 4) * np.cos(xx / 5)
    noisy = shade + 12 * rng.normal(size=(6, 1, 28, 28))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def test_all_that_medmnist_c_applies_to_chest_x_rays_are_there() -> None:
    known = {n for n, c in table_for(False).items() if c.of_medmnist_c}
    assert known == {
        "gaussian noise",
        "speckle noise",
        "impulse noise",
        "shot noise",
        "gaussian blur",
        "brightness up",
        "brightness down",
        "contrast up",
        "contrast down",
        "gamma up",
        "gamma down",
        "pixelate",
        "jpeg",
    }
    assert set(NAMES) - known == {"defocus blur", "motion blur", "zoom blur"}
    for multilabel in (False, True):
        assert tuple(table_for(multilabel)) == NAMES
        assert all(len(c.strengths) == 5 for c in table_for(multilabel).values())


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_each_severity_changes_more(name: str, multilabel: bool, images: np.ndarray) -> None:
    changes = []
    for severity in SEVERITIES:
        got = corrupt(images, name, severity, multilabel=multilabel)
        assert got.shape == images.shape and got.dtype == np.uint8
        changes.append(np.abs(got.astype(int) - images).mean())
    assert changes[0] > 0
    assert changes[-1] > 1.3 * changes[0]
    # The chance in noise, the grid of pixels and of JPEG may swap neighbours.
    assert all(b > 0.75 * a for a, b in itertools.pairwise(changes)), changes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_constant_images_give_no_nan_and_no_warning(name: str, level: int) -> None:
    constant = np.full((2, 1, 28, 28), level, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for severity in SEVERITIES:
            for multilabel in (False, True):
                got = corrupt(constant, name, severity, multilabel=multilabel)
                # Noise may flip single pixels, but the image stays where it was.
                if "up" not in name and "down" not in name and "noise" not in name:
                    # JPEG rounds the mean of its blocks coarsely.
                    limit = 12 if name == "jpeg" else 1
                    assert np.abs(got.astype(int) - level).max() <= limit


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name: str, images: np.ndarray) -> None:
    first = corrupt(images, name, 3, seed=1)
    np.testing.assert_array_equal(first, corrupt(images, name, 3, seed=1))
    differs = (first != corrupt(images, name, 3, seed=2)).any()
    assert differs == (name.endswith("noise") or name == "motion blur")


def test_the_same_image_twice_meets_different_noise(images: np.ndarray) -> None:
    twice = np.concatenate([images[:1], images[:1]])
    got = corrupt(twice, "gaussian noise", 5)
    assert (got[0] != got[1]).any()


def test_slices_do_not_matter_to_what_is_not_random(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {name: corrupt(images, name, 4) for name in NAMES}
    monkeypatch.setattr(registry, "CHUNK", 4)
    for name in NAMES:
        got = corrupt(images, name, 4)
        if not name.endswith("noise") and name != "motion blur":
            np.testing.assert_array_equal(got, whole[name])
    assert (corrupt(images, "gaussian noise", 4)[4:] != images[4:]).any()


def test_floats_are_taken_as_shares_of_white(images: np.ndarray) -> None:
    got = corrupt(images / 255, "brightness up", 5)
    np.testing.assert_array_equal(got, corrupt(images, "brightness up", 5))


@pytest.mark.parametrize("shape", [(0, 1, 28, 28), (2, 3, 20, 31), (1, 1, 8, 8)])
def test_other_shapes(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for name in NAMES:
        assert corrupt(pixels, name, 5).shape == shape


def test_pixels_are_rounded_to_the_nearest_level_and_cut_off() -> None:
    levels = np.arange(256)
    for shift in (-0.4, 0, 0.4):
        np.testing.assert_array_equal(registry.to_uint8((levels + shift) / 255), levels)
    np.testing.assert_array_equal(registry.to_uint8(np.array([-3.0, 7.0])), [0, 255])


def test_refuses(images: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="'fog'.*gaussian noise"):
        corrupt(images, "fog", 1)
    for severity in (0, 6, 2.5):
        with pytest.raises(ArgumentError, match="from 1 .mild. to 5"):
            corrupt(images, "jpeg", severity)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="seed is -1"):
        corrupt(images, "jpeg", 1, seed=-1)
    with pytest.raises(ShapeError, match=r"\(6, 28, 28\)"):
        corrupt(images[:, 0], "jpeg", 1)
    with pytest.raises(DtypeError, match="int64"):
        corrupt(images.astype(np.int64), "jpeg", 1)
    for bad in (images.astype(float), np.full((1, 1, 4, 4), np.nan)):
        with pytest.raises(DataError, match=r"pixels in \[0, 1\]"):
            corrupt(bad, "jpeg", 1)
