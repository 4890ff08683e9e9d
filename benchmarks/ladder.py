"""From loops to the fused kernel: what each idea brought to one training step.

The rungs are the same step of the same network, written differently. The loops do one image and
their time is multiplied by the batch; everything else is raced. Torch stands beside the ladder.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import checks, goals, peers, tables
from benchmarks.harness import race
from benchmarks.outcome import Outcome, Settings
from benchmarks.peers import minicnn_peer
from benchmarks.work import FIVE, Work

WORKS = tuple(work for work in FIVE if work.size == 28 and work.model in ("lenet", "lungnet"))
LOOPS = "loops in Python"


@dataclass(frozen=True)
class Rung:
    """One spelling of the step: its time, and how much faster it is than the loops."""

    work: str
    name: str
    milliseconds: float
    faster: float
    note: str = ""


def run(settings: Settings) -> Outcome:
    """Climb the ladder with every network."""
    rungs = [rung for work in settings.works or WORKS for rung in climb(work, settings)]
    return Outcome(
        markdown(rungs), [asdict(rung) for rung in rungs], lambda path: picture(rungs, path)
    )


def climb(work: Work, settings: Settings) -> list[Rung]:
    """Return the rungs for one network, lowest first, then torch."""
    x, target = work.data()
    loops = loops_of_one_image(work) * work.batch
    found, _ = peers.available({n: peers.TRAINING[n] for n in peers.TORCH}, settings.wants)
    steps: dict[str, Any] = {}
    for name, options in spellings().items():
        steps[name] = minicnn_peer.TrainingStep(work.build(), x, target, **options)
    for name, factory in found.items():
        try:
            steps[name] = factory(work.build(), x, target)
        except peers.Untranslatable as error:
            print(f"left out of {work}: {name}: {error}")
    checks.check_training(work, steps, None if work.has_dropout() else checks.SINGLE)
    result = race(
        steps, seconds=settings.seconds, title=str(work), always=next(reversed(spellings()))
    )
    best = result.fastest(found)
    rungs = [Rung(str(work), LOOPS, loops * 1e3, 1.0, f" (one image, times {work.batch})")]
    for name in steps:
        seconds = result.median(name)
        note = f" ({goals.BEST})" if name == best else ""
        rungs.append(Rung(str(work), name, seconds * 1e3, loops / seconds, note))
    return rungs


def spellings() -> dict[str, dict[str, Any]]:
    """Return the ways minicnn does it, slowest first."""
    return {
        "vectorized in NumPy": {"backend": "vectorized"},
        "compiled, 1 thread": {"fused": False, "threads": 1},
        "compiled, 2 threads": {"fused": False, "threads": 2},
        "fused, 1 thread": {"threads": 1},
        "fused, 2 threads": {"threads": 2},
    }


def loops_of_one_image(work: Work) -> float:
    """Return the seconds of a step on a single image."""
    one = work.with_batch(1)
    step = minicnn_peer.TrainingStep(one.build(), *one.data(), "loops")
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def markdown(rungs: list[Rung]) -> str:
    lines = ["| work | rung | ms | times faster than the loops |", "|---|---|--:|--:|"]
    for r in rungs:
        ms = tables.number(r.milliseconds)
        lines.append(f"| {r.work} | {r.name}{r.note} | {ms} | {tables.number(r.faster)} |")
    return "\n".join(lines)


def picture(rungs: list[Rung], path: Path) -> None:
    """Draw the times as bars on a logarithmic axis, a panel per network."""
    from matplotlib.figure import Figure

    works = list(dict.fromkeys(r.work for r in rungs))
    figure = Figure(figsize=(8, 3.2 * len(works)), layout="constrained")
    for axes, work in zip(figure.subplots(len(works), squeeze=False)[:, 0], works, strict=True):
        mine = [r for r in rungs if r.work == work]
        colors = ["C1" if r.name in peers.TORCH else "C0" for r in mine]
        axes.barh(range(len(mine)), [r.milliseconds for r in mine], color=colors)
        for i, r in enumerate(mine):
            text = f" {tables.number(r.milliseconds)} ms, {tables.number(r.faster)} x"
            axes.text(r.milliseconds, i, text, va="center", fontsize=8)
        axes.set_yticks(range(len(mine)), [r.name for r in mine])
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.margins(x=0.2)
        axes.set_title(work, fontsize=10)
    axes.set_xlabel("ms per training step")
    figure.savefig(path, dpi=120)
