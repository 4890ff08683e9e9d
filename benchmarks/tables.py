"""Results as Markdown and as a picture."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import Timing

Results = dict[str, list[Timing]]


def markdown(results: Results) -> str:
    """Return one row per piece of work and contestant."""
    lines = ["| work | contestant | ms | ratio | quartiles | rounds |", "|---|---|--:|--:|--:|--:|"]
    for work, timings in results.items():
        for t in timings:
            lines.append(
                f"| {work} | {t.name} | {t.milliseconds:.2f} | {_ratio(t.ratio)} "
                f"| {_ratio(t.low)}-{_ratio(t.high)} | {t.rounds} |"
            )
    return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def picture(results: Results, path: Path, title: str) -> None:
    """Draw the ratios as bars with their quartiles, on a logarithmic axis."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(t.name for timings in results.values() for t in timings))
    bars = max(0.9, 0.22 * len(names))  # inches for the bars of one piece of work
    figure = Figure(figsize=(9, 1 + bars * len(results)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(names)
    for row, timings in enumerate(results.values()):
        for t in timings:
            i = names.index(t.name)
            y = row + (i - (len(names) - 1) / 2) * height
            axes.barh(y, t.ratio, height, color=f"C{i}", label=t.name if row == 0 else None)
            axes.plot([t.low, t.high], [y, y], color="black", linewidth=1)
            axes.text(t.ratio, y, f" {t.milliseconds:.3g} ms", va="center", fontsize=7)
    axes.set_yticks(range(len(results)), list(results))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time divided by the reference's (below 1 is faster)")
    axes.set_title(title)
    figure.legend(fontsize=8, loc="outside right upper")
    figure.savefig(path, dpi=120)
