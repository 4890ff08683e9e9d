"""minicnn itself."""

from __future__ import annotations

from numpy.typing import NDArray

import minicnn as m
from benchmarks.peers import LEARNING_RATE


class TrainingStep:
    """Forward, loss, backward, Adam, on the backend that is in force when it is called."""

    def __init__(self, model: m.Sequential, x: NDArray, target: NDArray, backend: str) -> None:
        self.model, self.x, self.target, self.backend = model, x, target, backend
        self.loss = m.CrossEntropyLoss()
        self.optimizer = m.Adam(model, LEARNING_RATE)

    def __call__(self) -> float:
        with m.use_backend(self.backend):
            value = self.loss.forward(self.model.forward(self.x), self.target)
            self.model.backward(self.loss.backward())
            self.optimizer.step()
        return value
