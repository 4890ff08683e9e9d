"""The most memory that a training run of 20 steps holds, in a process of its own.

Absolute, and above what the process held once everything was imported: the first is what a
machine must have, the second what the training itself takes. minicnn's kernels come from the
cache, as in every run but the first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import children
from benchmarks.outcome import Measured, Outcome, Settings
from benchmarks.startup import torch_file
from benchmarks.work import FIVE, Work

STEPS = 20
MEGA = 1e6
OURS, THEIRS = "minicnn", "torch eager"


@dataclass(frozen=True)
class Weight:
    """Bytes, at most and after the imports."""

    work: str
    name: str
    peak: int
    baseline: int

    @property
    def above(self) -> int:
        return self.peak - self.baseline


def run(settings: Settings) -> Outcome:
    """Weigh a training run of every network."""
    weights: list[Weight] = []
    notes: list[str] = []
    measured: list[Measured] = []
    for work in settings.works or FIVE:
        children.run("minicnn_training", work.spec(), "1")  # fills the cache
        found = {OURS: children.run("minicnn_training", work.spec(), str(STEPS))}
        if settings.wants("torch"):
            try:
                with torch_file(work) as path:
                    found[THEIRS] = children.run("torch_training", path, str(STEPS))
            except ImportError as error:
                notes.append(f"left out: torch ({error})")
        if any(report["peak"] is None for report in found.values()):
            return Outcome("left out: psutil is needed here to weigh a process", [], lambda _: None)
        check(work, found)
        new = [Weight(str(work), name, r["peak"], r["baseline"]) for name, r in found.items()]
        weights += new
        if len(new) == 2:
            ours, theirs = new
            measured.append(Measured("memory", str(work), THEIRS, ours.peak / theirs.peak))
            above = ours.above / max(theirs.above, 1)
            measured.append(Measured("memory above imports", str(work), THEIRS, above))
    text = "\n".join([*dict.fromkeys(notes), "", markdown(weights, measured)])
    data = [asdict(weight) for weight in weights]
    return Outcome(text, data, lambda path: picture(weights, path), measured)


def check(work: Work, found: dict[str, Any]) -> None:
    """Assert that both trained the same way; the masks of a dropout differ."""
    first = [report["losses"][0] for report in found.values()]
    tolerance = 0.25 if work.has_dropout() else 1e-4
    if not np.allclose(first, first[0], rtol=tolerance):
        raise AssertionError(f"{work}: first losses {first}")


def markdown(weights: list[Weight], measured: list[Measured]) -> str:
    ratios = {(m.table, m.work): m.value for m in measured}
    lines = [
        "| work | contestant | peak MB | above imports MB | minicnn / torch | above imports |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for w in weights:
        both = ["", ""]
        if w.name == OURS and ("memory", w.work) in ratios:
            both = [f"{ratios[t, w.work]:.2f}" for t in ("memory", "memory above imports")]
        lines.append(
            f"| {w.work} | {w.name} | {w.peak / MEGA:.0f} | {w.above / MEGA:.0f} "
            f"| {' | '.join(both)} |"
        )
    return "\n".join(lines)


def picture(weights: list[Weight], path: Path) -> None:
    """Draw bars: the imports, and the training on top of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 0.35 * len(weights)), layout="constrained")
    axes = figure.subplots()
    for i, w in enumerate(weights):
        color = "C0" if w.name == OURS else "C1"
        axes.barh(i, w.baseline / MEGA, color=color, alpha=0.4)
        axes.barh(i, w.above / MEGA, left=w.baseline / MEGA, color=color)
    axes.set_yticks(range(len(weights)), [f"{w.work}, {w.name}" for w in weights], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("MB held at most; pale: after the imports")
    axes.set_title(f"memory of {STEPS} training steps")
    figure.savefig(path, dpi=120)
