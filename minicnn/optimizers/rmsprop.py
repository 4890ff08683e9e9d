"""RMSprop: divide by a running root mean square of the gradient."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.functional import optimizer as F
from minicnn.optimizers.base import HasParameters, Optimizer, at_once


class RMSprop(Optimizer):
    """RMSprop.

    With the gradient g (plus weight_decay w):

        s <- alpha s + (1 - alpha) g^2
        w <- w - lr g / (sqrt(s) + eps)

    With ``centered``, s is replaced under the root by the variance s - a^2, where
    a <- alpha a + (1 - alpha) g; with ``momentum``, the quotient feeds a velocity
    v <- momentum v + g / (sqrt(s) + eps), and w <- w - lr v.

    Tieleman and Hinton, "Lecture 6.5: RMSprop" (2012); centred: Graves, "Generating
    Sequences with Recurrent Neural Networks" (2013), equations 38 to 45.

    Parameters
    ----------
    model, lr, weight_decay
        See `Optimizer`.
    alpha
        How much of the running means survives a step, at least 0 and below 1.
    eps
        Keeps the division finite; at least 0.
    momentum
        At least 0 and below 1.
    centered
        Divide by the standard deviation instead of the root mean square.
    """

    def __init__(
        self,
        model: HasParameters,
        lr: float = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        self.alpha = check_number("alpha", alpha, minimum=0, below=1)
        self.eps = check_number("eps", eps, minimum=0)
        self.momentum = check_number("momentum", momentum, minimum=0, below=1)
        self.centered = bool(centered)
        slots = {"mean_square": 0.0}
        if self.centered:
            slots["mean"] = 0.0
        if self.momentum:
            slots["velocity"] = 0.0
        super().__init__(model, lr, weight_decay, slots)

    @at_once
    def update(self, w: NDArray, g: NDArray, state: dict[str, NDArray]) -> None:
        """Apply the equations of the class."""
        F.rmsprop(
            w,
            g,
            state["mean_square"],
            state.get("mean"),
            state.get("velocity"),
            lr=self.lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )

    def options(self) -> dict[str, Any]:
        """Return alpha, eps, momentum and centered."""
        return {
            "alpha": self.alpha,
            "eps": self.eps,
            "momentum": self.momentum,
            "centered": self.centered,
        }
