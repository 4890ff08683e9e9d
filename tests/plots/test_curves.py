"""Learning curves."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.plots import style
from minicnn.plots.curves import plot_curves

Draw = Callable[..., np.ndarray]
Share = Callable[[np.ndarray, str], float]


def rows(epochs: int) -> list[dict[str, float]]:
    return [
        {
            "epoch": i,
            "loss": 1 / i,
            "accuracy": 1 - 0.4 / i,
            "val_loss": 1.2 / i,
            "val_accuracy": 1 - 0.5 / i,
            "val_auc": 1 - 0.2 / i,
        }
        for i in range(1, epochs + 1)
    ]


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_curves_show_each_series_in_its_colour(epochs: int, draw: Draw, share_of: Share) -> None:
    pixels = draw(plot_curves, rows(epochs))
    left, right = np.array_split(pixels, 2, axis=1)
    for color in (style.TRAIN, style.VAL):
        assert share_of(left, color) > 0 and share_of(right, color) > 0
    assert share_of(left, style.THIRD) == 0 < share_of(right, style.THIRD)


def test_curves_without_validation_show_no_validation(draw: Draw, share_of: Share) -> None:
    only = [{k: v for k, v in row.items() if not k.startswith("val")} for row in rows(5)]
    pixels = draw(plot_curves, only)
    assert share_of(pixels, style.TRAIN) > 0
    assert share_of(pixels, style.VAL) == share_of(pixels, style.THIRD) == 0


def test_curves_survive_gaps_and_a_huge_first_loss(draw: Draw) -> None:
    odd = rows(12)
    odd[0]["loss"] = 1e6
    odd[3]["val_auc"] = float("nan")
    odd[4]["val_loss"] = float("inf")
    draw(plot_curves, odd, best_epoch=7)
    draw(plot_curves, [{"epoch": 1, "loss": float("nan")}])
    draw(plot_curves, [{"epoch": 1, "loss": 0.0, "accuracy": 1.0}])


def test_curves_of_nothing_are_an_error() -> None:
    with pytest.raises(ArgumentError, match="history is empty"):
        plot_curves([], io.BytesIO())
