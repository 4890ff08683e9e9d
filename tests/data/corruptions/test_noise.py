"""Noise has the moments it promises."""

from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.corruptions import noise

GREY = np.full((2, 1, 200, 200), 0.5)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("sigma", [0.04, 0.26])
def test_gaussian_noise(sigma: float) -> None:
    added = noise.gaussian_noise(GREY, sigma, rng()) - GREY
    assert added.std() == pytest.approx(sigma, rel=0.02)
    assert abs(added.mean()) < 0.01 * sigma * 3


def test_speckle_noise_grows_with_the_pixel_and_leaves_black_alone() -> None:
    x = np.stack([np.zeros((1, 200, 200)), np.full((1, 200, 200), 0.4), np.ones((1, 200, 200))])
    y = noise.speckle_noise(x, 0.2, rng())
    assert (y[0] == 0).all()
    assert (y[1] - 0.4).std() == pytest.approx(0.08, rel=0.02)
    assert (y[2] - 1).std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("share", [0.01, 0.17])
def test_impulse_noise_turns_a_share_black_and_white(share: float) -> None:
    y = noise.impulse_noise(GREY, share, rng())
    assert (y == 0).mean() == pytest.approx(share / 2, rel=0.1)
    assert (y == 1).mean() == pytest.approx(share / 2, rel=0.1)
    assert (y == 0.5).mean() == pytest.approx(1 - share, rel=0.01)


@pytest.mark.parametrize("photons", [5, 300])
def test_shot_noise_has_the_variance_of_counted_photons(photons: float) -> None:
    y = noise.shot_noise(GREY, photons, rng())
    assert y.mean() == pytest.approx(0.5, rel=0.01)
    assert y.var() == pytest.approx(0.5 / photons, rel=0.03)
    np.testing.assert_allclose(y * photons, np.rint(y * photons), atol=1e-9)
    assert (noise.shot_noise(0 * GREY, photons, rng()) == 0).all()
