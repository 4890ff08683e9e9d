"""A row per image, a column per version of it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from minicnn.errors import ShapeError
from minicnn.plots import style
from minicnn.plots.rows import plot_rows

Draw = Callable[..., np.ndarray]


def test_versions_may_differ_in_size_and_range(draw: Draw, odd_names: list[str]) -> None:
    rng = np.random.default_rng(0)
    columns = [
        ("as it is", rng.random((6, 3, 28, 28))),
        ("half\nsize=14", rng.random((6, 3, 14, 14)) * 3 - 1),
        ("$x_1$ 肺 " + "long " * 20, rng.random((6, 1, 40, 9))),
    ]
    for histograms in (False, True):
        draw(plot_rows, columns, odd_names, title="$100", histograms=histograms)


def test_pixels_are_shown_where_they_belong(draw: Draw) -> None:
    black, white = np.zeros((1, 1, 4, 4)), np.full((1, 1, 4, 4), 7.0)
    pixels = draw(plot_rows, [("a", black), ("b", white), ("c", black)], ["x"])
    middle = pixels[pixels.shape[0] // 2, :, 0]
    dark = middle < 10
    assert 0.55 < dark.mean() < 0.7
    third = len(dark) // 3
    assert dark[:third].mean() > 0.8 and dark[-third:].mean() > 0.8
    assert dark[third:-third].mean() < 0.2


def test_histograms_show_both_versions(
    draw: Draw, share_of: Callable[[np.ndarray, str], float]
) -> None:
    rng = np.random.default_rng(0)
    columns = [("a", rng.random((2, 1, 30, 30)) / 3), ("b", 0.6 + rng.random((2, 1, 30, 30)) / 3)]
    with_them = draw(plot_rows, columns, ["x", "y"], histograms=True)
    without = draw(plot_rows, columns, ["x", "y"])
    assert with_them.shape[1] > without.shape[1]
    places = []
    for color in (style.TRAIN, style.VAL):
        assert share_of(without, color) == 0
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        below_the_head = with_them[60:]
        places.append(np.flatnonzero((np.abs(below_the_head - wanted).max(axis=-1) < 12).any(0)))
    # The dark third of the grey levels before, a brighter one after.
    assert len(places[0]) > 40 and len(places[1]) > 40
    assert places[0].max() < places[1].min()


@pytest.mark.parametrize(("shape", "captions"), [((2, 1, 4, 4), 1), ((0, 1, 4, 4), 0)])
def test_each_row_needs_a_caption(shape: tuple[int, ...], captions: int) -> None:
    with pytest.raises(ShapeError, match="one caption each"):
        plot_rows([("a", np.zeros(shape))], ["x"] * captions, io.BytesIO())
    with pytest.raises(ShapeError, match="'b'.*\\(4, 4\\)"):
        plot_rows([("b", np.zeros((4, 4)))], ["x"], io.BytesIO())
