"""How contestants are timed: in turn, in one run, so that what disturbs one disturbs all.

A round gives every contestant one *block*: a short pause, one call that is not timed, then calls
one after the other for about 30 ms. The order is drawn anew every round. Medians are over all
calls; the ratio of two contestants is taken round by round (median of one block by median of the
other) and quoted as the median of the rounds with its quartiles.

Why blocks, and not one call each in turn: the thread pools of torch and onnxruntime go on
spinning for some milliseconds after a call, because the next one usually follows at once. Called
in turn, they hand the next contestant a machine with one core busy. The pause lets them fall
asleep, and the call that is not timed wakes the contestant's own threads and fills the caches
with its own data, as in a training or a service that runs that library alone. ``block=0`` gives
the other scheme, one call each without a pause (``python -m benchmarks train-step --block 0``).
On a quiet machine with two cores everybody was faster in blocks: in a training step of `lenet`,
minicnn took 4.5 ms instead of 5.9, torch in channels_last 7.9 instead of 10.3; in inference,
onnxruntime took 0.83 instead of 1.7, and minicnn 1.4 instead of 2.4.

A contestant a hundred times slower than the others would eat the budget. Each gets the same
share of the time, so slow ones take part in fewer rounds, three at least.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

Step = Callable[[], object]

BLOCK = 0.03  # seconds of calls
PAUSE = 0.005  # seconds of quiet before them
FEWEST, MOST = 3, 400  # rounds


@dataclass(frozen=True)
class Ratio:
    """The quotient of two times, taken round by round: its median and quartiles."""

    median: float
    low: float
    high: float
    rounds: int


@dataclass(frozen=True)
class Race:
    """What every contestant took.

    Attributes
    ----------
    seconds
        By name and round, the times of the calls; None where the contestant sat out.
    """

    seconds: dict[str, list[NDArray[np.float64] | None]]

    def median(self, name: str) -> float:
        """Return the median of all calls, in seconds."""
        return float(np.median(np.concatenate([a for a in self.seconds[name] if a is not None])))

    def ratio(self, name: str, other: str) -> Ratio:
        """Return the time of ``name`` divided by that of ``other``: below 1, it is faster."""
        pairs = zip(self.seconds[name], self.seconds[other], strict=True)
        ratios = [np.median(a) / np.median(b) for a, b in pairs if a is not None and b is not None]
        low, median, high = np.percentile(ratios, [25, 50, 75])
        return Ratio(float(median), float(low), float(high), len(ratios))

    def fastest(self, names: Iterable[str]) -> str | None:
        """Return the one of these contestants whose median is lowest."""
        return min((n for n in names if n in self.seconds), key=self.median, default=None)


def race(
    contestants: dict[str, Step],
    *,
    seconds: float = 20.0,
    title: str = "",
    always: str | None = None,
    block: float = BLOCK,
    seed: int = 0,
) -> Race:
    """Let the contestants take turns for about ``seconds`` seconds.

    Parameters
    ----------
    contestants
        By name, a function that does one unit of work. One with a method ``reset`` is put
        back to where it began before every block, so that all do the same work: a training
        that goes on for thousands of steps on one batch ends in units that are never active.
    seconds
        The budget.
    always
        The contestant that takes part in every round, by default the first one: ratios are
        to be taken with it.
    block
        Seconds of calls in one block; 0 for a single call and no pause.
    seed
        Of the order of the blocks.
    """
    always = always or next(iter(contestants))
    calls, rounds = {}, {}
    share = seconds / len(contestants)
    for name, step in contestants.items():
        estimate = _estimate(step)
        calls[name] = max(1, round(block / estimate))
        cost = estimate * (calls[name] + (estimate < block)) + (PAUSE if block else 0.0)
        rounds[name] = int(np.clip(share / cost, FEWEST, MOST))
    total = max(rounds.values())
    rounds[always] = total
    taken: dict[str, list[NDArray[np.float64] | None]] = {name: [] for name in contestants}
    rng = np.random.default_rng(seed)
    for i in tqdm(range(total), desc=title, leave=False, disable=None):
        for j in rng.permutation(len(contestants)):
            name = list(contestants)[j]
            # Spread the rounds of a slow one evenly over the run.
            if (i + 1) * rounds[name] // total == i * rounds[name] // total:
                taken[name].append(None)
                continue
            taken[name].append(_block(contestants[name], calls[name], quiet=block > 0))
    return Race(taken)


def _estimate(step: Step) -> float:
    """Return the seconds of a warm call; a slow one is called only once."""
    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    if first > 1.0:
        return first
    return float(np.median(_block(step, 3, quiet=False)))


def _block(step: Step, calls: int, *, quiet: bool) -> NDArray[np.float64]:
    """Time calls one after the other, with the garbage collector waiting outside."""
    reset = getattr(step, "reset", None)
    if reset is not None:
        reset()
    if quiet:
        time.sleep(PAUSE)
        if calls > 1:
            step()
    times = np.empty(calls)
    gc.disable()
    try:
        for i in range(calls):
            start = time.perf_counter()
            step()
            times[i] = time.perf_counter() - start
    finally:
        gc.enable()
    return times
