"""How contestants are timed: interleaved in one run, medians, ratios.

A machine is never quiet. So the contestants take turns, one step each, round after
round: what disturbs one disturbs all. The median of the rounds is quoted, and the ratio
of two contestants is the median of their ratios round by round, with its quartiles.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

Step = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """What one contestant took.

    Attributes
    ----------
    milliseconds
        Median of the rounds.
    ratio, low, high
        Its time divided by the reference's, in the same round: median and quartiles.
        Below 1 is faster than the reference.
    """

    name: str
    milliseconds: float
    ratio: float
    low: float
    high: float
    rounds: int


def race(
    contestants: dict[str, Step], *, reference: str, seconds: float = 20.0, title: str = ""
) -> list[Timing]:
    """Let the contestants take turns for about ``seconds`` seconds.

    Parameters
    ----------
    contestants
        By name, a function that does one unit of work. Each is called twice beforehand, so
        that nothing is compiled or allocated for the first time while the clock runs.
    reference
        Whose time the ratios divide by.
    seconds
        The budget, at least 5 rounds.
    """
    estimates = {}
    for name, step in contestants.items():
        step()
        estimates[name] = _clock(step)
    rounds = max(5, int(seconds / sum(estimates.values())))
    # More than this adds precision nobody needs.
    rounds = min(rounds, 400)
    times = {name: np.empty(rounds) for name in contestants}
    for i in tqdm(range(rounds), desc=title, leave=False, disable=None):
        for name, step in contestants.items():
            times[name][i] = _clock(step)
    return [_timing(name, times[name], times[reference]) for name in contestants]


def _clock(step: Step) -> float:
    """Seconds of one call, with the garbage collector waiting outside."""
    gc.disable()
    try:
        start = time.perf_counter()
        step()
        return time.perf_counter() - start
    finally:
        gc.enable()


def _timing(name: str, times: np.ndarray, reference: np.ndarray) -> Timing:
    low, ratio, high = np.percentile(times / reference, [25, 50, 75])
    median = float(np.median(times)) * 1e3
    return Timing(name, median, float(ratio), float(low), float(high), len(times))
