"""ROC curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minicnn.evaluation.scores import probabilities
from minicnn.evaluation.summary import summarize
from minicnn.plots import style
from minicnn.plots.roc import plot_roc

Draw = Callable[..., np.ndarray]
Share = Callable[[np.ndarray, str], float]


def test_two_classes_show_one_curve_and_the_threshold(draw: Draw, share_of: Share) -> None:
    labels = np.arange(80) % 2
    scores = np.random.default_rng(0).normal(size=(80, 2)) + 2 * np.eye(2)[labels]
    metrics = summarize(labels, scores, "ab", resamples=20)
    pixels = draw(plot_roc, labels, probabilities(scores, False), metrics)
    assert share_of(pixels, style.TRAIN) > 0.002
    assert share_of(pixels, style.VAL) > 0.0002


def test_a_good_curve_lies_in_the_upper_left(draw: Draw, share_of: Share) -> None:
    labels = np.arange(80) % 2
    scores = 9 * np.eye(2)[labels]
    metrics = summarize(labels, scores, "ab", resamples=0)
    pixels = draw(plot_roc, labels, probabilities(scores, False), metrics)
    height, width = pixels.shape[:2]
    upper_left = pixels[: height // 2, : width // 2]
    assert share_of(upper_left, style.TRAIN) > share_of(pixels, style.TRAIN)


@pytest.mark.parametrize("several", [False, True])
def test_many_curves_and_their_mean(
    several: bool, draw: Draw, share_of: Share, odd_names: list[str]
) -> None:
    rng = np.random.default_rng(0)
    if several:
        labels = (rng.random((90, 6)) < [0.4, 0.3, 0.2, 0.1, 0.05, 0]).astype(int)
        scores = rng.normal(size=(90, 6)) + labels
    else:
        labels = np.arange(90) % 6
        scores = rng.normal(size=(90, 6)) + 2 * np.eye(6)[labels]
    metrics = summarize(labels, scores, odd_names, multilabel=several, resamples=20)
    pixels = draw(plot_roc, labels, probabilities(scores, several), metrics)
    assert share_of(pixels, style.INK) > 0.002


def test_one_class_says_undefined(draw: Draw, share_of: Share) -> None:
    metrics = summarize([0, 0, 0], np.zeros((3, 2)), "ab", resamples=0)
    pixels = draw(plot_roc, np.zeros(3, int), np.full((3, 2), 0.5), metrics)
    assert share_of(pixels, style.TRAIN) == 0
    labels = np.zeros((3, 2), int)
    metrics = summarize(labels, np.zeros((3, 2)), "ab", multilabel=True, resamples=0)
    draw(plot_roc, labels, np.full((3, 2), 0.5), metrics)
