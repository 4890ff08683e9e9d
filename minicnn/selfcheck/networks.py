"""Small random networks out of the whole vocabulary of this library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.layers import Layer
from minicnn.losses import Loss
from minicnn.model import Sequential
from minicnn.selfcheck.random_layers import LOSS_NAMES, random_loss, random_row


class WithLoss:
    """A model with its loss behind it, as one target: ``forward(x, target)`` is a number.

    Parameters
    ----------
    model, loss
        What is put together.
    """

    def __init__(self, model: Layer, loss: Loss) -> None:
        self.model = model
        self.loss = loss

    @property
    def params(self) -> dict[str, NDArray]:
        """The model's."""
        return self.model.params

    @property
    def grads(self) -> dict[str, NDArray]:
        """The model's."""
        return self.model.grads

    def forward(self, x: NDArray, target: NDArray) -> float:
        """Return the loss of the model's scores."""
        return self.loss.forward(self.model.forward(x), target)

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return dx; the model's gradients are filled."""
        return self.model.backward(self.loss.backward(dy))

    def __repr__(self) -> str:
        return f"{self.model!r} + {self.loss!r}"


@dataclass(frozen=True)
class Network:
    """A random network and what to feed it.

    Parameters
    ----------
    seed
        Repeats it.
    model
        In float64, in training or evaluation mode.
    x
        Its input.
    loss, target
        What follows the model; None where its own output is checked.
    """

    seed: int
    model: Sequential
    x: NDArray[np.float64]
    loss: Loss | None = None
    target: NDArray[Any] | None = None

    @property
    def subject(self) -> tuple[Any, ...]:
        """What `minicnn.gradcheck` takes: the target and its inputs."""
        if self.loss is None:
            return self.model, self.x
        return WithLoss(self.model, self.loss), self.x, self.target

    def describe(self) -> str:
        """Return all that is needed to see what it is."""
        lines = [
            f"seed {self.seed}: x of shape {self.x.shape}, "
            f"{'training' if self.model.training else 'evaluation'}",
            repr(self.model),
        ]
        if self.loss is not None:
            lines.append(f"loss: {self.loss!r}")
        return "\n".join(lines)


def random_network(seed: int, depth: int = 5) -> Network:
    """Draw a network of one to ``depth`` layers, residual blocks among them, and an input.

    Parameters
    ----------
    seed
        The same seed gives the same network.
    depth
        The largest number of layers; a block counts as one.
    """
    rng = np.random.default_rng(seed)
    low, high = (2, 1, 4, 4), (3, 4, 7, 7)
    shape = tuple(int(n) for n in rng.integers(low, high, endpoint=True))  # (N, C, H, W)
    model = random_row(shape, rng, int(rng.integers(1, depth + 1)), containers=True)
    if rng.random() < 0.4:
        model.eval()
    x = rng.normal(size=shape)
    drawn = None
    if rng.random() < 0.5:
        drawn = random_loss(str(rng.choice(LOSS_NAMES)), model.output_shape(shape), rng)
    loss, target = drawn or (None, None)
    return Network(seed, model, x, loss, target)
