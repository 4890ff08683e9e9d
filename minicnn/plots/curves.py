"""Learning curves: loss and quality after each epoch, on what was learned and what was not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from minicnn.errors import ArgumentError
from minicnn.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

LOSSES = {"loss": ("training", style.TRAIN, "-"), "val_loss": ("validation", style.VAL, "-")}
QUALITIES = {
    "accuracy": ("training accuracy", style.TRAIN, "-"),
    "val_accuracy": ("validation accuracy", style.VAL, "-"),
    "val_auc": ("validation AUC", style.THIRD, "-"),
}
# With up to this many epochs each one gets a dot.
DOTS = 30


def plot_curves(
    history: Iterable[Mapping[str, float]],
    target: style.Target,
    *,
    best_epoch: int | None = None,
    title: str = "",
) -> None:
    """Draw loss on the left, accuracy and AUC on the right, against the epoch.

    Parameters
    ----------
    history
        One row per epoch with ``epoch`` and any of ``loss``, ``val_loss``, ``accuracy``,
        ``val_accuracy``, ``val_auc``. A missing or NaN value leaves a gap.
    target
        A path, or an open binary file, for the PNG.
    best_epoch
        Marked by a dotted line: the epoch whose weights were kept.
    title
        Put above the left panel instead of "Loss".

    Raises
    ------
    ArgumentError
        If there is no row.
    """
    rows = [dict(row) for row in history]
    if not rows:
        raise ArgumentError("the history is empty; there is nothing to draw before one epoch")
    figure = style.chart(9.6, 3.9)
    left, right = figure.subplots(1, 2)
    style.style_axes(left, title or "Loss", "epoch", title_pad=28)
    style.style_axes(right, "Accuracy and AUC", "epoch", title_pad=28)
    _draw(left, rows, LOSSES)
    _draw(right, rows, QUALITIES)
    _scale_loss(left, rows)
    qualities = _values(rows, QUALITIES)
    if qualities:
        low, high = min(qualities), max(qualities)
        margin = 0.06 * max(high - low, 0.02)
        right.set_ylim(low - margin, min(high + margin, 1 + margin / 4))
    epochs = [row["epoch"] for row in rows]
    for axes in (left, right):
        axes.xaxis.set_major_locator(_whole_numbers())
        axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
        if best_epoch is not None:
            axes.axvline(
                best_epoch,
                color=style.MUTED,
                linewidth=1.2,
                linestyle=(0, (1, 2)),
                label=f"kept: epoch {best_epoch}" if axes is left else None,
            )
        if axes.get_legend_handles_labels()[0]:
            style.legend_above(axes)
    style.save(figure, target)


def _scale_loss(axes: Axes, rows: list[dict[str, float]]) -> None:
    values = sorted(_values(rows, LOSSES))
    if not values:
        return
    if values[0] > 0 and values[-1] > 20 * values[len(values) // 2]:
        # One huge first epoch must not flatten all the rest.
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.08 * values[-1] or 1.0)


def _whole_numbers() -> Locator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=8, integer=True, min_n_ticks=1)


def _draw(
    axes: Axes,
    rows: list[dict[str, float]],
    series: Mapping[str, tuple[str, str, str]],
) -> None:
    marker = "o" if len(rows) <= DOTS else None
    for name, (label, color, line) in series.items():
        points = [(row["epoch"], row[name]) for row in rows if _is_number(row.get(name))]
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, line, color=color, label=label, linewidth=1.8, marker=marker, ms=3.5)


def _values(rows: list[dict[str, float]], names: Iterable[str]) -> list[float]:
    return [row[name] for name in names for row in rows if _is_number(row.get(name))]


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
