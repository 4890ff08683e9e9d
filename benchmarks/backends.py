"""The three spellings of minicnn beside each other, on images the loops can bear."""

from __future__ import annotations

from benchmarks import checks, tables
from benchmarks.harness import race
from benchmarks.outcome import Outcome, Settings
from benchmarks.peers import minicnn_peer
from benchmarks.work import Work

# The loops need about a microsecond per multiply-add.
WORK = (Work("lenet", 28, 1),)
RATIO = "it / compiled"


def run(settings: Settings) -> Outcome:
    """Race the backends; ratios are to the compiled one."""
    rows: list[tables.Row] = []
    for work in settings.works or WORK:
        x, target = work.data()
        steps = {
            backend: minicnn_peer.TrainingStep(work.build(), x, target, backend, fused=False)
            for backend in ("compiled", "vectorized", "loops")
        }
        checks.check_training(work, steps, None if work.has_dropout() else checks.SINGLE)
        result = race(steps, seconds=settings.seconds, title=str(work), block=settings.block)
        rows += tables.rows(str(work), result, "compiled", ours_by_theirs=False)
    return Outcome(
        tables.markdown(rows, RATIO),
        tables.jsonable(rows),
        lambda path: tables.picture(rows, path, "backends", RATIO),
    )
