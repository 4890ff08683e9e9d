"""Calls of forward and backward, counted and started from a known state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.promises.behaviour import Behaviour
from minicnn.checking.subject import Call, Subject


class Calls:
    """A subject under examination, with what has been found so far.

    Parameters
    ----------
    subject
        Prepared.
    cotangents
        (K, m) signed random cotangents; K is 2, or 1 where backward takes no dy.
    """

    def __init__(self, subject: Subject, cotangents: NDArray[np.float64]) -> None:
        self.subject = subject
        self.v = cotangents
        self.found = Behaviour()
        self.repeatable = True

    def gradients(
        self, flat: NDArray[np.float64], call: Call | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Return the gradients for a cotangent; those of a wrong shape are left out."""
        call = call if call is not None and self.repeatable else self.subject.forward()
        return gradients_of(self.subject, call, flat)


def gradients_of(
    subject: Subject, call: Call, flat: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Run backward after a call; return the gradients that have the shape of their variable."""
    return gradient_values(subject, subject.backward(call, subject.cotangents(call, flat)))


def gradient_values(subject: Subject, raw: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return float64 copies of the gradients that have the shape of their variable."""
    values = {}
    for variable in subject.variables:
        gradient = raw.get(variable.name)
        if gradient is None or np.shape(gradient) != variable.value.shape:
            continue
        array = np.asarray(gradient)
        if array.dtype.kind in "fiub":
            values[variable.name] = array.astype(np.float64)
    return values
