"""Two models in one picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minicnn.evaluation.comparison import compare
from minicnn.plots import style
from minicnn.plots.comparison import plot_differences, plot_two_rocs

Draw = Callable[..., np.ndarray]
Share = Callable[[np.ndarray, str], float]


@pytest.mark.parametrize("kind", ["two", "four", "labels"])
def test_both_curves_and_all_differences(
    kind: str, draw: Draw, share_of: Share, odd_names: list[str]
) -> None:
    rng = np.random.default_rng(0)
    k = {"two": 2, "four": 4, "labels": 4}[kind]
    several = kind == "labels"
    labels = rng.integers(2, size=(80, k)) if several else rng.integers(k, size=80)
    extra = labels if several else np.eye(k)[labels]
    a, b = rng.normal(size=(80, k)) + 0.2 * extra, rng.normal(size=(80, k)) + 3 * extra
    pixels = draw(plot_two_rocs, labels, [a, b], odd_names[:2])
    assert share_of(pixels, style.TRAIN) > 0.001 and share_of(pixels, style.VAL) > 0.001
    found = compare(labels, a, b, "abcd"[:k], multilabel=several, resamples=50)
    pixels = draw(plot_differences, found, odd_names[2:4])
    # The second model is better: its intervals lie to the right of the middle.
    width = pixels.shape[1]
    assert share_of(pixels[:, width // 2 :], style.TRAIN) > 0.001


def test_undefined(draw: Draw, share_of: Share) -> None:
    labels, scores = np.zeros(4, int), np.zeros((4, 2))
    pixels = draw(plot_two_rocs, labels, [scores, scores], "ab")
    assert share_of(pixels, style.TRAIN) == 0
    draw(plot_differences, compare(labels, scores, scores, "ab", resamples=0), "ab")
