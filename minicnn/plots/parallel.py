"""Parallel coordinates: one line per trial, through its value on each axis."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ArgumentError
from minicnn.plots import style

SCALES = ("linear", "log", "category")
FAILED = "#c0392b"
TICKS = 5


@dataclasses.dataclass(frozen=True)
class Axis:
    """A vertical axis.

    Parameters
    ----------
    name
        Above it.
    values
        One per trial, None where it has none.
    scale
        ``"linear"``, ``"log"``, or ``"category"`` for a few values in equal distances.
    clip
        Draw values far below most of the others at the bottom, so that one bad trial does
        not press all good ones together.
    """

    name: str
    values: Sequence[Any]
    scale: str = "linear"
    clip: bool = False


def plot_parallel(
    axes: Sequence[Axis],
    scores: Sequence[float | None],
    target: style.Target,
    *,
    title: str = "",
) -> None:
    """Draw the trials, coloured by rank, the best one on top; those without a score in red.

    Parameters
    ----------
    axes
        At least one; the last is usually the score. Each has a value for every trial.
    scores
        More is better; None for a trial that came to no score.
    target
        A path, or an open binary file, for the PNG.
    title
        Put above it.

    Raises
    ------
    ArgumentError
        If there is no axis or no trial, the lengths differ, or a scale is unknown.
    """
    if not axes or not scores:
        raise ArgumentError("there is nothing to draw; give at least one axis and one trial")
    for axis in axes:
        if len(axis.values) != len(scores):
            raise ArgumentError(
                f"axis {axis.name!r} has {len(axis.values)} values for {len(scores)} trials; "
                f"expected as many"
            )
        if axis.scale not in SCALES:
            raise ArgumentError(f"scale is {axis.scale!r}; expected one of {', '.join(SCALES)}")
    figure = style.chart(max(6.0, 1.35 * len(axes) + 1.5), 4.4)
    plane = figure.subplots()
    plane.set_title(style.plain(title), loc="left", fontsize=style.TITLE, color=style.INK, pad=26)
    plane.set_xlim(-0.25, len(axes) - 0.35)
    plane.set_ylim(-0.06, 1.06)
    plane.set_axis_off()
    heights = np.array([_place(plane, i, axis) for i, axis in enumerate(axes)]).T  # (trials, axes)
    order = [i for i, s in enumerate(scores) if s is not None]
    order.sort(key=lambda i: scores[i])  # type: ignore[arg-type, return-value]
    for trial in range(len(scores)):
        if scores[trial] is None:
            known = np.flatnonzero(np.isfinite(heights[trial]))
            plane.plot(
                known,
                heights[trial, known],
                color=FAILED,
                linewidth=1,
                linestyle=(0, (3, 2)),
                alpha=0.7,
            )
    colors = style.ranked_colors(len(order))[::-1]
    for rank, trial in enumerate(order):
        best = rank == len(order) - 1
        plane.plot(
            range(len(axes)),
            heights[trial],
            color=colors[rank],
            linewidth=2.6 if best else 1.2,
            alpha=1.0 if best else 0.75,
            zorder=2 + rank / len(order),
            marker="o" if best else None,
            markersize=4,
        )
    words = "dark: better; thick: the best" + ("; red: no score" if None in scores else "")
    plane.text(
        1,
        1.13,
        words,
        transform=plane.transAxes,
        ha="right",
        fontsize=style.SMALL,
        color=style.MUTED,
    )
    style.save(figure, target)


def _place(plane: Any, number: int, axis: Axis) -> NDArray[np.float64]:
    """Draw an axis with its ticks; return the height of each trial on it, NaN for none."""
    if axis.scale == "category":
        known = list(dict.fromkeys(v for v in axis.values if v is not None))
        if all(isinstance(v, int | float) for v in known):
            known.sort()
        spots = {v: (i + 0.5) / len(known) for i, v in enumerate(known)}
        heights = [math.nan if v is None else spots[v] for v in axis.values]
        ticks = [(spots[v], _write(v)) for v in known]
    else:
        heights, ticks = _numbers(axis)
    plane.plot([number, number], [0, 1], color=style.GRID, linewidth=1.5, zorder=1)
    plane.text(
        number,
        1.05,
        style.plain(axis.name.replace("_", " "), 18),
        ha="center",
        fontsize=style.SMALL,
        color=style.INK,
    )
    for height, words in ticks:
        plane.text(
            number + 0.04,
            height,
            style.plain(words, 12),
            fontsize=style.SMALL - 1,
            color=style.MUTED,
            va="center",
            zorder=5,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
        )
    return np.array(heights, dtype=np.float64)


def _numbers(axis: Axis) -> tuple[list[float], list[tuple[float, str]]]:
    """Return the heights of the trials and the ticks, for numbers."""
    shape, back = (math.log, math.exp) if axis.scale == "log" else (float, float)
    numbers = [math.nan if v is None else shape(v) for v in axis.values]
    finite = [v for v in numbers if math.isfinite(v)] or [0.0]
    low, high = min(finite), max(finite)
    if axis.clip:
        first, third = np.quantile(finite, [0.25, 0.75])
        low = max(low, float(first - 1.5 * (third - first)))
    span = high - low
    if not span:
        return [0.5 if math.isfinite(v) else v for v in numbers], [(0.5, _write(back(low)))]
    heights = [v if math.isnan(v) else max((v - low) / span, 0.0) for v in numbers]
    if axis.scale == "linear" and all(isinstance(v, int) for v in axis.values if v is not None):
        step = max(1, math.ceil(span / (TICKS - 1)))
        marks = [float(mark) for mark in range(int(low), int(high) + 1, step)]
        return heights, [((mark - low) / span, f"{mark:.0f}") for mark in marks]
    ticks = [(float(t), _write(back(low + float(t) * span))) for t in np.linspace(0, 1, TICKS)]
    if low > min(finite):
        ticks[0] = (0.0, f"up to {ticks[0][1]}")
    return heights, ticks


def _write(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
