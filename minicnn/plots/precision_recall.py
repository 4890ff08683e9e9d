"""Precision-recall curves: how pure the alarms are, as more of the positives are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.evaluation import ranking
from minicnn.plots import style
from minicnn.plots.roc import legend_beside, say_undefined, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = 20


def plot_precision_recall(
    labels: ArrayLike,
    scores: ArrayLike,
    metrics: Mapping[str, Any],
    target: style.Target,
    *,
    title: str = "",
) -> None:
    """Draw precision against recall, in steps, with the average precision.

    Two classes give one curve above the line of pure guessing, which is the share of
    positives. More classes, or several labels, give a thin line each, best first.

    Parameters
    ----------
    labels
        (N,) class numbers or (N, L) of 0 and 1.
    scores
        (N, C) or (N, L), larger for positives.
    metrics
        The summary of the same scores (`minicnn.evaluation.summary.summarize`).
    target
        A path, or an open binary file, for the PNG.
    """
    truth, s = np.asarray(labels), np.asarray(scores)
    classes: Sequence[str] = metrics["classes"]
    several = truth.ndim == 2
    many = several or len(classes) > 2
    figure = style.chart(7.8 if many else 5.0, 4.8)
    axes = figure.add_subplot()
    style.style_axes(
        axes, title or "Precision-recall curve", "recall (sensitivity)", "precision (PPV)"
    )
    axes.set_aspect("equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    if not many:
        _draw_one(axes, truth == 1, s[:, 1], metrics)
    else:
        truths = [truth[:, j] == 1 if several else truth == j for j in range(len(classes))]
        _draw_many(axes, truths, s, classes, metrics)
    style.save(figure, target)


def _draw_one(axes: Axes, positive: NDArray, scores: NDArray, metrics: Mapping[str, Any]) -> None:
    if not positive.any():
        say_undefined(axes)
        return
    precision, recall, _ = ranking.precision_recall_curve(positive, scores)
    axes.axhline(
        positive.mean(),
        color=style.MUTED,
        linewidth=1,
        linestyle=(0, (4, 3)),
        label=f"guessing {positive.mean():.3f}",
    )
    axes.fill_between(recall, precision, step="pre", color=style.TRAIN, alpha=0.08, linewidth=0)
    axes.step(
        recall,
        precision,
        where="pre",
        color=style.TRAIN,
        linewidth=2,
        label=with_interval("AP", "average_precision", metrics),
    )
    axes.legend(loc="lower left", fontsize=style.TEXT, frameon=False, labelcolor=style.INK)


def _draw_many(
    axes: Axes,
    truths: Sequence[NDArray],
    scores: NDArray,
    classes: Sequence[str],
    metrics: Mapping[str, Any],
) -> None:
    areas = np.array([ranking.average_precision(t, scores[:, j]) for j, t in enumerate(truths)])
    best_first = [int(j) for j in np.argsort(-areas) if not np.isnan(areas[j])]
    if not best_first:
        say_undefined(axes)
        return
    for j, color in zip(best_first, style.ranked_colors(len(best_first)), strict=True):
        precision, recall, _ = ranking.precision_recall_curve(truths[j], scores[:, j])
        name = style.plain(classes[j], NAME)
        label = f"{areas[j]:.3f}  {name} ({truths[j].mean():.1%})"
        axes.step(recall, precision, where="pre", color=color, linewidth=1, alpha=0.85, label=label)
    # The mean has no curve of its own: only a line in the legend.
    axes.plot([], [], " ", label=with_interval("mean", "average_precision", metrics))
    legend_beside(axes, "average precision (share of positives)")
