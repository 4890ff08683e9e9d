"""minicnn itself, plain and fused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import minicnn as m
from benchmarks.peers import LEARNING_RATE
from minicnn.training.fast import fill_gradients


class TrainingStep:
    """Forward, loss, backward, Adam; what the Trainer does with a batch that is ready.

    Parameters
    ----------
    fused
        Whether ``model.compile()`` computes.
    threads
        Instead of the usual number.
    """

    def __init__(
        self,
        model: m.Sequential,
        x: NDArray,
        target: NDArray,
        backend: str = "compiled",
        *,
        fused: bool = True,
        threads: int | None = None,
    ) -> None:
        self.plain = model
        self.model: m.Layer = model.compile() if fused and backend == "compiled" else model
        self.x, self.target, self.backend, self.threads = x, target, backend, threads
        self.loss = m.CrossEntropyLoss()
        self.optimizer = m.Adam(self.model, LEARNING_RATE)
        self._start = model.state_dict(), self.optimizer.state_dict()

    def __call__(self) -> float:
        if self.threads is not None:
            return self._with_threads(self.threads)
        return self._step()

    def _step(self) -> float:
        with m.use_backend(self.backend):
            value = self.loss.forward(self.model.forward(self.x), self.target)
            fill_gradients(self.model, self.loss.backward())
            self.optimizer.step()
        return value

    def _with_threads(self, threads: int) -> float:
        import numba

        usual = numba.get_num_threads()
        numba.set_num_threads(threads)
        try:
            return self._step()
        finally:
            numba.set_num_threads(usual)

    def reset(self) -> None:
        state, optimizer = self._start
        self.plain.load_state_dict(state)
        self.optimizer.load_state_dict(optimizer)

    def weights(self) -> dict[str, NDArray]:
        return {name: a.copy() for name, a in self.plain.params.items()}

    def gradients(self) -> dict[str, NDArray]:
        return {name: a.copy() for name, a in self.plain.grads.items()}


class Inference:
    """A forward pass in evaluation mode."""

    def __init__(self, model: m.Sequential, x: NDArray, *, fused: bool = True) -> None:
        self.model: m.Layer = model.compile() if fused else model
        self.model.eval()
        self.x = np.ascontiguousarray(x)

    def __call__(self) -> NDArray:
        return self.model.forward(self.x)
