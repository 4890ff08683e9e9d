"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.errors import ArgumentError
from minicnn.functional import optimizer as F
from minicnn.optimizers.base import HasParameters, Optimizer, at_once


class SGD(Optimizer):
    """Stochastic gradient descent.

    With the gradient g (plus weight_decay w) and the velocity v, which starts at 0:

        v <- momentum v + g
        w <- w - lr v                      or, with Nesterov,  w - lr (g + momentum v)

    Polyak, "Some Methods of Speeding Up the Convergence of Iteration Methods" (1964);
    Nesterov's variant as in Sutskever et al., "On the Importance of Initialization and
    Momentum in Deep Learning" (2013).

    Parameters
    ----------
    model, lr, weight_decay
        See `Optimizer`.
    momentum
        How much of the velocity survives a step, at least 0 and below 1.
    nesterov
        Look ahead along the velocity; needs momentum.
    """

    def __init__(
        self,
        model: HasParameters,
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = check_number("momentum", momentum, minimum=0, below=1)
        self.nesterov = bool(nesterov)
        if self.nesterov and self.momentum == 0:
            raise ArgumentError("nesterov=True needs momentum > 0, such as momentum=0.9")
        super().__init__(model, lr, weight_decay, {"velocity": 0.0} if self.momentum else {})

    @at_once
    def update(self, w: NDArray, g: NDArray, state: dict[str, NDArray]) -> None:
        """Apply the equations of the class."""
        F.sgd(
            w,
            g,
            state.get("velocity"),
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )

    def options(self) -> dict[str, Any]:
        """Return momentum and nesterov."""
        return {"momentum": self.momentum, "nesterov": self.nesterov}
