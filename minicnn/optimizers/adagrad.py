"""Adagrad: divide by the root of the sum of all squared gradients so far."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.functional import optimizer as F
from minicnn.optimizers.base import HasParameters, Optimizer, at_once


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

    @at_once
    def update(self, w: NDArray, g: NDArray, state: dict[str, NDArray]) -> None:
        """Apply the equations of the class."""
        F.adagrad(
            w,
            g,
            state["sum_of_squares"],
            lr=self.lr,
            lr_decay=self.lr_decay,
            eps=self.eps,
            weight_decay=self.weight_decay,
            t=self.steps,
        )

    def options(self) -> dict[str, Any]:
        """Return lr_decay, initial_accumulator_value and eps."""
        return {
            "lr_decay": self.lr_decay,
            "initial_accumulator_value": self.initial_accumulator_value,
            "eps": self.eps,
        }
