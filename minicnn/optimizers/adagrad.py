"""Adagrad: divide by the root of the sum of all squared gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.optimizers.base import HasParameters, Optimizer


class Adagrad(Optimizer):
    """Adagrad.

    With the gradient g (plus weight_decay w) at step t = 1, 2, ...:

        s <- s + g^2
        w <- w - lr / (1 + (t - 1) lr_decay)  g / (sqrt(s) + eps)

    The sum only grows, so coordinates that have moved much move ever less.
    Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization" (2011).

    Parameters
    ----------
    model, lr, weight_decay
        See `Optimizer`.
    lr_decay
        How the rate itself falls with the steps; at least 0.
    initial_accumulator_value
        What s starts from; at least 0.
    eps
        Keeps the division finite; at least 0.
    """

    def __init__(
        self,
        model: HasParameters,
        lr: float = 1e-2,
        *,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        self.lr_decay = check_number("lr_decay", lr_decay, minimum=0)
        self.initial_accumulator_value = check_number(
            "initial_accumulator_value", initial_accumulator_value, minimum=0
        )
        self.eps = check_number("eps", eps, minimum=0)
        slots = {"sum_of_squares": self.initial_accumulator_value}
        super().__init__(model, lr, weight_decay, slots)

    def update(self, w: NDArray, g: NDArray, state: dict[str, NDArray]) -> None:
        """Apply the equations of the class to one parameter."""
        g = self.decayed(w, g)
        s = state["sum_of_squares"]
        work = self.scratch(w)

        np.multiply(g, g, out=work)
        s += work
        np.sqrt(s, out=work)
        work += self.eps
        np.divide(g, work, out=work)
        work *= self.lr / (1 + (self.steps - 1) * self.lr_decay)
        w -= work

    def options(self) -> dict[str, Any]:
        """Return lr_decay, initial_accumulator_value and eps."""
        return {
            "lr_decay": self.lr_decay,
            "initial_accumulator_value": self.initial_accumulator_value,
            "eps": self.eps,
        }
