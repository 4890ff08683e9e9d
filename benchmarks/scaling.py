"""How the time of a training step grows with batch, image and channels; cliffs show.

Twice the batch, twice the pixels or twice the channels of one layer mean twice the
multiplications, so a step should take twice as long: slope 1 against batch and channels, slope 2
against the side of an image, once the fixed costs of a step no longer count. Awkward sizes
(primes, one more than a power of two) are among the points on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minicnn as m
from benchmarks import peers, tables
from benchmarks.harness import race
from benchmarks.outcome import Measured, Outcome, Settings
from benchmarks.peers import minicnn_peer
from benchmarks.work import CLASSES, Work

BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 31, 32, 33, 48, 64, 96, 128, 192, 256)
SIDES = (28, 32, 35, 40, 48, 56, 64, 65, 80, 96, 112, 128, 160, 192, 224)
CHANNELS = (4, 6, 8, 12, 15, 16, 17, 20, 24, 32, 33, 48, 64, 96, 128)
SHARE_OF_BUDGET = 1 / 20  # of a row of the other tables: there are many points
CLIFF = 1.5  # time per unit, by the least of all smaller sizes
OURS, THEIRS = "minicnn", "torch eager"


@dataclass(frozen=True)
class Axis:
    """What grows, and how.

    Attributes
    ----------
    slope
        Of the time in a picture with two logarithmic axes, for large sizes.
    build
        Returns a network, images and classes for one size.
    """

    name: str
    network: str
    sizes: tuple[int, ...]
    slope: int
    build: Callable[[int], tuple[m.Sequential, Any, Any]]


@dataclass(frozen=True)
class Point:
    """Milliseconds at one size; the time per unit and what it is of the least so far."""

    axis: str
    name: str
    size: int
    milliseconds: float
    per_unit: float
    of_least: float


def of_work(work: Work) -> tuple[m.Sequential, Any, Any]:
    return work.build(dropout=False), *work.data()


def with_channels(channels: int) -> tuple[m.Sequential, Any, Any]:
    """Build three convolutions, 1 - 16 - ``channels`` - 16: the work grows linearly with them."""
    rng = np.random.default_rng(0)
    model = m.Sequential(
        m.Conv2d(1, 16, 3, padding=1, rng=rng),
        m.ReLU(),
        m.Conv2d(16, channels, 3, padding=1, rng=rng),
        m.BatchNorm2d(channels),
        m.ReLU(),
        m.MaxPool2d(2),
        m.Conv2d(channels, 16, 3, padding=1, rng=rng),
        m.ReLU(),
        m.GlobalAvgPool2d(),
        m.Linear(16, CLASSES, rng=rng),
    )
    return model, *Work("lenet", 28, 32).data()


AXES = (
    Axis("batch", "lungnet 28x28", BATCHES, 1, lambda n: of_work(Work("lungnet", 28, n))),
    Axis("side", "lungnet batch 8", SIDES, 2, lambda n: of_work(Work("lungnet", n, 8))),
    Axis("channels", "1-16-channels-16, 28x28 batch 32", CHANNELS, 1, with_channels),
)


def run(settings: Settings) -> Outcome:
    """Time a step at every size of every axis."""
    found, missing = peers.available({THEIRS: peers.TRAINING[THEIRS]}, settings.wants)
    points: list[Point] = []
    for axis in AXES:
        taken: dict[str, list[float]] = {}
        for size in axis.sizes:
            for name, milliseconds in time_step(axis, size, found, settings).items():
                taken.setdefault(name, []).append(milliseconds)
        for name, values in taken.items():
            points += along(axis, name, values)
    slopes = {
        (axis.name, name): slope(points, axis, name) for axis in AXES for name in (OURS, *found)
    }
    measured = [Measured("scaling", axis, name, value) for (axis, name), value in slopes.items()]
    notes = [f"left out: {name}: {why}" for name, why in missing.items()]
    text = "\n".join([*notes, *(markdown(points, axis, slopes) for axis in AXES)])
    data = [asdict(point) for point in points]
    return Outcome(text, data, lambda path: picture(points, slopes, path), measured)


def time_step(axis: Axis, size: int, found: dict[str, Any], settings: Settings) -> dict[str, float]:
    """Return the milliseconds of all contestants at one size, once their losses agree."""
    model, x, target = axis.build(size)
    steps: dict[str, Any] = {OURS: minicnn_peer.TrainingStep(model, x, target)}
    for name, factory in found.items():
        steps[name] = factory(axis.build(size)[0], x, target)
    losses = [step() for step in steps.values()]
    if not np.allclose(losses, losses[0], rtol=1e-3):
        raise AssertionError(f"{axis.name} {size}: first losses {losses}")
    seconds = settings.seconds * SHARE_OF_BUDGET
    result = race(steps, seconds=seconds, title=f"{axis.name} {size}", block=settings.block)
    return {name: result.median(name) * 1e3 for name in steps}


def along(axis: Axis, name: str, milliseconds: list[float]) -> list[Point]:
    """Return the points of one contestant with their time per unit."""
    points = []
    least = np.inf
    for size, value in zip(axis.sizes, milliseconds, strict=True):
        per_unit = value / size**axis.slope
        least = min(least, per_unit)
        points.append(Point(axis.name, name, size, value, per_unit, per_unit / least))
    return points


def slope(points: list[Point], axis: Axis, name: str) -> float:
    """Fit a power to the larger half of the sizes, where fixed costs count least."""
    mine = [p for p in points if p.axis == axis.name and p.name == name]
    middle = np.sqrt(mine[0].size * mine[-1].size)
    large = [p for p in mine if p.size >= middle]
    return float(
        np.polyfit(np.log([p.size for p in large]), np.log([p.milliseconds for p in large]), 1)[0]
    )


def markdown(points: list[Point], axis: Axis, slopes: dict[tuple[str, str], float]) -> str:
    """Return one axis: a row per size, the slopes in the heading."""
    unit = {"batch": "image", "side": "pixel", "channels": "channel"}[axis.name]
    mine = [p for p in points if p.axis == axis.name]
    names = list(dict.fromkeys(p.name for p in mine))
    fitted = ", ".join(f"{name} {slopes[axis.name, name]:.2f}" for name in names)
    lines = [f"\n{axis.name} ({axis.network}): slope {fitted}; expected {axis.slope}\n"]
    heads = " | ".join(f"{name} ms | µs per {unit} | of the least so far" for name in names)
    lines += [f"| {axis.name} | {heads} |", "|--:" * (1 + 3 * len(names)) + "|"]
    for size in axis.sizes:
        cells = []
        for name in names:
            p = next(p for p in mine if p.name == name and p.size == size)
            cliff = " **cliff**" if p.of_least > CLIFF else ""
            cells += [
                tables.number(p.milliseconds),
                tables.number(p.per_unit * 1e3),
                f"{p.of_least:.2f}{cliff}",
            ]
        lines.append(f"| {size} | {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(points: list[Point], slopes: dict[tuple[str, str], float], path: Path) -> None:
    """Draw time against size, both logarithmic, with a line of the expected slope."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, axis in zip(figure.subplots(1, len(AXES)), AXES, strict=True):
        mine = [p for p in points if p.axis == axis.name]
        for name in dict.fromkeys(p.name for p in mine):
            sizes, values = zip(
                *((p.size, p.milliseconds) for p in mine if p.name == name), strict=True
            )
            label = f"{name}, slope {slopes[axis.name, name]:.2f}"
            axes.plot(sizes, values, ".-", label=label)
            if name == OURS:
                guide = values[-1] * (np.array(sizes) / sizes[-1]) ** axis.slope
                axes.plot(sizes, guide, "k--", linewidth=0.8, label=f"slope {axis.slope}")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(axis.sizes[:: max(1, len(axis.sizes) // 6)])
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_xlabel(f"{axis.name} ({axis.network})", fontsize=8)
        axes.set_ylabel("ms per training step")
        axes.legend(fontsize=7)
    figure.savefig(path, dpi=120)
