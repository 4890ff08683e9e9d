"""What is to be reached, in one place, and the table that says what was.

A ratio is minicnn's time or memory divided by the peer's, two threads each, measured in one run:
below 1, minicnn needs less. "torch at its best" is the fastest of eager, channels_last with fused
Adam, and torch.compile.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks.outcome import Measured

BEST = "torch at its best"
FIVE = (
    "lenet 1x28x28 batch 64",
    "lenet 1x64x64 batch 32",
    "lungnet 1x28x28 batch 64",
    "vgg 1x28x28 batch 64",
    "resnet 1x64x64 batch 32",
)
NUMPY_PEERS = ("mygrad", "smallpebble", "dezero", "numpy-ml")


@dataclass(frozen=True)
class Goal:
    """A number to stay at or below.

    Attributes
    ----------
    table, work, peer
        As in `Measured`.
    goal, dream
        What must be reached, and what would be better still (None: nothing named).
    unit
        Empty for a ratio.
    """

    table: str
    work: str
    peer: str
    goal: float
    dream: float | None
    unit: str = ""


def _with_batch(work: str, batch: int) -> str:
    return f"{work.rpartition(' ')[0]} {batch}"


_STEP = {"lenet": (0.7, 0.4), "lungnet": (0.8, 0.5), "vgg": (1.0, 0.7), "resnet": (1.0, 0.7)}

GOALS: tuple[Goal, ...] = (
    *(Goal("train-step", work, BEST, *_STEP[work.split()[0]]) for work in FIVE),
    *(Goal("train-step", work, peer, 0.1, 0.05) for work in FIVE for peer in NUMPY_PEERS),
    *(Goal("inference", _with_batch(work, 64), "onnxruntime", 1.0, 0.8) for work in FIVE),
    *(Goal("inference", _with_batch(work, 1), "onnxruntime", 1.0, 0.7) for work in FIVE),
    *(Goal("memory", work, "torch eager", 0.7, 0.5) for work in FIVE),
    *(Goal("startup", work, "cold", 20.0, None, "s") for work in ("lenet", "lungnet", "train")),
    *(Goal("startup", work, "warm", 2.0, None, "s") for work in ("lenet", "lungnet", "train")),
)


def summary(runs: list[list[Measured]]) -> str:
    """Return a table of the goals with what the runs measured; goals not measured are left out.

    Parameters
    ----------
    runs
        What each repetition of all tables measured.
    """
    lines = [
        "| table | work | peer | goal | dream | median | best | worst | runs | |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for goal in GOALS:
        values = values_of(goal, runs)
        if not values:
            continue
        dream = "" if goal.dream is None else f"{goal.dream:g}"
        lines.append(
            f"| {goal.table} | {goal.work} | {goal.peer} | {goal.goal:g}{goal.unit} | {dream} "
            f"| **{median(values):.3f}** | {min(values):.3f} | {max(values):.3f} | {len(values)} "
            f"| {verdict(goal, median(values))} |"
        )
    return "\n".join(lines)


def values_of(goal: Goal, runs: list[list[Measured]]) -> list[float]:
    """Return what the runs measured of one goal."""
    key = goal.table, goal.work, goal.peer
    return [m.value for run in runs for m in run if (m.table, m.work, m.peer) == key]


def verdict(goal: Goal, value: float) -> str:
    """Say in a word where a value stands."""
    if goal.dream is not None and value <= goal.dream:
        return "dream reached"
    return "reached" if value <= goal.goal else "missed"
