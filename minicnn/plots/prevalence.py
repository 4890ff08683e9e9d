"""Predictive values over prevalence: what an alarm means where the illness is rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.evaluation.operating import predictive_values
from minicnn.plots import style
from minicnn.plots.roc import say_undefined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = np.logspace(-2.3, np.log10(0.9), 200)
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
COLORS = (style.TRAIN, style.VAL, style.THIRD, "#8250a8", "#b83280")
NAME = 20
TITLE = "Predictive values over prevalence"


def plot_prevalence(metrics: Mapping[str, Any], target: style.Target, *, title: str = "") -> None:
    """Draw PPV, and for two classes NPV, against the share of people who are ill.

    Parameters
    ----------
    metrics
        With ``operating_points`` (`minicnn.evaluation.assessment.assess`). One question
        gives a pair of lines for each threshold, with a band for the
        PPV at the one chosen first; several labels a
        line each, at the threshold chosen on val, or at 0.5.
    target
        A path, or an open binary file, for the PNG.
    """
    questions: Mapping[str, Sequence[Mapping[str, Any]]] = metrics["operating_points"]
    several = len(questions) > 1
    figure = style.chart(7.8 if several else 5.0, 4.6)
    axes = figure.add_subplot()
    style.style_axes(
        axes,
        title or TITLE,
        "prevalence: share of people who are ill",
        "PPV" if several else "PPV and NPV",
    )
    axes.set_xscale("log")
    axes.set(xlim=(GRID[0], GRID[-1]), ylim=(-0.01, 1.01))
    axes.set_xticks(TICKS, [f"{t:.1%}" if t < 0.01 else f"{t:.0%}" for t in TICKS])
    axes.minorticks_off()
    drawn = _draw_labels(axes, questions) if several else _draw_points(axes, questions, title)
    if not drawn:
        axes.set_xscale("linear")
        axes.set(xlim=(0, 1))
        axes.set_xticks([])
        say_undefined(axes)
    style.save(figure, target)


def _draw_points(
    axes: Axes, questions: Mapping[str, Sequence[Mapping[str, Any]]], title: str
) -> bool:
    points = next(iter(questions.values()), [])
    drawn = False
    shaded = next((p for p in points if p["chosen_on"]), points[0] if points else None)
    for point, color in zip(points, COLORS, strict=False):
        if point["sensitivity"] is None or point["specificity"] is None:
            continue
        drawn = True
        ppv, npv = predictive_values(point["sensitivity"], point["specificity"], GRID)
        name = point["name"] if point["chosen_on"] else f"threshold {point['threshold']:g}"
        axes.plot(GRID, ppv, color=color, linewidth=2, label=f"PPV, {name}")
        axes.plot(GRID, npv, color=color, linewidth=1.2, linestyle=(0, (4, 2)))
        band = [
            (entry["prevalence"], *entry["ppv_interval"])
            for entry in point["prevalence"]
            if None not in entry.get("ppv_interval", (None,))
        ]
        # One band only: three on top of each other cannot be told apart.
        if band and point is shaded:
            x, low, high = zip(*band, strict=True)
            axes.fill_between(x, low, high, color=color, alpha=0.12, linewidth=0)
    if drawn:
        axes.plot([], [], color=style.MUTED, linewidth=1.2, linestyle=(0, (4, 2)), label="NPV")
        style.legend_on_top(axes, title or TITLE)
    return drawn


def _draw_labels(axes: Axes, questions: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    lines = []
    for name, points in questions.items():
        chosen = [p for p in points if p["chosen_on"]] or points[:1]
        rates = [(p["sensitivity"], p["specificity"]) for p in chosen]
        if rates and None not in rates[0]:
            ppv, _ = predictive_values(*rates[0], GRID)
            at_five = float(predictive_values(*rates[0], 0.05)[0])
            lines.append((at_five, name, ppv))
    lines.sort(key=lambda line: -np.nan_to_num(line[0], nan=-1.0))
    for (at_five, name, ppv), color in zip(lines, style.ranked_colors(len(lines)), strict=True):
        shown = "  –  " if np.isnan(at_five) else f"{at_five:.3f}"
        label = f"{shown}  {style.plain(name, NAME)}"
        axes.plot(GRID, ppv, color=color, linewidth=1.2, label=label)
    if lines:
        axes.legend(
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            fontsize=style.SMALL,
            frameon=False,
            labelcolor=style.INK,
            title="PPV where 5 % are ill",
            title_fontsize=style.SMALL,
            alignment="left",
        )
    return bool(lines)
