"""When the loss turns NaN or infinite: find the first layer that is to blame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DivergedError
from minicnn.layers.base import Layer


@dataclasses.dataclass(frozen=True)
class Culprit:
    """The first place where a number stopped being finite.

    ``layer`` is its path and type, as in ``"3 (Linear)"``; ``what`` names the array.
    """

    layer: str
    what: str
    value: float

    def __str__(self) -> str:
        return f"layer {self.layer}: {self.what} holds {self.value}"


def explain(what: str, model: Layer, x: NDArray, lr: float) -> DivergedError:
    """Return the error to raise: what happened, the first layer to blame, what to do.

    Parameters
    ----------
    what : str
        What happened in which epoch and batch.
    model, x : Layer, NDArray
        The model as it is, and the batch (N, C, H, W) to run through it again.
    lr : float
        The learning rate in force.
    """
    if not np.isfinite(x).all():
        return DivergedError(f"{what}: the images of the batch hold NaN; check the data")
    culprit = find_culprit(model, x)
    where = "the loss or the penalty, for every layer's numbers are finite"
    return DivergedError(
        f"{what}; first in {culprit or where}. Lower the learning rate (--lr, now {lr:.3g}), "
        "or check the data"
    )


def find_culprit(model: Layer, x: NDArray) -> Culprit | None:
    """Run x through the model once more and watch every layer.

    Returns
    -------
    Culprit or None
        The first layer, in the order of the forward pass, with a parameter, a buffer or an
        output that is not finite; None if all are.
    """
    found: list[Culprit] = []
    leaves = list(_leaves(model))
    for path, layer in leaves:
        # An attribute of the instance hides the method of the class until it is deleted.
        layer.__dict__["forward"] = _watched(layer, path, found)
    try:
        with np.errstate(all="ignore"):
            model.forward(x)
    finally:
        for _, layer in leaves:
            del layer.__dict__["forward"]
    return found[0] if found else None


def _watched(layer: Layer, path: str, found: list[Culprit]) -> Callable[[NDArray], NDArray]:
    forward = type(layer).forward
    name = f"{path} ({type(layer).__name__})"

    def run(x: NDArray) -> NDArray:
        for kind, arrays in (("parameter", layer.params), ("buffer", layer.buffers)):
            for key, array in arrays.items():
                _note(found, name, f"its {kind} {key!r}", array)
        y = forward(layer, x)
        _note(found, name, "its output", y)
        return y

    return run


def _note(found: list[Culprit], layer: str, what: str, array: NDArray) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        found.append(Culprit(layer, what, float(array[bad][0])))


def _leaves(model: Layer, path: str = "") -> Iterator[tuple[str, Layer]]:
    children = list(model.children())
    if not children:
        yield path or "0", model
    for name, child in children:
        yield from _leaves(child, f"{path}.{name}" if path else name)
