"""The three spellings of minicnn beside each other, on images the loops can bear."""

from __future__ import annotations

from benchmarks.harness import Timing, race
from benchmarks.peers import minicnn_peer
from benchmarks.train_step import check_same_losses
from benchmarks.work import Work

# The loops need about a microsecond per multiply-add.
WORK = (Work("lenet", 28, 1),)


def run(seconds: float) -> dict[str, list[Timing]]:
    """Race the backends; ratios are to the compiled one."""
    results = {}
    for work in WORK:
        x, target = work.data()
        steps = {
            backend: minicnn_peer.TrainingStep(work.build(), x, target, backend)
            for backend in ("loops", "vectorized", "compiled")
        }
        check_same_losses(work, steps)
        results[str(work)] = race(steps, reference="compiled", seconds=seconds, title=str(work))
    return results
