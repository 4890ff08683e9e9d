"""Train a few steps with minicnn: ``minicnn_training MODEL:SIZE:BATCH STEPS``."""

from __future__ import annotations

import json
import sys

from benchmarks.children import age, memory


def main(work: str, steps: str) -> None:
    import numba  # noqa: F401  # part of what is imported, as torch is there

    from benchmarks.peers.minicnn_peer import TrainingStep
    from benchmarks.work import Work

    imported, baseline = age(), memory.peak()
    what = Work.parse(work)
    step = TrainingStep(what.build(), *what.data())
    losses = [step()]
    first = age()
    losses += [step() for _ in range(int(steps) - 1)]
    report = {"imported": imported, "first_step": first, "losses": losses}
    print(json.dumps(report | {"baseline": baseline, "peak": memory.peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
