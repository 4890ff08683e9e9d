"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minicnn.evaluation.summary import summarize
from minicnn.plots.confusion import plot_confusion

Draw = Callable[..., np.ndarray]
Share = Callable[[np.ndarray, str], float]
FULL, EMPTY = "#123a68", "#f7fafc"


@pytest.mark.parametrize("classes", [2, 6, 12])
def test_every_number_of_classes_and_odd_names(
    classes: int, draw: Draw, share_of: Share, odd_names: list[str]
) -> None:
    labels = np.arange(60) % classes
    names = [odd_names[i] if i < len(odd_names) else str(i) for i in range(classes)]
    scores = np.random.default_rng(0).normal(size=(60, classes))
    pixels = draw(plot_confusion, summarize(labels, scores, names, resamples=0))
    assert share_of(pixels, FULL) < 0.2


def test_a_perfect_matrix_has_a_dark_diagonal(draw: Draw, share_of: Share) -> None:
    metrics = summarize([0, 0, 1], np.eye(2)[[0, 0, 1]] * 9, "ab", resamples=0)
    pixels = draw(plot_confusion, metrics)
    assert share_of(pixels, FULL) > 0.15  # the diagonal
    assert share_of(pixels, EMPTY) > 0.15  # the rest


def test_rows_are_the_truth(draw: Draw, share_of: Share) -> None:
    # Everything is called b: the right column is dark, the left one empty.
    metrics = summarize([0, 1], [[0.0, 9.0], [0.0, 9.0]], "ab", resamples=0)
    pixels = draw(plot_confusion, metrics)
    width = pixels.shape[1]
    assert share_of(pixels[:, int(0.6 * width) :], FULL) > 0.4
    assert share_of(pixels[:, : int(0.5 * width)], FULL) == 0


def test_several_labels_with_and_without_positives(
    draw: Draw, share_of: Share, odd_names: list[str]
) -> None:
    labels = np.zeros((20, 6), int)
    labels[:10, :3] = 1
    scores = np.where(labels == 1, 5.0, -5.0)
    pixels = draw(
        plot_confusion, summarize(labels, scores, odd_names, multilabel=True, resamples=0)
    )
    assert share_of(pixels, FULL) > 0.15  # 9 of 24 cells
