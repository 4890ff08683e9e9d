from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from minicnn.data.phantom.body import Body, draw_bodies
from minicnn.data.phantom.chest import lay_grid
from minicnn.data.phantom.dice import Dice
from minicnn.data.phantom.lines import Lines, dot, join, share_out
from minicnn.data.phantom.vessels import BRANCHES, draw_vessels, grow_vessels


@pytest.fixture
def body() -> Body:
    return draw_bodies(Dice(np.random.default_rng(0).random((2, 160))))


def line(x0: float, y0: float, x1: float, y1: float, radius: float, density: float = 1.0) -> Lines:
    return Lines(*(np.full((2, 1), v, np.float32) for v in (x0, y0, x1, y1, radius, density)))


def draw(lines: Lines, body: Body, samples: int, longest: float = 8.0) -> np.ndarray:
    return share_out([dot(lines, body, samples, longest=longest, widest=0.5)], samples)


@pytest.mark.parametrize("samples", [56, 128, 224])
def test_a_line_holds_its_volume_at_every_resolution(body: Body, samples: int) -> None:
    drawn = draw(line(-3, -2, 2, 4, 0.3, 1.5), body, samples)
    area = (4 * body.view_x * body.view_y / samples**2)[:, 0, 0]
    volume = drawn.sum(axis=(1, 2)) * area
    assert volume == pytest.approx(1.5 * np.pi * 0.3**2 * np.hypot(5, 6), rel=0.03)


def test_a_line_lies_where_it_says(body: Body) -> None:
    drawn = draw(line(4, 5, 4.5, 5.5, 0.2), body, 128, longest=2.0)
    grid = lay_grid(body, 128)
    weight = drawn / drawn.sum(axis=(1, 2), keepdims=True)
    assert (weight * grid.x).sum(axis=(1, 2)) == pytest.approx(4.25, abs=0.1)
    assert (weight * grid.y).sum(axis=(1, 2)) == pytest.approx(5.25, abs=0.1)


def test_what_leaves_the_picture_is_dropped(body: Body) -> None:
    far = line(100, 100, 120, 90, 0.3)
    assert not draw(far, body, 56).any()
    both = join([far, line(0, 0, 1, 1, 0.3)])
    assert both.x0.shape == (2, 2)
    assert draw(both, body, 56).any()


def test_vessels_thin_out_from_the_hila(body: Body) -> None:
    jitter = np.random.default_rng(1).standard_normal((2, BRANCHES, 3)).astype(np.float32)
    levels = grow_vessels(body, jitter)
    assert sum(level.x0.shape[1] for level in levels) == BRANCHES
    radii = [float(level.radius.mean()) for level in levels]
    assert radii == sorted(radii, reverse=True)
    # Points of several sets add up.
    points = [dot(line(k, 0, k + 1, 2, 0.2), body, 56, longest=3.0, widest=0.3) for k in (0, 4)]
    apart = share_out(points[:1], 56) + share_out(points[1:], 56)
    assert share_out(points, 56) == pytest.approx(apart, abs=1e-5)
    # Every branch starts where its parent ends.
    for parent, child in pairwise(levels):
        assert np.array_equal(parent.x1.repeat(2, axis=1), child.x0)
    blood = draw_vessels(levels, body, 112)
    across = np.abs(lay_grid(body, 112).x)
    assert blood[(across > 3) & (across < 5)].mean() > 3 * blood[across > 9].mean() > 0
