"""Two models side by side: their ROC curves, and their differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.evaluation import ranking
from minicnn.plots import style
from minicnn.plots.roc import say_undefined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
COLORS = (style.TRAIN, style.VAL)
NAME = 24
GRID = np.linspace(0, 1, 201)


def plot_two_rocs(
    labels: ArrayLike,
    margins: Sequence[NDArray],
    names: Sequence[str],
    target: style.Target,
    *,
    title: str = "",
) -> None:
    """Draw the ROC curves of two models: of class 1 of two, else the mean curves.

    Parameters
    ----------
    labels
        (N,) class numbers or (N, L) of 0 and 1.
    margins
        For each model (N, C) or (N, L), larger for positives.
    names
        Of the models.
    target
        A path, or an open binary file, for the PNG.
    """
    truth = np.asarray(labels)
    figure = style.chart(5.0, 4.8)
    axes = figure.add_subplot()
    style.style_axes(
        axes,
        title or "ROC curves",
        "false positive rate (1 − specificity)",
        "true positive rate (sensitivity)",
    )
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_aspect("equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    drawn = False
    for table, name, color in zip(margins, names, COLORS, strict=True):
        curve = _curve(truth, table)
        if curve is None:
            continue
        drawn = True
        x, y, area = curve
        label = f"{style.plain(name, NAME)}: {area:.3f}"
        axes.plot(x, y, color=color, linewidth=2, label=label)
    if drawn:
        axes.legend(loc="lower right", fontsize=style.TEXT, frameon=False, labelcolor=style.INK)
    else:
        say_undefined(axes)
    style.save(figure, target)


def plot_differences(
    comparison: Mapping[str, Any], names: Sequence[str], target: style.Target, *, title: str = ""
) -> None:
    """Draw each figure's difference, second model minus first, with its interval.

    Parameters
    ----------
    comparison
        As `minicnn.evaluation.comparison.compare` returns it.
    names
        Of the two models.
    target
        A path, or an open binary file, for the PNG.
    """
    differences = comparison["differences"]
    figure = style.chart(5.0, 4.0)
    axes = figure.add_subplot()
    style.style_axes(axes, title or "Differences, 95 % intervals")
    axes.axvline(0, color=style.MUTED, linewidth=1)
    rows = list(FIGURES)
    for k, name in enumerate(rows):
        _draw_difference(axes, k, differences[name])
    axes.set_yticks(range(len(rows)), list(FIGURES.values()))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    reach = max(0.01, *np.abs(axes.get_xlim()))
    axes.set_xlim(-reach, reach)
    first, second = (style.plain(name, NAME) for name in names)
    axes.set_xlabel(f"←  {first} better   ·   {second} better  →", fontsize=style.TEXT)
    style.save(figure, target)


def _draw_difference(axes: Axes, row: int, found: Mapping[str, Any]) -> None:
    low, high = found["interval"]
    if low is not None:
        sure = low > 0 or high < 0
        color = style.TRAIN if sure else style.MUTED
        axes.plot([low, high], [row, row], color=color, linewidth=2.4, solid_capstyle="butt")
    if found["difference"] is not None:
        axes.plot([found["difference"]], [row], "o", color=style.INK, markersize=5)


def _curve(truth: NDArray, table: NDArray) -> tuple[NDArray, NDArray, float] | None:
    several = truth.ndim == 2
    if not several and table.shape[1] == 2:
        if len(np.unique(truth)) < 2:
            return None
        fpr, tpr, _ = ranking.roc_curve(truth, table[:, 1])
        return fpr, tpr, ranking.roc_auc(truth, table[:, 1])
    curves, areas = [], []
    for j in range(table.shape[1]):
        t = (truth[:, j] if several else truth == j).astype(np.int64)
        if 0 < t.sum() < len(t):
            fpr, tpr, _ = ranking.roc_curve(t, table[:, j])
            curves.append(np.interp(GRID, fpr, tpr))
            areas.append(ranking.roc_auc(t, table[:, j]))
    if not curves:
        return None
    mean = np.mean(curves, axis=0)
    return np.append(0, GRID), np.append(0, mean), float(np.mean(areas))
