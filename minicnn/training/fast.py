"""The one place that decides what a model computes with: its fused form, or itself."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from minicnn.backends import current_backend
from minicnn.layers.base import Layer


def fastest(model: Layer) -> Layer:
    """Return the fused form of a model, or the model where there is none.

    Both share their arrays, mode and generators, so that steps through one are seen through
    the other; the numbers agree to rounding. With ``use_backend("loops")`` or
    ``"vectorized"`` the plain layers compute, as they stand in the book.
    """
    fuse: Any = getattr(model, "compile", None)
    if fuse is None or current_backend() != "compiled":
        return model
    fused: Layer = fuse()
    return fused


def fill_gradients(model: Any, dy: NDArray) -> None:
    """Go backward; a fused model leaves out the gradient of the images, which no step needs."""
    if hasattr(model, "plan"):  # only a fused one has a plan
        model.backward(dy, input_gradient=False)
    else:
        model.backward(dy)
