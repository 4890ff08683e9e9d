"""Reliability, thresholds and prevalence: the pictures of `minicnn.evaluation.assessment`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.evaluation.assessment import assess
from minicnn.evaluation.chosen import choose
from minicnn.evaluation.scores import margins
from minicnn.plots import style
from minicnn.plots.prevalence import plot_prevalence
from minicnn.plots.reliability import plot_reliability
from minicnn.plots.thresholds import plot_thresholds

Draw = Callable[..., np.ndarray]
Share = Callable[[np.ndarray, str], float]


def measured(
    labels: np.ndarray, scores: np.ndarray, classes: Any, several: bool = False, **options: Any
) -> dict[str, Any]:
    chosen = choose(labels, scores, classes, multilabel=several)
    options = {"chosen": chosen, "resamples": 20, **options}
    found = assess(labels, scores, classes, multilabel=several, **options)
    return found | {"classes": list(classes)}


def two_classes(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    return labels, 2 * rng.normal(size=(n, 2)) + 3 * np.eye(2)[labels]


def six_labels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = (rng.random((90, 6)) < [0.4, 0.3, 0.2, 0.1, 0.05, 0]).astype(int)
    return labels, rng.normal(size=(90, 6)) + labels


def test_reliability_shows_both_curves(draw: Draw, share_of: Share) -> None:
    metrics = measured(*two_classes(), "ab")
    pixels = draw(plot_reliability, metrics)
    assert share_of(pixels, style.TRAIN) > 0.0005 and share_of(pixels, style.VAL) > 0.0005
    del metrics["calibration"]["scaled"]
    assert share_of(draw(plot_reliability, metrics), style.VAL) == 0


def test_reliability_of_labels_of_one_image_and_without_resamples(
    draw: Draw, odd_names: list[str]
) -> None:
    draw(plot_reliability, measured(*six_labels(), odd_names, True))
    draw(plot_reliability, measured(np.array([1]), np.array([[0.0, 90.0]]), "ab", resamples=0))
    draw(plot_reliability, measured(np.arange(9) % 3, np.eye(3)[np.arange(9) % 3], "abc"))


@pytest.mark.parametrize("given", [[], [0.0, 1.0, 0.2, 0.3, 0.4, 0.6, 0.7]])
def test_thresholds(given: list[float], draw: Draw, share_of: Share) -> None:
    labels, scores = two_classes()
    metrics = measured(labels, scores, "ab", thresholds=given)
    pixels = draw(plot_thresholds, labels, margins(scores, False)[:, 1], metrics)
    assert share_of(pixels, style.TRAIN) > 0.001 and share_of(pixels, style.THIRD) > 0.001
    draw(plot_prevalence, metrics)


def test_sensitivity_falls_from_left_to_right(draw: Draw, share_of: Share) -> None:
    labels, scores = two_classes()
    metrics = measured(labels, scores, "ab")
    pixels = draw(plot_thresholds, labels, margins(scores, False)[:, 1], metrics)
    height, width = pixels.shape[:2]
    lower = pixels[height // 2 :]
    left, right = lower[:, : width // 2], lower[:, width // 2 :]
    assert share_of(right, style.TRAIN) > 2 * share_of(left, style.TRAIN)
    assert share_of(left, style.THIRD) > 2 * share_of(right, style.THIRD)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_says_undefined(label: int, draw: Draw, share_of: Share) -> None:
    labels, scores = np.full(5, label), np.zeros((5, 2))
    metrics = measured(labels, scores, "ab")
    pixels = draw(plot_thresholds, labels, margins(scores, False)[:, 1], metrics)
    assert share_of(pixels, style.TRAIN) == 0
    assert share_of(draw(plot_prevalence, metrics), style.TRAIN) == 0


def test_prevalence_of_two_classes_and_of_labels(
    draw: Draw, share_of: Share, odd_names: list[str]
) -> None:
    pixels = draw(plot_prevalence, measured(*two_classes(), "ab"))
    assert share_of(pixels, style.TRAIN) > 0.001 and share_of(pixels, style.VAL) > 0.001
    draw(plot_prevalence, measured(*six_labels(), odd_names, True))
    draw(plot_prevalence, measured(*six_labels(), odd_names, True, chosen=None, resamples=0))
