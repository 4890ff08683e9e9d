"""One operation at a time: its speed, its share of this machine's limit, and torch beside it.

Arithmetic is compared with a product of large matrices, moving memory with copying as many bytes,
in the same rounds. (Such copies stay in the caches, as the arrays of a small network do; the
speed of copying what fits no cache is in the first line.)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import kernel_cases, limits, tables
from benchmarks.harness import Race, Step, race
from benchmarks.kernel_cases import Case
from benchmarks.outcome import Measured, Outcome, Settings

OURS, COPY = "minicnn", "copy"
SHARE_OF_BUDGET = 1 / 20  # of a row of the other tables: there are many cases


@dataclass(frozen=True)
class Line:
    """What one operation reached.

    Attributes
    ----------
    speed, unit
        GFLOP/s or GB/s.
    share
        Of the limit.
    torch
        The faster way of torch, in microseconds; ``ratio`` is our time by its.
    """

    name: str
    size: str
    microseconds: float
    speed: float
    unit: str
    share: float
    torch: float | None
    ratio: float | None
    low: float | None
    high: float | None


def run(settings: Settings) -> Outcome:
    """Time every case."""
    torch = _torch() if settings.wants("torch") else None
    before = limits.measure()
    seconds = settings.seconds * SHARE_OF_BUDGET
    raced = [(case, time_case(case, torch, seconds)) for case in kernel_cases.all_cases(torch)]
    after = limits.measure()
    # A limit cannot be measured too high, only too low, on a busy machine.
    gflops = max(before.gflops, after.gflops)
    lines = [line_of(case, result, gflops) for case, result in raced]
    text = f"limits before: {before}; after: {after}\n\n{markdown(lines)}"
    measured = [
        Measured("kernels", f"{line.name} {line.size}", "torch", line.ratio)
        for line in lines
        if line.ratio is not None
    ]
    data = {"limits": [asdict(before), asdict(after)], "cases": [asdict(line) for line in lines]}
    return Outcome(text, data, lambda path: picture(lines, path), measured)


def time_case(case: Case, torch: Any, seconds: float) -> Race:
    """Compare the results, then race."""
    expected = np.asarray(case.ours())
    for name, function in case.theirs.items():
        off = np.abs(np.asarray(function()) - expected).max() / np.abs(expected).max()
        if not off < 1e-3:
            raise AssertionError(f"{case.name} {case.size}: {name} differs by {off:.2e}")
    steps: dict[str, Step] = {OURS: case.ours, **case.theirs}
    if case.bytes:
        steps[COPY] = copying(case.bytes // 2, torch)
    return race(steps, seconds=seconds, title=f"{case.name} {case.size}", block=0.01)


def line_of(case: Case, result: Race, gflops: float) -> Line:
    """Turn times into speeds and shares."""
    taken = result.median(OURS)
    best = result.fastest(case.theirs)
    ratio = result.ratio(OURS, best) if best else None
    speed = (case.flops or case.bytes) / taken / 1e9
    share = speed / gflops if case.flops else result.ratio(COPY, OURS).median
    return Line(
        case.name,
        case.size,
        taken * 1e6,
        speed,
        "GFLOP/s" if case.flops else "GB/s",
        share,
        result.median(best) * 1e6 if best else None,
        *((ratio.median, ratio.low, ratio.high) if ratio else (None, None, None)),
    )


def copying(count: int, torch: Any) -> Step:
    """Return a function that copies ``count`` bytes: as much is read as written."""
    source = np.zeros(max(1, count // 4), np.float32)
    target = np.empty_like(source)
    if torch is None:
        return lambda: np.copyto(target, source)
    ts, tt = torch.from_numpy(source), torch.from_numpy(target)
    return lambda: tt.copy_(ts)


def _torch() -> Any:
    try:
        from benchmarks.peers.torch_peer import torch
    except ImportError:
        return None
    return torch


def markdown(lines: list[Line]) -> str:
    rows = [
        "| operation | size | µs | speed | of the limit | torch µs | minicnn / torch | quartiles |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for line in lines:
        torch = ["", "", ""]
        if line.ratio is not None:
            spread = f"{tables.number(line.low)}-{tables.number(line.high)}"
            torch = [tables.number(line.torch), tables.number(line.ratio), spread]
        rows.append(
            f"| {line.name} | {line.size} | {tables.number(line.microseconds)} "
            f"| {tables.number(line.speed)} {line.unit} | {line.share:.0%} | {' | '.join(torch)} |"
        )
    return "\n".join(rows)


def picture(lines: list[Line], path: Path) -> None:
    """Draw the share of the limit, ours and torch's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1 + 0.22 * len(lines)), layout="constrained")
    axes = figure.subplots()
    y = np.arange(len(lines))
    axes.barh(y, [line.share for line in lines], 0.8, color="C0", label=OURS)
    theirs = [line.share * line.ratio if line.ratio else np.nan for line in lines]
    axes.plot(theirs, y, "k|", markersize=9, label="torch, its faster way")
    axes.set_yticks(y, [f"{line.name}  {line.size}" for line in lines], fontsize=7)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("share of the limit: matrix product, or copying as many bytes")
    axes.set_title("kernels")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)
