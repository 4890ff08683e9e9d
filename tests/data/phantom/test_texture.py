from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.phantom.texture import GRAINS, MARGIN, make_noise, texture


@pytest.mark.parametrize("cells", GRAINS)
def test_mean_and_variance(cells: int) -> None:
    rng = np.random.default_rng(0)
    side = cells + MARGIN
    maps = texture(rng.standard_normal((200, side, side)).astype(np.float32), 56)
    assert maps.shape == (200, 56, 56)
    assert maps.mean() == pytest.approx(0, abs=0.05)
    assert maps.var() == pytest.approx(1, abs=0.1)


def test_the_same_at_every_resolution() -> None:
    rng = np.random.default_rng(1)
    lattice = rng.standard_normal((1, 7 + MARGIN, 7 + MARGIN)).astype(np.float32)
    fine = texture(lattice, 168).reshape(1, 56, 3, 56, 3)[:, :, 1, :, 1]
    assert texture(lattice, 56) == pytest.approx(fine, abs=0.02)


def test_a_constant_lattice_is_a_constant() -> None:
    # The weights of a spline add up to one, apart from the scale to variance 1.
    flat = texture(np.ones((1, 19, 19), dtype=np.float32), 40)
    assert np.ptp(flat) < 1e-5
    assert flat.mean() > 1


def test_finer_grains_change_faster() -> None:
    rng = np.random.default_rng(2)
    lattices = [
        rng.standard_normal((20, n + MARGIN, n + MARGIN)).astype(np.float32) for n in GRAINS
    ]
    noise = make_noise(lattices, 112)
    steps = [
        float(np.abs(np.diff(grain, axis=2)).mean())
        for grain in (noise.coarse, noise.medium, noise.fine, noise.finest)
    ]
    assert steps == sorted(steps)
    net = noise.net()
    assert 0 <= net.min() < net.max() <= 1
