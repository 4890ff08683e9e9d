"""The confusion matrix as a picture: who was called what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.plots import style

NAME = 22
OUTCOMES = ("found", "missed", "false alarm", "rightly clear")


def plot_confusion(metrics: Mapping[str, Any], target: style.Target, *, title: str = "") -> None:
    """Draw counts, coloured by the share of the true class.

    Parameters
    ----------
    metrics
        As `minicnn.evaluation.summary.summarize` returns it. Exclusive classes give the
        square matrix; several labels give a table with one row per label.
    target
        A path, or an open binary file, for the PNG.
    """
    if "labels" in metrics:
        _plot_labels(metrics["labels"], target, title or "Found and missed, at threshold 0.5")
    else:
        counts = np.asarray(metrics["confusion"])
        _plot_square(counts, metrics["classes"], target, title or "Confusion matrix")


def _plot_square(
    counts: NDArray[np.int64], classes: list[str], target: style.Target, title: str
) -> None:
    n = len(classes)
    sizes = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(sizes, 1)  # of the true class
    cell = 1.35 if n <= 3 else 0.85 if n <= 8 else 0.6
    side = max(cell * n, 2.6)
    names = [style.plain(c, NAME) for c in classes]
    figure = style.chart(side + 1.6, side + 1.1)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap=style.sequential(), vmin=0, vmax=1)
    style.style_axes(axes, title, "predicted class", "true class")
    axes.grid(visible=False)
    turned = n > 2 and max(map(len, names)) > 8
    axes.set_xticks(
        range(n), names, rotation=35 if turned else 0, ha="right" if turned else "center"
    )
    axes.set_yticks(range(n), names)
    _cell_borders(axes, n, n)
    for i in range(n):
        for j in range(n):
            _write(
                axes,
                j,
                i,
                counts[i, j],
                shares[i, j],
                percent=n <= 8 and sizes[i, 0] > 0,
                big=n <= 3,
            )
    style.save(figure, target)


def _plot_labels(labels: Mapping[str, Any], target: style.Target, title: str) -> None:
    rows = []
    for measured in labels.values():
        (tn, fp), (fn, tp) = measured["confusion"]
        rows.append([tp, fn, fp, tn])
    counts = np.array(rows)  # (L, 4)
    positives = np.maximum(counts[:, :2].sum(axis=1, keepdims=True), 1)
    negatives = np.maximum(counts[:, 2:].sum(axis=1, keepdims=True), 1)
    shares = counts / np.concatenate([positives, positives, negatives, negatives], axis=1)
    figure = style.chart(6.4, 0.36 * len(rows) + 1.5)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap=style.sequential(), vmin=0, vmax=1, aspect="auto")
    style.style_axes(axes, title)
    axes.grid(visible=False)
    axes.xaxis.tick_top()
    axes.set_xticks(range(4), OUTCOMES)
    axes.set_yticks(range(len(rows)), [style.plain(name, NAME) for name in labels])
    _cell_borders(axes, len(rows), 4)
    # The gap says that the left half shares out the positives, the right half the negatives.
    axes.axvline(1.5, color="white", linewidth=8)
    for i in range(len(rows)):
        for j in range(4):
            some = bool(counts[i, j // 2 * 2 : j // 2 * 2 + 2].any())
            _write(axes, j, i, counts[i, j], shares[i, j], percent=some, big=False, one_line=True)
    style.save(figure, target)


def _cell_borders(axes: Any, rows: int, columns: int) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    for k in range(1, columns):
        axes.axvline(k - 0.5, color="white", linewidth=2)
    for k in range(1, rows):
        axes.axhline(k - 0.5, color="white", linewidth=2)


def _write(
    axes: Any,
    x: int,
    y: int,
    count: int,
    share: float,
    *,
    percent: bool,
    big: bool,
    one_line: bool = False,
) -> None:
    text = f"{count:,}"
    if percent:
        text += f"  ({share:.0%})" if one_line else f"\n{share:.1%}"
    axes.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=style.TITLE if big else style.SMALL,
        linespacing=1.4,
        color="white" if share > 0.55 else style.INK,
    )
