"""Races as Markdown, as JSON and as a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import Race, Ratio


@dataclass(frozen=True)
class Row:
    """One contestant at one piece of work."""

    work: str
    name: str
    milliseconds: float
    ratio: Ratio
    note: str = ""


def rows(work: str, race: Race, reference: str, *, ours_by_theirs: bool) -> list[Row]:
    """Return a row per contestant.

    Parameters
    ----------
    ours_by_theirs
        True divides the time of ``reference`` by the contestant's (below 1: the reference is
        faster); False the contestant's by the reference's.
    """
    return [
        Row(
            work,
            name,
            race.median(name) * 1e3,
            race.ratio(reference, name) if ours_by_theirs else race.ratio(name, reference),
        )
        for name in race.seconds
    ]


def markdown(table: list[Row], ratio: str) -> str:
    """Return the rows under a heading that says what is divided by what."""
    lines = [
        f"| work | contestant | ms | {ratio} | quartiles | rounds |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in table:
        r = row.ratio
        spread = f"{number(r.low)}-{number(r.high)}"
        cells = (row.work, row.name + row.note, number(row.milliseconds), number(r.median), spread)
        lines.append(f"| {' | '.join(cells)} | {r.rounds} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def jsonable(table: list[Row]) -> list[dict[str, Any]]:
    return [asdict(row) for row in table]


def picture(table: list[Row], path: Path, title: str, ratio: str) -> None:
    """Draw the ratios as bars with their quartiles, on a logarithmic axis."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.name for row in table))
    works = list(dict.fromkeys(row.work for row in table))
    bars = max(0.9, 0.22 * len(names))  # inches for the bars of one piece of work
    figure = Figure(figsize=(9, 1 + bars * len(works)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(names)
    labelled = set()
    for row in table:
        i = names.index(row.name)
        y = works.index(row.work) + (i - (len(names) - 1) / 2) * height
        label = None if row.name in labelled else row.name
        labelled.add(row.name)
        axes.barh(y, row.ratio.median, height, color=f"C{i % 10}", label=label)
        axes.plot([row.ratio.low, row.ratio.high], [y, y], color="black", linewidth=1)
        text = f" {number(row.milliseconds)} ms"
        axes.text(row.ratio.median, y, text, va="center", fontsize=7)
    axes.set_yticks(range(len(works)), works)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(ratio)
    axes.set_title(title)
    figure.legend(fontsize=8, loc="outside right upper")
    figure.savefig(path, dpi=120)
