"""Which axes the picture of a search has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn.plots.parallel import Axis
from minicnn.tuning.ranking import METRICS, Result
from minicnn.tuning.space import Space

if TYPE_CHECKING:
    from minicnn.tuning.settings import Settings

NAMES = {"auc": "val AUC", "accuracy": "val accuracy", "loss": "val loss"}


def axes_of(results: Sequence[Result], space: Space, settings: Settings) -> list[Axis]:
    """Return one axis per option that varied, epochs where they differ, and the metric last."""
    axes = [
        Axis(name, [r["values"].get(name) for r in results], kind.scale)
        for name, kind in space.varied.items()
    ]
    if "epochs" not in space.varied and len({r["epochs"] for r in results}) > 1:
        axes.append(Axis("epochs", [r["epochs"] for r in results], "linear"))
    values: list[Any] = [
        r.get(METRICS[settings.metric]) if r["status"] == "ok" else None for r in results
    ]
    # The best trials differ in the third digit, which one that learned nothing would hide.
    return [*axes, Axis(NAMES[settings.metric], values, "linear", settings.metric != "loss")]
