"""The picture of balanced errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.plots.robustness import plot_robustness

Draw = Callable[..., np.ndarray]


def table(errors: list[list[float | None]], clean: float | None) -> dict[str, Any]:
    rows = {
        f"name {i}": {"severities": list(range(1, len(row) + 1)), "balanced_error": row}
        | {"mean": None if None in row else float(np.mean(row)), "relative": 0.0}
        for i, row in enumerate(errors)
    }
    return {"clean": {"balanced_error": clean, "auc": None}, "corruptions": rows}


def test_worse_is_darker(draw: Draw) -> None:
    pixels = draw(plot_robustness, table([[0.05] * 5, [0.5] * 5], 0.05))
    height = len(pixels)
    upper, lower = pixels[: height // 2], pixels[height // 2 : 9 * height // 10]
    assert lower.mean() < upper.mean() - 40


def test_better_than_clean_and_undefined(draw: Draw) -> None:
    draw(plot_robustness, table([[0.01, None, 0.9]], 0.2))
    draw(plot_robustness, table([[None, None, None]], None))
    draw(plot_robustness, table([[0.9, 1.0]], 0.8))
