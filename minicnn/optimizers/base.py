"""What all optimizers share: the model's arrays, the state per parameter, saving it.

A rule, such as Adam's, is a subclass with two parts: the *slots*, arrays that it keeps
beside every parameter (Adam: two running means), and `Optimizer.update`, which changes
one parameter in place given its gradient and its slots. Everything else is here.

The rules of this package take all parameters in one call, see `at_once`: a network has many
small arrays, and one pass over all of them is several times faster than one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, ShapeError, StateError

Update = TypeVar("Update", bound=Callable[..., None])


def at_once(update: Update) -> Update:
    """Mark an `Optimizer.update` that wants lists with the arrays of all parameters.

    ``w`` and ``g`` are lists then, and so is each entry of ``state``. A subclass that
    overrides it without this mark gets one parameter after the other, as ever.
    """
    update.at_once = True  # type: ignore[attr-defined]
    return update


class HasParameters(Protocol):
    """Anything with parameters and gradients under the same names."""

    @property
    def params(self) -> dict[str, NDArray]:
        """The live parameters."""

    @property
    def grads(self) -> dict[str, NDArray]:
        """Their gradients."""


class Optimizer:
    """Base class of the optimizers.

    Parameters
    ----------
    model
        Anything with dicts ``params`` and ``grads``. They are looked up anew at each step,
        so arrays that ``astype`` replaced are found, and the state follows their dtype.
    lr
        The learning rate, at least 0. Set the attribute to change it between steps.
    weight_decay
        At least 0. It acts on every parameter, biases included, as in PyTorch.
    slots
        The names of the arrays kept per parameter, each with the number it starts from.

    Raises
    ------
    ArgumentError
        If a number is out of range, or the model has nothing to train.
    """

    def __init__(
        self, model: HasParameters, lr: float, weight_decay: float, slots: Mapping[str, float]
    ) -> None:
        if not hasattr(model, "params") or not hasattr(model, "grads"):
            raise ArgumentError(
                f"model is a {type(model).__name__} without params and grads; "
                "give a layer or a model"
            )
        self.model = model
        self.lr = lr
        self.weight_decay = check_number("weight_decay", weight_decay, minimum=0)
        self.steps = 0
        params = model.params
        if not params:
            raise ArgumentError(f"{type(model).__name__} has no parameters, nothing to optimize")
        self.slots: dict[str, dict[str, NDArray]] = {
            slot: {name: np.full_like(w, start) for name, w in params.items()}
            for slot, start in slots.items()
        }
        self._scratch: dict[tuple[int, np.dtype], NDArray] = {}

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = check_number("lr", value, minimum=0)

    # ---- one step ---------------------------------------------------------------------

    def update(self, w: NDArray, g: NDArray, state: dict[str, NDArray]) -> None:
        """Change one parameter in place; the rule itself.

        Parameters
        ----------
        w
            The parameter.
        g
            Its gradient, not to be modified.
        state
            Its slots, to be updated in place.

        See Also
        --------
        at_once : to be given all parameters in one call.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter of the model once, in place, from its gradient.

        Raises
        ------
        StateError
            If the model has other parameters than when this optimizer was made.
        ShapeError
            If a gradient has another shape than its parameter.
        """
        params, gradients = self.model.params, self.model.grads
        states = [self._state_of(name, w) for name, w in params.items()]
        weights, grads = list(params.values()), [gradients[name] for name in params]
        for name, w, g in zip(params, weights, grads, strict=True):
            if g.shape != w.shape:
                raise ShapeError(
                    f"the gradient of {name!r} has shape {g.shape}; expected {w.shape}, that of "
                    "the parameter: run backward() before step()"
                )
        self.steps += 1
        if getattr(self.update, "at_once", False):
            together = {slot: [state[slot] for state in states] for slot in self.slots}
            self.update(weights, grads, together)  # type: ignore[arg-type]
        else:
            for w, g, state in zip(weights, grads, states, strict=True):
                self.update(w, g, state)

    def _state_of(self, name: str, w: NDArray) -> dict[str, NDArray]:
        """Return the slots of one parameter, in its dtype."""
        state = {}
        for slot, arrays in self.slots.items():
            array = arrays.get(name)
            if array is None or array.shape != w.shape:
                was = "absent" if array is None else f"of shape {array.shape}"
                raise StateError(
                    f"parameter {name!r} has shape {w.shape}, but was {was} when this optimizer "
                    "was made; make a new optimizer after changing the model"
                )
            if array.dtype != w.dtype:
                array = arrays[name] = array.astype(w.dtype)
            state[slot] = array
        return state

    # ---- for the rules ----------------------------------------------------------------

    def scratch(self, like: NDArray, number: int = 0) -> NDArray:
        """Return working memory of the shape of ``like``, reused from step to step."""
        key = number, like.dtype
        memory = self._scratch.get(key)
        if memory is None or memory.size < like.size:
            memory = self._scratch[key] = np.empty(like.size, like.dtype)
        return memory[: like.size].reshape(like.shape)

    def decayed(self, w: NDArray, g: NDArray) -> NDArray:
        """Return g + weight_decay w, the gradient of the loss plus the L2 penalty."""
        if self.weight_decay == 0:
            return g
        sum_ = self.scratch(w, number=1)
        np.multiply(w, self.weight_decay, out=sum_)
        return np.add(sum_, g, out=sum_)

    # ---- saving and resuming ----------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that a later `load_state_dict` needs to go on bit for bit.

        Returns
        -------
        dict
            ``"lr"``, ``"steps"``, and for every slot and parameter ``"slot/name"``.
        """
        state: dict[str, Any] = {"lr": self.lr, "steps": self.steps}
        for slot, arrays in self.slots.items():
            for name, array in arrays.items():
                state[f"{slot}/{name}"] = array.copy()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state from `state_dict`; numbers may come as 0-d arrays.

        Raises
        ------
        StateError
            If the names are not those of this optimizer on this model.
        ShapeError
            If an array has another shape. Nothing is changed where an error is raised.
        """
        expected = self.state_dict()
        missing = sorted(expected.keys() - state.keys())
        unknown = sorted(state.keys() - expected.keys())
        if missing or unknown:
            raise StateError(
                f"this is not the state of {type(self).__name__} on this model: "
                f"missing {missing[:3] or 'nothing'}, unexpected {unknown[:3] or 'nothing'}; "
                "use the same optimizer, options and model as when it was saved"
            )
        for key, value in expected.items():
            if isinstance(value, np.ndarray) and np.shape(state[key]) != value.shape:
                raise ShapeError(
                    f"{key} has shape {np.shape(state[key])} in the state; expected {value.shape}"
                )
        steps = check_count("steps", np.asarray(state["steps"]).item(), minimum=0)
        self.lr = np.asarray(state["lr"]).item()
        self.steps = steps
        for slot, arrays in self.slots.items():
            for name, array in arrays.items():
                arrays[name] = np.array(state[f"{slot}/{name}"], dtype=array.dtype)

    # ---- printing ---------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """Return the options of the rule, for ``repr``."""
        return {}

    def __repr__(self) -> str:
        options = {"lr": self.lr, **self.options(), "weight_decay": self.weight_decay}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in options.items())})"
