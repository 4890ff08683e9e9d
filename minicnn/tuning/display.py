"""A search while it runs: a table that redraws itself on a terminal, lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from minicnn.data.wording import count_of
from minicnn.tuning.ranking import score_of, table_rows, write_value
from minicnn.tuning.search import Watcher
from minicnn.tuning.settings import Settings
from minicnn.tuning.space import Space

if TYPE_CHECKING:
    from minicnn.data.development import Development

ROWS = 10
SECONDS = 0.2  # between two drawings
UP_AND_CLEAR = "\x1b[{}A\x1b[J"


def plan_in_words(settings: Settings) -> str:
    """Say in one line what is going to be trained."""
    rungs = settings.rungs()
    if settings.method == "random":
        fixed = f", {count_of(settings.epochs, 'epoch')} each" if settings.epochs else ""
        return f"random search: {count_of(settings.trials, 'trial')}{fixed}"
    steps = ", then ".join(f"{r.trials} x {count_of(r.epochs, 'epoch')}" for r in rungs)
    total = sum(r.trials * r.epochs for r in rungs)
    return f"successive halving: {steps}; {count_of(total, 'epoch')} in all"


class Display(Watcher):
    """Show the best trials so far and those being trained.

    Parameters
    ----------
    file
        Where to write; by default standard error.
    live
        Whether to redraw; by default where the file is a terminal.
    """

    def __init__(self, file: TextIO | None = None, live: bool | None = None) -> None:
        self.file = sys.stderr if file is None else file
        self.live = self.file.isatty() if live is None else live
        self.results: list[Mapping[str, Any]] = []
        self.running: dict[int, tuple[int, int]] = {}
        self.total = 0
        self._lines = 0  # drawn last time, to be drawn over
        self._drawn = 0.0
        self._space = Space({}, {}, {})
        self._metric = "auc"

    def begin(self, settings: Settings, data: Development, done: Sequence[Any]) -> None:
        """Say what is searched and what was done before."""
        self._space, self._metric = settings.parsed(), settings.metric
        self.results = list(done)
        self.total = sum(rung.trials for rung in settings.rungs())
        self._say(
            f"data    {data.name}: train {len(data.train):,}, val {len(data.val):,} (test is never "
            f"loaded)"
        )
        for note in data.notes:
            self._say(f"  note: {note}")
        self._say(f"search  {plan_in_words(settings)}, by {settings.metric} on val")
        self._say(f"        over {', '.join(self._space.varied) or 'nothing: all is fixed'}")
        if done:
            self._say(f"        {count_of(len(done), 'training')} done before")

    def epoch(self, trial: int, epoch: int, epochs: int) -> None:
        """Move on."""
        self.running[trial] = epoch, epochs
        if self.live and time.monotonic() - self._drawn > SECONDS:
            self._draw()

    def finished(self, result: Mapping[str, Any]) -> None:
        """Write the line of the trial, or draw the table anew."""
        self.results.append(result)
        self.running.pop(result["trial"], None)
        if self.live:
            self._draw()
        else:
            self._say(self._line(result))

    def end(self) -> None:
        """Leave the last table on the screen, unless all is done and it comes as the result."""
        if not self.live:
            return
        self.running.clear()
        if len(self.results) < self.total:
            self._draw()
        elif self._lines:
            self.file.write(UP_AND_CLEAR.format(self._lines))
            self.file.flush()
        self._lines = 0

    def _line(self, result: Mapping[str, Any]) -> str:
        values = ", ".join(
            f"{name} {write_value(result['values'].get(name))}"
            for name in self._space.varied
            if name != "epochs"
        )
        what = result["status"]
        if what == "ok":
            what = ", ".join(
                f"val {name} {'undefined' if result[key] is None else format(result[key], '.4f')}"
                for name, key in (("AUC", "val_auc"), ("loss", "val_loss"))
            )
        rung = f" rung {result['rung']}" if result["rung"] else ""
        best = self._best()
        mark = "  <- best so far" if best is result else ""
        return (
            f"[{len(self.results)}/{self.total}] trial {result['trial']}{rung}: {what} "
            f"({count_of(result['epochs'], 'epoch')}, {result['seconds']:.1f} s; {values}){mark}"
        )

    def _best(self) -> Mapping[str, Any] | None:
        scored = [(score_of(r, self._metric), r) for r in self.results]
        known = [(score, r) for score, r in scored if score is not None]
        return max(known, key=lambda pair: pair[0])[1] if known else None

    def _draw(self) -> None:
        from minicnn.cli.output import columns

        width = shutil.get_terminal_size().columns
        lines = columns(table_rows(self.results, self._space, self._metric)).splitlines()
        hidden = len(lines) - 1 - ROWS
        lines = lines[: ROWS + 1]
        if hidden > 0:
            lines.append(f"    and {hidden} more")
        for trial, (epoch, epochs) in sorted(self.running.items()):
            share = epoch / epochs if epochs else 0.0
            bar = ("#" * round(20 * share)).ljust(20, ".")
            lines.append(f"    trial {trial} [{bar}] epoch {epoch}/{epochs or '?'}")
        lines.append(f"    {len(self.results)} of {self.total} trainings done")
        # A line that wraps would take two rows, and the next drawing would miss one.
        lines = [line[: max(width - 1, 20)] for line in lines]
        clear = UP_AND_CLEAR.format(self._lines) if self._lines else ""
        self.file.write(clear + "\n".join(lines) + "\n")
        self.file.flush()
        self._lines, self._drawn = len(lines), time.monotonic()

    def _say(self, line: str) -> None:
        print(line, file=self.file, flush=True)
