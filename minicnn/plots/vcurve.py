"""The V-curve as a picture: the error of a difference against its step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.checking.vcurve import VCurve
from minicnn.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Error of central differences"
DASHED: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (4, 3)), "alpha": 0.8}
DOTTED: dict[str, Any] = DASHED | {"linestyle": (0, (1, 1.5))}
COLORS = (style.VAL, style.TRAIN, style.THIRD, style.INK)


def plot_v_curve(target: style.Target, curves: Sequence[VCurve], *, title: str = "") -> None:
    """Draw error against step for each precision, with the two slopes and the best step.

    Parameters
    ----------
    target
        A path, or an open binary file, for the PNG.
    curves
        What `minicnn.checking.vcurve.v_curve` returned.
    title
        Above the picture.
    """
    figure = style.chart(6.4, 4.4)
    axes = figure.add_subplot()
    style.style_axes(axes, title or TITLE, "step h", "relative error")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for curve, color in zip(curves, COLORS, strict=False):
        axes.plot(curve.steps, curve.errors, color=color, linewidth=1.8, label=curve.dtype.name)
    steps = np.concatenate([curve.steps for curve in curves])
    errors = np.concatenate([curve.errors for curve in curves])
    errors = errors[np.isfinite(errors)]
    low, high = errors.min() / 30, min(errors.max() * 3, 1e3)
    if steps.min() < steps.max():
        axes.set_xlim(steps.min(), steps.max())
    axes.set_ylim(low, high)
    for curve, color in zip(curves, COLORS, strict=False):
        _draw_slopes(axes, curve, color)
        h, error = curve.best
        axes.plot([h], [error], "o", color=color, markersize=6.5, markeredgecolor="white")
        axes.annotate(
            f"best: {_short(error)} at h = {_short(h)}",
            (h, error),
            xytext=(-7, -3),  # below the branch of rounding nothing is drawn
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=style.SMALL,
            color=color,
        )
    axes.plot([], [], label="h²", color=style.MUTED, **DASHED)
    axes.plot([], [], label="eps / h", color=style.MUTED, **DOTTED)
    style.legend_on_top(axes, title or TITLE, columns=len(curves) + 2)
    style.save(figure, target)


def _draw_slopes(axes: Axes, curve: VCurve, color: str) -> None:
    """Draw h^2 on the right and eps / h on the left of the best step."""
    h = curve.steps
    axes.plot(h, _cutting_off(curve) * h**2, color=color, **DASHED)
    axes.plot(h, _rounding(curve) / h, color=color, **DOTTED)


def _short(value: float) -> str:
    mantissa, _, power = f"{value:.0e}".partition("e")
    return f"{mantissa}e{int(power)}"


def _cutting_off(curve: VCurve) -> float:
    """Return c of c h^2, from the steps well beyond the best one where it is not yet curved."""
    h, error = curve.steps, curve.errors
    best, _ = curve.best
    chosen = (h > 5 * best) & (h < 0.1)
    if not chosen.any():
        chosen = h == h.max()
    return float(np.median(error[chosen] / h[chosen] ** 2))


def _rounding(curve: VCurve) -> float:
    """Return c of c / h, from the steps well below the best one that still move x."""
    h, error = curve.steps, curve.errors
    best, _ = curve.best
    chosen = (h < best / 5) & (h > 10 * curve.eps) & (error < 0.5)
    if not chosen.any():
        chosen = h == h.min()
    return float(np.median(error[chosen] * h[chosen]))
