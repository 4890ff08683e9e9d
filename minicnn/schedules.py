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
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, StateError


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


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """Stairs: multiply the rate by ``factor`` after each ``every`` steps.

        lr factor^floor(t / every)

    How networks were trained from Krizhevsky et al., "ImageNet Classification with Deep
    Convolutional Neural Networks" (2012), to the first residual networks.

    Parameters
    ----------
    lr
        The first rate.
    every
        The length of a stair, in steps.
    factor
        From 0 to 1.
    """
    lr = check_number("lr", lr, minimum=0)
    every = check_count("every", every)
    factor = check_number("factor", factor, minimum=0, maximum=1)
    text = f"step_decay({lr!r}, every={every}, factor={factor!r})"
    return Schedule(lambda step: lr * factor ** (step // every), text)


def linear_warmup(schedule: Callable[[int], float], steps: int) -> Schedule:
    """Climb to the first rate of another schedule, then follow it from its beginning.

        schedule(0) (t + 1) / steps         t < steps
        schedule(t - steps)                 then

    ``linear_warmup(cosine(lr, n), m)`` is ``cosine(lr, n + m, warmup=m)``.
    Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017),
    section 2.2: large rates are safe only once the first, steep descent is over.

    Parameters
    ----------
    schedule
        Any callable from step to rate.
    steps
        The length of the climb; 0 for none.
    """
    steps = check_count("steps", steps, minimum=0)

    def rate(step: int) -> float:
        if step < steps:
            return schedule(0) * (step + 1) / steps
        return schedule(step - steps)

    return Schedule(rate, f"linear_warmup({schedule!r}, steps={steps})")


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


class ReduceOnPlateau:
    """Cut the rate when a metric has stopped improving.

    Call `update` with the metric, as a rule once per epoch. After more than ``patience``
    updates in a row without a new best value, the rate is multiplied by ``factor``. As
    PyTorch's ``ReduceLROnPlateau`` with its relative threshold, for metrics above zero.

    Parameters
    ----------
    lr
        The first rate.
    factor
        Below 1.
    patience
        How many updates without improvement are forgiven.
    threshold
        What counts as improvement: better than the best by this fraction of its size.
    mode
        ``"min"`` for a loss, ``"max"`` for an accuracy.
    cooldown
        How many updates after a cut are not counted against the metric.
    min_lr
        Never go below this.

    Raises
    ------
    ArgumentError
        If an argument is out of range.
    """

    def __init__(
        self,
        lr: float,
        *,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        mode: str = "min",
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.lr = check_number("lr", lr, minimum=0)
        self.factor = check_number("factor", factor, minimum=0, below=1)
        self.patience = check_count("patience", patience, minimum=0)
        self.threshold = check_number("threshold", threshold, minimum=0, below=1)
        if mode not in ("min", "max"):
            raise ArgumentError(f"mode is {mode!r}; give 'min' for a loss, 'max' for an accuracy")
        self.mode = mode
        self.cooldown = check_count("cooldown", cooldown, minimum=0)
        self.min_lr = check_number("min_lr", min_lr, minimum=0)
        self.best = math.inf if mode == "min" else -math.inf
        self.waited = 0
        self.resting = 0

    def __call__(self, step: int) -> float:
        """Return the rate now in force, whatever the step."""
        return self.lr

    def update(self, metric: float) -> None:
        """Take in a new value of the metric; NaN counts as no improvement."""
        if self._improves(metric):
            self.best = float(metric)
            self.waited = 0
        else:
            self.waited += 1
        if self.resting > 0:
            self.resting -= 1
            self.waited = 0
        if self.waited > self.patience:
            self.lr = max(self.lr * self.factor, self.min_lr)
            self.waited = 0
            self.resting = self.cooldown

    def _improves(self, metric: float) -> bool:
        if math.isinf(self.best):
            return metric < self.best if self.mode == "min" else metric > self.best
        margin = self.threshold * abs(self.best)
        if self.mode == "min":
            return metric < self.best - margin
        return metric > self.best + margin

    def state_dict(self) -> dict[str, float]:
        """Return the numbers that a later `load_state_dict` needs to go on."""
        return {name: getattr(self, name) for name in ("lr", "best", "waited", "resting")}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take over a state from `state_dict`.

        Raises
        ------
        StateError
            If a number is missing.
        """
        missing = [name for name in self.state_dict() if name not in state]
        if missing:
            raise StateError(
                f"the state of a ReduceOnPlateau lacks {missing}; give what its state_dict returned"
            )
        self.lr = check_number("lr", state["lr"], minimum=0)
        self.best = float(state["best"])
        self.waited, self.resting = int(state["waited"]), int(state["resting"])

    def __repr__(self) -> str:
        return (
            f"ReduceOnPlateau({self.lr!r}, factor={self.factor!r}, patience={self.patience}, "
            f"threshold={self.threshold!r}, mode={self.mode!r}, cooldown={self.cooldown}, "
            f"min_lr={self.min_lr!r})"
        )
