"""Stages one after the other."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import NDArray

from minicnn.backends.compiled.blocks import Blocks
from minicnn.layers import Layer
from minicnn.shapes import Pair

Value = NDArray | Blocks


class Stage(Protocol):
    """Some layers that run as one; values pass between stages in blocks or as arrays."""

    out_margin: Pair

    @property
    def in_margin(self) -> Pair:
        """How wide a margin of zeros x should have."""

    def layers(self) -> list[Layer]:
        """Return the layers that this stage runs."""

    def forward(self, x: Value, keep: bool) -> Value:
        """Compute the output; ``keep`` what backward needs."""

    def backward(self, dout: Value, wanted: bool) -> Value | None:
        """Fill the gradients of the layers; return dx if it is wanted."""


def forward(stages: list[Stage], x: Value, keep: bool) -> Value:
    """Send x through the stages."""
    for stage in stages:
        x = stage.forward(x, keep)
    return x


def backward(stages: list[Stage], dout: Value, wanted: bool) -> Value | None:
    """Send dout back; the first stage computes dx only if it is wanted."""
    found: Value | None = dout
    for i, stage in reversed(list(enumerate(stages))):
        assert found is not None
        found = stage.backward(found, wanted or i > 0)
    return found
