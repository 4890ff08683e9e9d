from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.augment import Augment
from minicnn.data.augment.mixup import Mix, draw_mix


def test_images_are_mixed_with_their_partners():
    x = np.random.default_rng(0).random((4, 2, 3, 3)).astype(np.float32)
    before = x.copy()
    y = Mix(np.array([2, 1, 3, 0]), 0.75)(x)
    assert y.dtype == np.float32
    for n, partner in enumerate([2, 1, 3, 0]):
        np.testing.assert_allclose(y[n], 0.75 * x[n] + 0.25 * x[partner], rtol=1e-6)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_come_from_the_upper_half_of_a_beta_distribution(alpha):
    rng = np.random.default_rng(0)
    shares = np.array([draw_mix(3, alpha, rng).share for _ in range(4000)])
    assert shares.min() >= 0.5 and shares.max() <= 1
    # Symmetric about 1/2 with variance 1 / (4 (2 alpha + 1)), before folding.
    assert np.mean((shares - 0.5) ** 2) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.08)


def test_every_image_is_somebodys_partner_once():
    mix = draw_mix(50, 0.4, np.random.default_rng(3))
    assert sorted(mix.partner.tolist()) == list(range(50))
    assert (mix.partner != np.arange(50)).sum() > 40


def test_nobody_is_mixed_unless_asked_for():
    rng = np.random.default_rng(0)
    assert Augment().mix(8, rng) is None
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    mix = Augment(mixup=0.2).mix(8, rng)
    assert mix is not None and len(mix.partner) == 8
