"""Precision-recall curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minicnn.evaluation.scores import margins
from minicnn.evaluation.summary import summarize
from minicnn.plots import style
from minicnn.plots.precision_recall import plot_precision_recall

Draw = Callable[..., np.ndarray]
Share = Callable[[np.ndarray, str], float]


def test_two_classes_show_one_curve_over_guessing(draw: Draw, share_of: Share) -> None:
    labels = np.arange(80) % 2
    scores = np.random.default_rng(0).normal(size=(80, 2)) + 2 * np.eye(2)[labels]
    metrics = summarize(labels, scores, "ab", resamples=20)
    pixels = draw(plot_precision_recall, labels, margins(scores, False), metrics)
    assert share_of(pixels, style.TRAIN) > 0.002
    assert share_of(pixels, style.MUTED) > 0.0005


def test_a_good_curve_lies_at_the_top(draw: Draw, share_of: Share) -> None:
    labels = np.arange(80) % 2
    scores = 9 * np.eye(2)[labels]
    metrics = summarize(labels, scores, "ab", resamples=0)
    pixels = draw(plot_precision_recall, labels, scores, metrics)
    top = pixels[: len(pixels) // 4]
    assert share_of(top, style.TRAIN) > 2 * share_of(pixels[len(pixels) // 2 :], style.TRAIN)


@pytest.mark.parametrize("several", [False, True])
def test_many_curves(several: bool, draw: Draw, odd_names: list[str]) -> None:
    rng = np.random.default_rng(0)
    if several:
        labels = (rng.random((90, 6)) < [0.4, 0.3, 0.2, 0.1, 0.05, 0]).astype(int)
        scores = rng.normal(size=(90, 6)) + labels
    else:
        labels = np.arange(90) % 6
        scores = rng.normal(size=(90, 6)) + 2 * np.eye(6)[labels]
    metrics = summarize(labels, scores, odd_names, multilabel=several, resamples=20)
    pixels = draw(plot_precision_recall, labels, scores, metrics)
    assert pixels.std() > 5


@pytest.mark.parametrize("several", [False, True])
def test_without_positives_it_says_undefined(several: bool, draw: Draw, share_of: Share) -> None:
    labels = np.zeros((3, 2), int) if several else np.zeros(3, int)
    metrics = summarize(labels, np.zeros((3, 2)), "ab", multilabel=several, resamples=0)
    pixels = draw(plot_precision_recall, labels, np.zeros((3, 2)), metrics)
    assert share_of(pixels, style.TRAIN) == 0
