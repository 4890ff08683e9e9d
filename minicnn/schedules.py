"""Learning-rate schedules: callables from the step number, counted from 0, to the rate.

    schedule = cosine(0.1, steps=1000, warmup=50)
    for step in range(1000):
        optimizer.lr = schedule(step)
        ...

A step is one update of the weights, not an epoch. A schedule keeps no state, so training
that resumes at step 700 gets the rate of step 700; `ReduceOnPlateau`, which listens to a
metric, is the exception.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError


@dataclass(frozen=True)
class Schedule:
    """A formula for the learning rate, with the words to print for it.

    Attributes
    ----------
    formula
        From a step number >= 0 to a rate.
    text
        What ``repr`` shows.
    """

    formula: Callable[[int], float]
    text: str

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        return float(self.formula(check_count("step", step, minimum=0)))

    def __repr__(self) -> str:
        return self.text


def constant(lr: float) -> Schedule:
    """Return the same rate at every step.

    Raises
    ------
    ArgumentError
        If ``lr`` is negative or not finite; the other schedules check likewise.
    """
    lr = check_number("lr", lr, minimum=0)
    return Schedule(lambda step: lr, f"constant({lr!r})")


def cosine(lr: float, steps: int, final: float = 0.0, warmup: int = 0) -> Schedule:
    """Half a cosine from ``lr`` down to ``final``, after a linear warm-up.

        lr (t + 1) / warmup                                             t < warmup
        final + (lr - final) (1 + cos(pi (t - warmup) / (steps - warmup))) / 2    then

    ``final`` is reached at t = steps, just after the last of ``steps`` updates, and kept.
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017),
    equation 5, without the restarts.

    Parameters
    ----------
    lr
        The highest rate.
    steps
        The length of the training, warm-up included.
    final
        The last rate.
    warmup
        How many steps climb to ``lr``; fewer than ``steps``.
    """
    lr = check_number("lr", lr, minimum=0)
    steps = check_count("steps", steps)
    final = check_number("final", final, minimum=0)
    warmup = check_count("warmup", warmup, minimum=0)
    if warmup >= steps:
        raise ArgumentError(f"warmup is {warmup}; it must be shorter than steps, {steps}")

    def rate(step: int) -> float:
        if step < warmup:
            return lr * (step + 1) / warmup
        return _cosine_between(lr, final, (step - warmup) / (steps - warmup))

    return Schedule(rate, f"cosine({lr!r}, steps={steps}, final={final!r}, warmup={warmup})")


def one_cycle(
    max_lr: float,
    steps: int,
    *,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Up to ``max_lr`` and down to almost nothing, both along half a cosine.

        first  = max_lr / div_factor        at t = 0
        max_lr                              at t = pct_start steps - 1
        first / final_div_factor            at t = steps - 1, and after

    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates" (2018); names and defaults are those of PyTorch's ``OneCycleLR``, which
    also cycles the momentum; this does not.

    Parameters
    ----------
    max_lr
        The highest rate.
    steps
        The length of the training.
    pct_start
        The share of the steps spent climbing, between 0 and 1.
    div_factor, final_div_factor
        How far below ``max_lr`` it starts, and how far below that it ends; at least 1.
    """
    max_lr = check_number("max_lr", max_lr, minimum=0)
    steps = check_count("steps", steps)
    pct_start = check_number("pct_start", pct_start, minimum=0, maximum=1)
    first = max_lr / check_number("div_factor", div_factor, minimum=1)
    final = first / check_number("final_div_factor", final_div_factor, minimum=1)
    top = max(pct_start * steps - 1, 0.0)
    end = steps - 1

    def rate(step: int) -> float:
        if step < top:
            return _cosine_between(first, max_lr, step / top)
        return _cosine_between(max_lr, final, (step - top) / (end - top) if end > top else 0.0)

    return Schedule(
        rate,
        f"one_cycle({max_lr!r}, steps={steps}, pct_start={pct_start!r}, "
        f"div_factor={div_factor!r}, final_div_factor={final_div_factor!r})",
    )


def _cosine_between(start: float, end: float, progress: float) -> float:
    """Go from ``start`` to ``end`` along half a cosine as ``progress`` goes from 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
