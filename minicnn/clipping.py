"""Gradient clipping: keep one bad batch from throwing the weights far away.

Both functions change the gradients in place and go between ``backward`` and ``step``:

    model.backward(loss.backward())
    clip_grad_norm(model.grads, 1.0)
    optimizer.step()
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_number
from minicnn.errors import DivergedError


def clip_grad_norm(grads: Mapping[str, NDArray], max_norm: float) -> float:
    """Shorten the gradient, all parameters taken as one vector, to at most ``max_norm``.

        g <- g min(1, max_norm / (|g| + 1e-6)),     |g| = sqrt(sum of all squares)

    Its direction stays. Pascanu, Mikolov and Bengio, "On the Difficulty of Training
    Recurrent Neural Networks" (2013), algorithm 1.

    Parameters
    ----------
    grads
        The gradients by name, as in ``model.grads``; changed in place.
    max_norm
        The longest gradient to let pass; positive.

    Returns
    -------
    float
        The norm before clipping.

    Raises
    ------
    ArgumentError
        If ``max_norm`` is not a positive number.
    DivergedError
        If a gradient is NaN or infinite: no factor mends it. Nothing is changed then.
    """
    max_norm = check_number("max_norm", max_norm, above=0)
    with np.errstate(over="ignore"):
        norm = math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in grads.values()))
    if not math.isfinite(norm):
        _blame(grads)
    factor = max_norm / (norm + 1e-6)
    if factor < 1:
        for g in grads.values():
            g *= factor
    return norm


def clip_grad_value(grads: Mapping[str, NDArray], clip_value: float) -> None:
    """Move every entry of the gradients into [-clip_value, clip_value].

    This changes the direction, but one wild entry leaves the others as they are.

    Parameters
    ----------
    grads
        The gradients by name, as in ``model.grads``; changed in place.
    clip_value
        The largest size to let pass; positive.

    Raises
    ------
    ArgumentError
        If ``clip_value`` is not a positive number.
    DivergedError
        If a gradient is NaN. Nothing is changed then.
    """
    clip_value = check_number("clip_value", clip_value, above=0)
    if any(np.isnan(g).any() for g in grads.values()):
        _blame(grads)
    for g in grads.values():
        np.clip(g, -clip_value, clip_value, out=g)


def _blame(grads: Mapping[str, NDArray]) -> None:
    """Raise DivergedError naming the first gradient that is not finite."""
    for name, g in grads.items():
        wrong = int(g.size - np.isfinite(g).sum())
        if wrong:
            raise DivergedError(
                f"the gradient of {name!r} holds {wrong} of {g.size} entries that are NaN or "
                "infinite, which clipping cannot mend; lower the learning rate or look for the "
                "layer that overflows"
            )
    raise DivergedError("the norm of the gradients overflows; lower the learning rate")
