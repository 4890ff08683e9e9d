"""A layer that runs as it is, between stages that keep their images in blocks."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from minicnn.backends.compiled.blocks import Blocks, take
from minicnn.layers import Layer

Value = NDArray | Blocks


class PlainStage:
    """One layer, unchanged."""

    in_margin = (0, 0)

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.out_margin = (0, 0)

    def layers(self) -> list[Any]:
        """Return the layers that this stage runs."""
        return [self.layer]

    def forward(self, x: Value, keep: bool) -> Value:
        """Run the layer; an image in blocks is copied out of them."""
        return self.layer.forward(take(x) if isinstance(x, Blocks) else x)

    def backward(self, dout: Value, wanted: bool) -> Value | None:
        """Run the layer's backward pass."""
        return self.layer.backward(take(dout) if isinstance(dout, Blocks) else dout)
