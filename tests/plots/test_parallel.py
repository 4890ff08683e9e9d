from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.plots import parallel
from minicnn.plots.parallel import FAILED, Axis, plot_parallel

Draw = Callable[..., np.ndarray]
AXES = [
    Axis("lr", [1e-4, 1e-3, 1e-2, 1e-1], "log"),
    Axis("model", ["lenet", "vgg", "lenet", None], "category"),
    Axis("epochs", [1, 2, 3, 9]),
    Axis("val AUC", [0.9, 0.95, 0.97, None]),
]


def test_the_best_is_dark_and_a_trial_without_score_red(
    draw: Draw, share_of: Callable[[np.ndarray, str], float]
) -> None:
    pixels = draw(lambda file: plot_parallel(AXES, [0.9, 0.95, 0.97, None], file, title="search"))
    assert share_of(pixels, FAILED) > 1e-4 or share_of(pixels, "#d4786c") > 1e-4
    assert share_of(pixels, "#481a6c") > 1e-3  # the darkest of the ranked colours
    all_good = draw(lambda file: plot_parallel(AXES, [0.9, 0.95, 0.97, 0.1], file))
    assert share_of(all_good, FAILED) == 0


def test_the_same_trials_give_the_same_bytes(draw: Draw) -> None:
    first, again = (
        draw(lambda file: plot_parallel(AXES, [0.9, 0.95, 0.97, None], file)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_heights_and_ticks() -> None:
    heights, ticks = parallel._numbers(Axis("lr", [1e-3, 1e-2, 1e-1, None], "log"))
    assert heights[:3] == pytest.approx([0, 0.5, 1]) and np.isnan(heights[3])
    assert ticks[0] == (0.0, "0.001") and ticks[2][1] == "0.01"
    heights, ticks = parallel._numbers(Axis("epochs", [1, 3, 2]))
    assert heights == [0, 1, 0.5] and ticks == [(0, "1"), (0.5, "2"), (1, "3")]
    heights, ticks = parallel._numbers(Axis("x", [2.0, 2.0]))
    assert heights == [0.5, 0.5] and ticks == [(0.5, "2")]


def test_one_bad_trial_does_not_press_the_others_together() -> None:
    values = [0.98, 0.981, 0.982, 0.983, 0.984, 0.5]
    heights, ticks = parallel._numbers(Axis("auc", values, clip=True))
    assert heights[5] == 0 and min(heights[:5]) > 0.3 and heights[4] == 1
    assert ticks[0][1].startswith("up to 0.97")
    plain, _ = parallel._numbers(Axis("auc", values))
    assert min(plain[:5]) > 0.98


def test_odd_trials_can_be_drawn(draw: Draw, odd_names: list[str]) -> None:
    for axes, scores in (
        ([Axis("lr", [0.1], "log")], [1.0]),
        ([Axis("lr", [0.1, 0.1], "log"), Axis("auc", [None, None])], [None, None]),
        ([Axis(name, [name], "category") for name in odd_names], [0.5]),
    ):
        assert draw(lambda file, a=axes, s=scores: plot_parallel(a, s, file)).size


def test_what_cannot_be_drawn_is_refused(draw: Draw) -> None:
    for axes, scores, words in (
        ([], [1.0], "nothing to draw"),
        (AXES, [], "nothing to draw"),
        (AXES, [1.0], "4 values for 1 trials"),
        ([Axis("a", [1], "cubic")], [1.0], "scale is 'cubic'"),
    ):
        with pytest.raises(ArgumentError, match=words):
            draw(lambda file, a=axes, s=scores: plot_parallel(a, s, file))
