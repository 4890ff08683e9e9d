"""One training step (forward, loss, backward, Adam) of five networks, beside the peers.

What is timed is what the Trainer does with a batch that is ready. Ratios are minicnn's time by
the peer's, against each and against "torch at its best": the fastest of the three ways to run it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import checks, goals, peers, tables
from benchmarks.harness import race
from benchmarks.outcome import Measured, Outcome, Settings
from benchmarks.peers import minicnn_peer
from benchmarks.work import FIVE, Work

OURS, PLAIN = "minicnn", "minicnn, plain layers"
ORACLE = "torch eager"
RATIO = "minicnn / it"


def run(settings: Settings) -> Outcome:
    """Race the contestants on every network."""
    found, missing = peers.available(peers.TRAINING, settings.wants)
    notes = [f"left out: {name}: {why}" for name, why in missing.items()]
    rows: list[tables.Row] = []
    measured: list[Measured] = []
    for work in settings.works or FIVE:
        steps, why = contestants(work, found)
        notes += [f"left out of {work}: {name}: {reason}" for name, reason in why.items()]
        result = race(steps, seconds=settings.seconds, title=str(work), block=settings.block)
        best = result.fastest(peers.TORCH)
        for row in tables.rows(str(work), result, OURS, ours_by_theirs=True):
            note = f" ({goals.BEST})" if row.name == best else ""
            rows.append(tables.Row(row.work, row.name, row.milliseconds, row.ratio, note))
            measured.append(Measured("train-step", str(work), row.name, row.ratio.median))
        if best:
            ratio = result.ratio(OURS, best).median
            measured.append(Measured("train-step", str(work), goals.BEST, ratio))
    text = "\n".join([*dict.fromkeys(notes), "", tables.markdown(rows, RATIO)])
    return Outcome(
        text,
        tables.jsonable(rows),
        lambda path: tables.picture(rows, path, "one training step", RATIO),
        measured,
    )


def contestants(work: Work, found: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return contestants whose numbers were compared, and why others are missing."""
    x, target = work.data()
    steps: dict[str, Any] = {}
    missing = {}
    for name, factory in found.items():
        try:
            steps[name] = factory(work.build(), x, target)
        except peers.Untranslatable as error:
            missing[name] = str(error)
    check(work, found.get(ORACLE), np.float64)
    check(work, found.get(ORACLE), np.float32)
    # The oracle first: all others are compared with it.
    everybody = ours(work) | steps
    first = {ORACLE: everybody[ORACLE]} if ORACLE in everybody else {}
    checks.check_training(work, first | everybody, None if work.has_dropout() else checks.SINGLE)
    return everybody, missing


def check(work: Work, oracle: Any, dtype: type) -> None:
    """Compare minicnn with torch, without dropout: losses, gradients, weights after ten steps."""
    double = dtype is np.float64
    if double:  # a few images show as much
        work = work.with_batch(min(work.batch, 8))
    x, target = work.data()
    x = x.astype(dtype)
    steps = ours(work, dtype=dtype, dropout=False)
    if oracle is not None:
        model = work.build(dropout=False).astype(dtype)
        steps = {ORACLE: oracle(model, x, target)} | steps
    checks.check_training(work, steps, checks.DOUBLE if double else checks.SINGLE)


def ours(work: Work, *, dtype: type = np.float32, dropout: bool = True) -> dict[str, Any]:
    """Return minicnn, fused, and beside it the plain layers."""
    x, target = work.data()
    x = x.astype(dtype)

    def step(*, fused: bool) -> Any:
        model = work.build(dropout=dropout).astype(dtype)
        return minicnn_peer.TrainingStep(model, x, target, fused=fused)

    return {OURS: step(fused=True), PLAIN: step(fused=False)}
