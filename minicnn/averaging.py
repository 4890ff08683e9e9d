"""Weight averaging: the mean of the weights along the way is often better than the last ones.

    average = EMA(model, decay=0.999)
    for ...:
        optimizer.step()
        average.update()
    with average.applied():
        ...  # model computes with the averages here, with its own weights afterwards

The averages are kept in float64. In float32 the small moves that a slow average consists
of would be rounded away: with decay .9999, any change below about 1e-3 of a weight.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, StateError


class WeightAverage:
    """Base class: averages of a model's parameters and buffers.

    Buffers, the running statistics of batch norm, are averaged like the parameters: close to
    what another pass over the data with the averaged weights would give, and free.

    Parameters
    ----------
    model
        Anything with a dict ``params``, and ``buffers`` where it has any.

    Attributes
    ----------
    updates : int
        How many sets of weights went into the averages.
    averages : dict of str to NDArray
        The averages, float64, by the names of parameters and buffers.
    """

    def __init__(self, model: Any) -> None:
        if not hasattr(model, "params"):
            raise ArgumentError(
                f"model is a {type(model).__name__} without params; give a layer or a model"
            )
        self.model = model
        self.updates = 0
        self.averages: dict[str, NDArray] = {}

    def share(self) -> float:
        """Return the share of the newest weights in the average, from 0 to 1."""
        raise NotImplementedError

    def update(self) -> None:
        """Take the model's weights into the average: a <- a + share (w - a)."""
        self.updates += 1
        # The first set of weights is the average of one, whatever the rule.
        share = 1.0 if self.updates == 1 else self.share()
        for name, w in self._live().items():
            if self.updates == 1:
                self.averages[name] = w.astype(np.float64)
            else:
                average = self.averages[name]
                average += share * (w - average)

    def copy_to_model(self) -> None:
        """Overwrite the model's weights with the averages, for good.

        Raises
        ------
        StateError
            If there is no average yet.
        """
        if self.updates == 0:
            raise StateError("there is no average yet; call update() after an optimizer step")
        for name, w in self._live().items():
            np.copyto(w, self.averages[name], casting="same_kind")

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the averages inside a ``with`` block, and its own weights back after."""
        own = {name: w.copy() for name, w in self._live().items()}
        self.copy_to_model()
        try:
            yield
        finally:
            for name, w in self._live().items():
                np.copyto(w, own[name], casting="same_kind")

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the averages by name, and the count of ``"updates"``."""
        averages = {f"average/{name}": a.copy() for name, a in self.averages.items()}
        return {"updates": self.updates, **averages}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state from `state_dict`; numbers may come as 0-d arrays.

        Raises
        ------
        StateError
            If it is not the state of an average of this model.
        """
        names = self._live() if np.asarray(state.get("updates", 0)).item() else {}
        expected = {"updates", *(f"average/{name}" for name in names)}
        if expected != state.keys():
            differ = sorted(expected ^ state.keys())
            raise StateError(
                f"this is not the state of an average of this model: {differ[:3]} are in one of "
                "the two only; use the model it was saved with"
            )
        averages = {}
        for name, w in names.items():
            average = np.array(state[f"average/{name}"], np.float64)
            if average.shape != w.shape:
                raise StateError(
                    f"the average of {name!r} has shape {average.shape}; expected {w.shape}, "
                    "the shape of the parameter"
                )
            averages[name] = average
        self.updates = check_count("updates", np.asarray(state["updates"]).item(), minimum=0)
        self.averages = averages

    def _live(self) -> dict[str, NDArray]:
        """Return the model's own arrays: parameters, and buffers of floats."""
        buffers = getattr(self.model, "buffers", {})
        floats = {name: b for name, b in buffers.items() if b.dtype.kind == "f"}
        return {**self.model.params, **floats}


class EMA(WeightAverage):
    """Exponential moving average: a <- decay a + (1 - decay) w, starting from the first w.

    It remembers about 1 / (1 - decay) updates. Polyak and Juditsky, "Acceleration of
    Stochastic Approximation by Averaging" (1992), is the idea; the exponential form is
    common since Tarvainen and Valpola, "Mean Teachers Are Better Role Models" (2017).

    Parameters
    ----------
    model
        See `WeightAverage`.
    decay
        At least 0 and below 1.
    """

    def __init__(self, model: Any, decay: float = 0.999) -> None:
        super().__init__(model)
        self.decay = check_number("decay", decay, minimum=0, below=1)

    def share(self) -> float:
        """Return 1 - decay."""
        return 1 - self.decay

    def __repr__(self) -> str:
        return f"EMA(decay={self.decay!r})"


class SWA(WeightAverage):
    """Stochastic weight averaging: the plain mean of all weights it was shown.

    Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization"
    (2018). Call `update` once per epoch in the last part of the training.
    """

    def share(self) -> float:
        """Return 1 / updates, which makes the running average the mean."""
        return 1 / self.updates

    def __repr__(self) -> str:
        return f"SWA(updates={self.updates})"
