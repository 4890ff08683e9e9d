"""Robustness as a picture: the error under each corruption, mild to strong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.plots import style


def plot_robustness(
    robustness: Mapping[str, Any], target: style.Target, *, title: str = ""
) -> None:
    """Draw the table of balanced errors, coloured by what each adds to the clean error.

    Parameters
    ----------
    robustness
        As `minicnn.evaluation.robustness.measure_robustness` returns it.
    target
        A path, or an open binary file, for the PNG.
    """
    corruptions = robustness["corruptions"]
    clean = robustness["clean"]["balanced_error"]
    severities = next(iter(corruptions.values()))["severities"]
    rows = [[*c["balanced_error"], c["mean"]] for c in corruptions.values()]
    table = np.array([[np.nan if v is None else v for v in row] for row in rows])  # (K, S + 1)
    figure = style.chart(6.6, 0.3 * len(table) + 1.5)
    axes = figure.add_subplot()
    # White is the clean error or less, the darkest is guessing.
    low = 0.0 if clean is None else clean
    axes.imshow(
        np.nan_to_num(table, nan=low),
        cmap=style.sequential(),
        vmin=low,
        vmax=max(0.5, low + 0.05),
        aspect="auto",
    )
    shown = "undefined" if clean is None else f"{clean:.3f}"
    style.style_axes(axes, title or f"Balanced error under corruption (clean: {shown})")
    axes.grid(visible=False)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(severities) + 1), [*map(str, severities), "mean"])
    axes.set_yticks(range(len(table)), list(corruptions))
    for spine in axes.spines.values():
        spine.set_visible(False)
    for k in range(1, len(table)):
        axes.axhline(k - 0.5, color="white", linewidth=1.5)
    for k in range(1, len(severities) + 1):
        # The gap sets the mean apart.
        axes.axvline(k - 0.5, color="white", linewidth=7 if k == len(severities) else 1.5)
    for i, row in enumerate(table):
        for j, value in enumerate(row):
            dark = not np.isnan(value) and (value - low) / max(0.5 - low, 0.05) > 0.5
            axes.text(
                j,
                i,
                "–" if np.isnan(value) else f"{value:.3f}",
                ha="center",
                va="center",
                fontsize=style.SMALL,
                color="white" if dark else style.INK,
            )
    style.save(figure, target)
