"""Reliability diagram: what the probabilities promised, and what came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minicnn.evaluation.intervals import wilson
from minicnn.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Reliability"
X_LABELS = {
    "class 1": "probability of {}",
    "class named": "probability of the class named",
    "labels": "probability of a label",
}


def plot_reliability(metrics: Mapping[str, Any], target: style.Target, *, title: str = "") -> None:
    """Draw, bin by bin, the share that came true against the mean probability.

    The larger a dot the more images it stands for; vertical lines are Wilson's 95 %
    intervals of the shares; below stands how many probabilities lie in each bin. Where a
    temperature was fitted its curve is drawn too.

    Parameters
    ----------
    metrics
        With ``calibration`` (`minicnn.evaluation.assessment.assess`) and ``classes``.
    target
        A path, or an open binary file, for the PNG.
    """
    found = metrics["calibration"]
    scaled = found.get("scaled")
    figure = style.chart(5.0, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    what = X_LABELS[found["of"]].format(style.plain(metrics["classes"][-1], 22))
    style.style_axes(upper, "", "", "share that came true")
    style.style_axes(lower, "", what, "images" if found["of"] != "labels" else "labels")
    upper.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    _draw(upper, found["bins"], style.TRAIN, f"as trained, ECE {found['ece']:.3f}", bars=True)
    if scaled:
        label = f"temperature {scaled['temperature']:.2f}, ECE {scaled['ece']:.3f}"
        _draw(upper, scaled["bins"], style.VAL, label, bars=False)
    upper.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    style.legend_on_top(upper, title or TITLE, columns=1)
    bins = found["bins"]
    lower.bar(
        [(b["low"] + b["high"]) / 2 for b in bins],
        [b["n"] for b in bins],
        width=[0.9 * (b["high"] - b["low"]) for b in bins],
        color=style.TRAIN,
        alpha=0.6,
    )
    style.save(figure, target)


def _draw(
    axes: Axes, bins: Sequence[Mapping[str, Any]], color: str, label: str, *, bars: bool
) -> None:
    full = [b for b in bins if b["n"]]
    x, y = [b["predicted"] for b in full], [b["observed"] for b in full]
    if bars:
        for b in full:
            low, high = wilson(round(b["observed"] * b["n"]), b["n"])
            axes.plot([b["predicted"]] * 2, [low, high], color=color, linewidth=1, alpha=0.5)
    axes.plot(x, y, "-", color=color, linewidth=1.2, alpha=0.45)
    # Large dots hold many images: the small ones wander by chance.
    most = max(b["n"] for b in bins)
    sizes = [10 + 60 * (b["n"] / most) ** 0.5 for b in full]
    axes.scatter(x, y, s=sizes, color=color, linewidth=0, label=label, zorder=3)
