"""The forward pass in evaluation mode, for a batch of 64 and for one image.

The running statistics of the batch norms are moved by a few batches first, so that folding them
into the convolutions changes something.
"""

from __future__ import annotations

import numpy as np

from benchmarks import checks, peers, tables
from benchmarks.harness import race
from benchmarks.outcome import Measured, Outcome, Settings
from benchmarks.peers import minicnn_peer
from benchmarks.work import FIVE, Work
from minicnn import Sequential, use_backend

OURS = "minicnn"
RATIO = "minicnn / it"
BATCHES = (64, 1)


def run(settings: Settings) -> Outcome:
    """Race the contestants on every network, at both batch sizes."""
    found, missing = peers.available(peers.INFERENCE, settings.wants)
    notes = [f"left out: {name}: {why}" for name, why in missing.items()]
    rows: list[tables.Row] = []
    works = settings.works or [work.with_batch(n) for n in BATCHES for work in FIVE]
    for work in works:
        x, _ = work.data()
        steps = {OURS: minicnn_peer.Inference(settled(work), x)}
        for name, factory in found.items():
            try:
                steps[name] = factory(settled(work), x)
            except peers.Untranslatable as error:
                notes.append(f"left out of {work}: {name}: {error}")
        checks.check_scores(work, {name: step() for name, step in steps.items()}, exact(work, x))
        result = race(steps, seconds=settings.seconds, title=str(work), block=settings.block)
        rows += tables.rows(str(work), result, OURS, ours_by_theirs=True)
    measured = [Measured("inference", row.work, row.name, row.ratio.median) for row in rows]
    return Outcome(
        "\n".join([*notes, "", tables.markdown(rows, RATIO)]),
        tables.jsonable(rows),
        lambda path: tables.picture(rows, path, "inference", RATIO),
        measured,
    )


def settled(work: Work) -> Sequential:
    """Build the network with running statistics of its own, in evaluation mode."""
    model = work.build()
    rng = np.random.default_rng(2)
    with use_backend("vectorized"):
        for _ in range(5):
            x = rng.normal(0.3, 1.5, (4, 1, work.size, work.size)).astype(np.float32)
            model.forward(x)
    return model.eval()


def exact(work: Work, x: np.ndarray) -> np.ndarray:
    """Return the scores by the plain layers in float64."""
    with use_backend("vectorized"):
        return settled(work).astype(np.float64).forward(x.astype(np.float64))
