"""A layer that runs as it is, between sections that keep their images in blocks."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.layers import Layer


class PlainStage:
    """One layer, unchanged."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def layers(self) -> list[Layer]:
        """Return the layers that this stage runs."""
        return [self.layer]

    def forward(self, x: NDArray, keep: bool) -> NDArray:
        """Run the layer."""
        return self.layer.forward(x)

    def backward(self, dy: NDArray, wanted: bool) -> NDArray | None:
        """Run the layer's backward pass."""
        return self.layer.backward(dy)
