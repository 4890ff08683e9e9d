"""One training step of the zoo's networks: minicnn beside torch, mygrad and smallpebble."""

from __future__ import annotations

import numpy as np

from benchmarks import peers
from benchmarks.harness import Timing, race
from benchmarks.peers import minicnn_peer
from benchmarks.work import TRAINING, Work

REFERENCE = "torch"
CHECKED_STEPS = 3


def run(seconds: float, backends: tuple[str, ...] = ("compiled",)) -> dict[str, list[Timing]]:
    """Race the contestants on every network of `benchmarks.work.TRAINING`.

    Returns
    -------
    dict
        Per piece of work, the timings; ratios are to torch, or to minicnn without it.
    """
    found, missing = peers.available()
    for name, why in missing.items():
        print(f"left out: {name} ({why})")
    results = {}
    for work in TRAINING:
        x, target = work.data()
        steps = {}
        for name, module in found.items():
            try:
                steps[name] = module.TrainingStep(work.build(), x, target)
            except peers.Untranslatable as error:
                print(f"left out of {work}: {error}")
        ours = {
            _label(backend): minicnn_peer.TrainingStep(work.build(), x, target, backend)
            for backend in backends
        }
        check_same_losses(work, ours | steps)
        reference = REFERENCE if REFERENCE in found else next(iter(ours))
        results[str(work)] = race(
            ours | steps, reference=reference, seconds=seconds, title=str(work)
        )
    return results


def check_same_losses(work: Work, steps: dict) -> None:
    """Assert that all contestants compute the same thing: their first losses agree.

    Dropout draws other masks in other libraries, so networks with dropout are compared at
    a tolerance of 10 % instead of 0.1 %.
    """
    tolerance = 0.1 if work.model == "lungnet" else 1e-3
    losses = {name: [step() for _ in range(CHECKED_STEPS)] for name, step in steps.items()}
    expected = next(iter(losses.values()))
    for name, values in losses.items():
        if not np.allclose(values, expected, rtol=tolerance):
            raise AssertionError(f"{work}: {name} has losses {values}; expected {expected}")


def _label(backend: str) -> str:
    return f"minicnn {backend}"
