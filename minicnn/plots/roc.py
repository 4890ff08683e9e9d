"""ROC curves: how many positives are found at the price of how many false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.evaluation import ranking
from minicnn.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = 20
GRID = np.linspace(0, 1, 201)


def plot_roc(
    labels: ArrayLike,
    scores: ArrayLike,
    metrics: Mapping[str, Any],
    target: style.Target,
    *,
    threshold: float = 0.5,
    title: str = "",
) -> None:
    """Draw the ROC curve with its area and interval.

    Two classes give one curve, with the point of a probability of 0.5 marked. More classes, or
    several labels, give a thin line each, best first, and their mean.

    Parameters
    ----------
    labels
        (N,) class numbers or (N, L) of 0 and 1.
    scores
        (N, C) or (N, L) probabilities, or log-odds, which never tie.
    metrics
        The summary of the same scores (`minicnn.evaluation.summary.summarize`).
    target
        A path, or an open binary file, for the PNG.
    threshold
        What a probability of 0.5 is in ``scores``: 0 for log-odds.
    """
    truth, p = np.asarray(labels), np.asarray(scores)
    classes: Sequence[str] = metrics["classes"]
    several = truth.ndim == 2
    figure = style.chart(7.8 if several or len(classes) > 2 else 5.0, 4.8)
    axes = figure.add_subplot()
    style.style_axes(
        axes,
        title or "ROC curve",
        "false positive rate (1 − specificity)",
        "true positive rate (sensitivity)",
    )
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_aspect("equal")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    if several:
        _draw_many(axes, [truth[:, j] for j in range(len(classes))], p, classes, metrics)
    elif len(classes) > 2:
        _draw_many(axes, [truth == c for c in range(len(classes))], p, classes, metrics)
    else:
        _draw_one(axes, truth, p[:, 1], metrics, threshold)
    style.save(figure, target)


def _draw_one(
    axes: Axes, labels: NDArray, scores: NDArray, metrics: Mapping[str, Any], threshold: float
) -> None:
    if metrics["auc"] is None:
        say_undefined(axes)
        return
    fpr, tpr, _ = ranking.roc_curve(labels, scores)
    axes.fill_between(fpr, tpr, color=style.TRAIN, alpha=0.08, linewidth=0)
    axes.plot(fpr, tpr, color=style.TRAIN, linewidth=2, label=with_interval("AUC", "auc", metrics))
    called, positive = scores > threshold, labels == 1
    axes.plot(
        [called[~positive].mean()],
        [called[positive].mean()],
        "o",
        color=style.VAL,
        markersize=6,
        label="threshold 0.5",
    )
    axes.legend(loc="lower right", fontsize=style.TEXT, frameon=False, labelcolor=style.INK)


def _draw_many(
    axes: Axes,
    truths: Sequence[NDArray],
    scores: NDArray,
    classes: Sequence[str],
    metrics: Mapping[str, Any],
) -> None:
    areas = np.array([ranking.roc_auc(t, scores[:, j]) for j, t in enumerate(truths)])
    best_first = [int(j) for j in np.argsort(-areas) if not np.isnan(areas[j])]
    if not best_first:
        say_undefined(axes)
        return
    curves = []
    for j, color in zip(best_first, style.ranked_colors(len(best_first)), strict=True):
        fpr, tpr, _ = ranking.roc_curve(truths[j], scores[:, j])
        curves.append(np.interp(GRID, fpr, tpr))
        name = style.plain(classes[j], NAME)
        axes.plot(fpr, tpr, color=color, linewidth=1, alpha=0.85, label=f"{areas[j]:.3f}  {name}")
    axes.plot(
        np.append(0, GRID),
        np.append(0, np.mean(curves, axis=0)),
        color=style.INK,
        linewidth=2.4,
        label=with_interval("mean", "auc", metrics),
    )
    legend_beside(axes, "AUC")


def legend_beside(axes: Axes, title: str) -> None:
    """Put a long legend beside the axes, its last entry (the mean) on top."""
    handles, names = axes.get_legend_handles_labels()
    axes.legend(
        [handles[-1], *handles[:-1]],
        [names[-1], *names[:-1]],
        loc="center left",
        bbox_to_anchor=(1.02, 0.5),
        fontsize=style.SMALL,
        frameon=False,
        labelcolor=style.INK,
        title=title,
        title_fontsize=style.SMALL,
        alignment="left",
    )


def with_interval(what: str, name: str, metrics: Mapping[str, Any]) -> str:
    """Return a figure with its interval in words, for a legend."""
    text = f"{what} {metrics[name]:.3f}"
    low, high = metrics.get("intervals", {}).get(name) or (None, None)
    return text if low is None else f"{text} ({low:.3f} to {high:.3f})"


def say_undefined(axes: Axes) -> None:
    """Write into empty axes why there is no curve."""
    axes.text(
        0.5,
        0.56,
        "undefined: every class needs examples\nthat belong to it and examples that do not",
        ha="center",
        fontsize=style.TEXT,
        color=style.MUTED,
        bbox={"facecolor": "white", "edgecolor": "none"},
    )
