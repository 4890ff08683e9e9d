"""How long until the first training step is done, counted from pressing return.

Every number comes from a process of its own. *Cold* means that Numba's cache is an empty folder,
as after a fresh install; *warm*, that the run before has filled it. ``train`` is the command
``minicnn train`` on phantoms, as far as its first step. The files themselves are in the system's
page cache in both.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import children, tables
from benchmarks.outcome import Measured, Outcome, Settings
from benchmarks.work import FIVE, Work

WORKS = tuple(work for work in FIVE if work.size == 28 and work.model in ("lenet", "lungnet"))
WARM_RUNS = 3


@dataclass(frozen=True)
class Start:
    """Seconds from the start of the process to the end of its first step."""

    work: str
    what: str
    seconds: float
    imported: float | None = None


def run(settings: Settings) -> Outcome:
    """Start every program several times."""
    starts: list[Start] = []
    works = settings.works or WORKS
    for work in works:
        starts += of_minicnn(label(work, works), "minicnn_training", work.spec(), "1")
    with tempfile.TemporaryDirectory() as folder:
        # Every start makes a run folder in it.
        starts += of_minicnn("train", "command_line", folder)
    notes: list[str] = []
    if settings.wants("torch"):
        try:
            for work in works:
                starts.append(of_torch(label(work, works), work))
        except ImportError as error:
            notes.append(f"left out: torch ({error})")
    measured = [Measured("startup", s.work, s.what, s.seconds) for s in starts]
    text = "\n".join([*notes, "", markdown(starts)])
    return Outcome(text, [asdict(s) for s in starts], lambda path: picture(starts, path), measured)


def label(work: Work, works: tuple[Any, ...]) -> str:
    return work.model if works is WORKS else str(work)


def of_minicnn(name: str, module: str, *arguments: str) -> list[Start]:
    """Return a cold start and the median of a few warm ones."""
    with tempfile.TemporaryDirectory() as cache:
        variables = {"NUMBA_CACHE_DIR": cache}
        runs = [
            children.run(module, *arguments, environment=variables) for _ in range(WARM_RUNS + 1)
        ]
    return [Start(name, "cold", *times(runs[:1])), Start(name, "warm", *times(runs[1:]))]


def of_torch(name: str, work: Work) -> Start:
    """Return the median start of torch, eager."""
    with torch_file(work) as path:
        runs = [children.run("torch_training", path, "1") for _ in range(WARM_RUNS)]
    return Start(name, "torch eager", *times(runs))


class torch_file:
    """A temporary file with a network for torch and a batch."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def __enter__(self) -> str:
        from benchmarks.peers.torch_peer import torch, twin

        self._folder = tempfile.TemporaryDirectory()
        path = str(Path(self._folder.name) / "network.pt")
        x, target = map(torch.from_numpy, self.work.data())
        torch.save((twin(self.work.build()).train(), x, target), path)
        return path

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()


def times(runs: list[Any]) -> tuple[float, float | None]:
    """Return the medians of both times; the command line tells only the second."""
    imported = [run["imported"] for run in runs if "imported" in run]
    return median(run["first_step"] for run in runs), median(imported) if imported else None


def markdown(starts: list[Start]) -> str:
    lines = ["| work | start | first step after s | of it, imports |", "|---|---|--:|--:|"]
    for s in starts:
        imported = "" if s.imported is None else tables.number(s.imported)
        lines.append(f"| {s.work} | {s.what} | {tables.number(s.seconds)} | {imported} |")
    return "\n".join(lines)


def picture(starts: list[Start], path: Path) -> None:
    """Draw the seconds as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 0.35 * len(starts)), layout="constrained")
    axes = figure.subplots()
    kinds = list(dict.fromkeys(s.what for s in starts))
    for i, s in enumerate(starts):
        axes.barh(i, s.seconds, color=f"C{kinds.index(s.what)}")
        axes.text(s.seconds, i, f" {tables.number(s.seconds)} s", va="center", fontsize=8)
    axes.set_yticks(range(len(starts)), [f"{s.work}, {s.what}" for s in starts])
    axes.invert_yaxis()
    axes.set_xlabel("seconds until the first training step is done")
    axes.set_title("start-up")
    figure.savefig(path, dpi=120)
