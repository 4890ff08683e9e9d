"""Adam, and AdamW, which decays the weights apart from the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.errors import ArgumentError
from minicnn.functional import optimizer as F
from minicnn.optimizers.base import HasParameters, Optimizer, at_once


class Adam(Optimizer):
    """Adam: a step of about ``lr`` in every coordinate, whatever the size of the gradient.

    With the gradient g (plus weight_decay w) at step t = 1, 2, ...:

        m <- b1 m + (1 - b1) g              running mean of the gradient
        v <- b2 v + (1 - b2) g^2            running mean of its square
        w <- w - lr  m / (1 - b1^t)  /  ( sqrt(v / (1 - b2^t)) + eps )

    m and v start at 0, so early on they are too small; the divisions by 1 - b^t undo that.
    Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1.

    Parameters
    ----------
    model, lr, weight_decay
        See `Optimizer`.
    betas
        (b1, b2), each at least 0 and below 1.
    eps
        Keeps the division finite; at least 0.
    """

    decoupled = False  # whether the decay acts on the weights themselves, see AdamW

    def __init__(
        self,
        model: HasParameters,
        lr: float = 1e-3,
        *,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        try:
            first, second = betas
        except (TypeError, ValueError):
            raise ArgumentError(
                f"betas is {betas!r}; give two numbers, such as (0.9, 0.999)"
            ) from None
        self.betas = (
            check_number("betas[0]", first, minimum=0, below=1),
            check_number("betas[1]", second, minimum=0, below=1),
        )
        self.eps = check_number("eps", eps, minimum=0)
        super().__init__(model, lr, weight_decay, {"mean": 0.0, "mean_square": 0.0})

    @at_once
    def update(self, w: NDArray, g: NDArray, state: dict[str, NDArray]) -> None:
        """Apply the equations of the class."""
        F.adam(
            w,
            g,
            state["mean"],
            state["mean_square"],
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled=self.decoupled,
            t=self.steps,
        )

    def options(self) -> dict[str, Any]:
        """Return betas and eps."""
        return {"betas": self.betas, "eps": self.eps}


class AdamW(Adam):
    """Adam with decoupled weight decay.

        w <- w - lr weight_decay w          and then the step of Adam

    The weights shrink by the factor 1 - lr weight_decay, outside of Adam's scaling, which
    would otherwise decay least the weights with the largest gradients.
    Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.

    Parameters
    ----------
    model, lr, betas, eps
        See `Adam`.
    weight_decay
        At least 0.
    """

    decoupled = True

    def __init__(
        self,
        model: HasParameters,
        lr: float = 1e-3,
        *,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(model, lr, betas=betas, eps=eps, weight_decay=weight_decay)
