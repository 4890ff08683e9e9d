"""What a threshold costs and brings: sensitivity and specificity as it moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minicnn.evaluation.operating import trade_off
from minicnn.evaluation.scores import sigmoid
from minicnn.plots import style
from minicnn.plots.roc import say_undefined

COLORS = (style.MUTED, style.VAL, style.INK, "#8250a8", "#b83280")
DASHES = ((0, (4, 3)), "-", (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (2, 2)))
TITLE = "Trade-off of the threshold"
# Log-odds shown at most: a probability of 0.9999 or so.
LIMIT = 9.5
TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


def plot_thresholds(
    labels: ArrayLike,
    margins: ArrayLike,
    metrics: Mapping[str, Any],
    target: style.Target,
    *,
    title: str = "",
) -> None:
    """Draw sensitivity and specificity against the threshold, with the operating points.

    The probability is drawn on a scale of log-odds, since that of a trained network lies
    mostly near 0 and 1.

    Parameters
    ----------
    labels, margins
        (N,) of 0 and 1, and (N,) log-odds of class 1.
    metrics
        With ``operating_points`` (`minicnn.evaluation.assessment.assess`).
    target
        A path, or an open binary file, for the PNG.
    """
    figure = style.chart(5.0, 4.8)
    axes = figure.add_subplot()
    style.style_axes(
        axes,
        title or TITLE,
        "threshold on the probability",
    )
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(-0.01, 1.01))
    axes.set_xticks([np.log(t / (1 - t)) for t in TICKS], [f"{t:g}" for t in TICKS])
    truth = np.asarray(labels)
    if len(np.unique(truth)) < 2:
        axes.set_xlim(-0.01, 1.01)
        axes.set_xticks([])
        say_undefined(axes)
        style.save(figure, target)
        return
    thresholds, sensitivity, specificity = trade_off(truth, margins)
    x = np.concatenate([[1e9], thresholds, [-1e9]])
    for rate, start, end, color, name in (
        (sensitivity, 0.0, 1.0, style.TRAIN, "sensitivity"),
        (specificity, 1.0, 0.0, style.THIRD, "specificity"),
    ):
        y = np.concatenate([[start], rate, [end]])
        axes.step(x, y, where="post", color=color, linewidth=2, label=name)
    points = next(iter(metrics["operating_points"].values()))
    for k, point in enumerate(points):
        at = point["margin"]
        if at is None:
            continue
        axes.axvline(
            np.clip(at, -LIMIT, LIMIT),
            color=COLORS[k % len(COLORS)],
            linestyle=DASHES[k % len(DASHES)],
            linewidth=1.3,
            label=f"{point['name']}: {float(sigmoid(at)):.4g}"
            if point["chosen_on"]
            else f"threshold {point['threshold']:g}",
        )
    style.legend_on_top(axes, title or TITLE)
    style.save(figure, target)
