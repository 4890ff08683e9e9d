from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.data.preprocess.clahe import CLAHE, clip_histogram
from minicnn.data.preprocess.equalize import Equalize
from minicnn.errors import ArgumentError, DataError


def random_levels(shape, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, shape) / 255


# ---- histogram equalisation -------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(1, 8)] * 2),
    span=st.sampled_from([(0, 256), (100, 104), (7, 8), (0, 2)]),
)
def test_a_pixel_goes_to_the_share_of_those_not_brighter(shape, span):
    x = random_levels(shape, 0, *span)
    y = Equalize()(x)
    for image, found in zip(x.reshape(-1, *shape[2:]), y.reshape(-1, *shape[2:]), strict=True):
        darkest = np.sum(image == image.min())
        if darkest == image.size:
            np.testing.assert_array_equal(found, image)
            continue
        for value, level in zip(image.ravel(), found.ravel(), strict=True):
            expected = (np.sum(image <= value) - darkest) / (image.size - darkest)
            assert level == pytest.approx(expected, abs=1e-12)


def test_an_even_histogram_stays_and_any_curve_is_undone():
    levels = np.arange(256).reshape(1, 1, 16, 16) / 255
    np.testing.assert_allclose(Equalize()(levels), levels, atol=1e-12)
    curve = np.rint(255 * levels**2) / 255
    rising = np.diff(Equalize()(curve).ravel())
    assert rising.min() >= 0
    np.testing.assert_allclose(Equalize()(curve), levels, atol=0.07)


# ---- CLAHE ------------------------------------------------------------------------------


def clahe(image, clip, tiles):
    """Spell it out: a curve per tile, and for each pixel the four tiles around it."""
    height, width = image.shape
    level = np.rint(image * 255).astype(int)
    rows = [i * height // tiles for i in range(tiles + 1)]
    columns = [i * width // tiles for i in range(tiles + 1)]
    curves = {}
    for a in range(tiles):
        for b in range(tiles):
            part = level[rows[a] : rows[a + 1], columns[b] : columns[b + 1]].ravel()
            share = [np.sum(part == v) / part.size for v in range(256)]
            limit = clip / 256
            for _ in range(8):
                excess = sum(max(s - limit, 0) for s in share)
                room = sum(s < limit for s in share)
                if excess < 1e-6:
                    break
                share = [s + excess / room if s < limit else limit for s in share]
            share = [min(s, limit) for s in share]
            rank = np.cumsum(share) - np.array(share) / 2
            curves[a, b] = (rank - rank[0]) / (rank[-1] - rank[0])

    def around(place, bounds):
        centres = [(p + q - 1) / 2 for p, q in itertools.pairwise(bounds)]
        after = sum(c <= place for c in centres)
        if after == 0 or after == tiles:
            k = min(after, tiles - 1)
            return k, k, 0.0
        before = after - 1
        return before, after, (place - centres[before]) / (centres[after] - centres[before])

    y = np.empty(image.shape)
    for i, j in np.ndindex(image.shape):
        a0, a1, u = around(i, rows)
        b0, b1, v = around(j, columns)
        value = level[i, j]
        above = (1 - v) * curves[a0, b0][value] + v * curves[a0, b1][value]
        below = (1 - v) * curves[a1, b0][value] + v * curves[a1, b1][value]
        y[i, j] = (1 - u) * above + u * below
    return y


@settings(deadline=None, max_examples=15)
@given(
    height=st.integers(4, 11),
    width=st.integers(4, 11),
    tiles=st.integers(1, 4),
    clip=st.sampled_from([1.0, 2.0, 8.0, 256.0]),
    span=st.sampled_from([(0, 256), (100, 110)]),
)
def test_clahe_equals_its_definition(height, width, tiles, clip, span):
    x = random_levels((2, 1, height, width), 0, *span)
    y = CLAHE(clip, tiles)(x)
    for image, found in zip(x[:, 0], y[:, 0], strict=True):
        np.testing.assert_allclose(found, clahe(image, clip, tiles), atol=2e-5)


def test_clip_1_changes_nothing_and_more_stretches_more():
    x = random_levels((3, 2, 20, 20), 0, 100, 150)
    np.testing.assert_allclose(CLAHE(1, 3)(x), x, atol=1e-6)
    spread = [CLAHE(clip, 2)(x).std() for clip in (1, 2, 4, 16)]
    assert spread == sorted(spread) and spread[-1] > 3 * spread[0]


def test_no_curve_is_steeper_than_the_limit():
    ramp = np.tile(np.arange(100, 132) / 255, (32, 1))[None, None]
    step = np.diff(CLAHE(3, 1)(ramp)[0, 0, 0]) * 255
    assert step.max() <= 3.05 and step.max() > 2.9


def test_tiles_are_equalised_by_themselves():
    x = np.concatenate([random_levels((1, 1, 32, 16), 0, 20, 40), np.full((1, 1, 32, 16), 0.8)], 3)
    y = CLAHE(8, 4)(x)
    assert y[..., :8].std() > 3 * x[..., :8].std()
    assert np.ptp(y[..., 24:]) == 0


@settings(deadline=None, max_examples=30)
@given(clip=st.floats(1, 256), seed=st.integers(0, 99), few=st.integers(1, 60))
def test_clipping_spreads_what_it_cuts(clip, seed, few):
    draws = np.random.default_rng(seed)
    share = np.bincount(draws.integers(0, few, 40), minlength=256) / 40
    cut = clip_histogram(share[None], clip / 256)[0]
    assert cut.max() <= clip / 256 + 1e-12
    assert cut.min() >= 0
    assert cut.sum() == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("clip", [1, 2, 40, 256])
@pytest.mark.parametrize("level", [0, 1, 100, 255])
def test_constant_images_stay_constant(clip, level):
    x = np.full((1, 1, 12, 12), level / 255)
    for y in (CLAHE(clip, 4)(x), Equalize()(x)):
        assert np.isfinite(y).all() and np.ptp(y) < 1e-6
    if level in (0, 255):
        np.testing.assert_allclose(CLAHE(clip, 4)(x), x, atol=1e-6)


@pytest.mark.parametrize("step", [Equalize(), CLAHE()])
def test_pixels_outside_0_and_1_are_refused(step):
    for bad in (np.full((1, 1, 8, 8), 1.5), np.full((1, 1, 8, 8), np.nan)):
        with pytest.raises(DataError, match=f"{step.name} takes pixels from 0 to 1"):
            step(bad)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CLAHE(clip=0.5), "clahe: clip is 0.5.*>= 1"),
        (lambda: CLAHE(clip=float("inf")), "clip is inf"),
        (lambda: CLAHE(tiles=0), "tiles is 0"),
        (lambda: CLAHE(tiles=9).output_shape((1, 8, 20)), "tiles is 9.*8 x 20 pixels"),
    ],
)
def test_impossible_parameters_are_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()
