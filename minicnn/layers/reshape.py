"""Layers that move numbers around without changing them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.arguments import check_axis
from minicnn.errors import ShapeError
from minicnn.functional.checks import check_float, check_shape
from minicnn.layers.base import Layer


class Flatten(Layer):
    """Join axes ``start_dim`` to ``end_dim`` into one; by default (N, C, H, W) to (N, C H W).

    Parameters
    ----------
    start_dim, end_dim
        First and last axis to join, both included; negative ones count from the end.
    dtype, rng
        Not needed: there are no parameters, and nothing is drawn.
    """

    def __init__(
        self,
        start_dim: int = 1,
        end_dim: int = -1,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.start_dim = check_axis("start_dim", start_dim)
        self.end_dim = check_axis("end_dim", end_dim)

    def forward(self, x: NDArray) -> NDArray:
        """Return the same numbers in fewer axes."""
        check_float(x=x)
        y = x.reshape(self.output_shape(x.shape))
        self._cache = x.shape
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dy in the axes of x."""
        shape = self.cached()
        check_float(dy=dy)
        check_shape("dy", dy, self.output_shape(shape), "the shape of y")
        return dy.reshape(shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the joined shape."""
        axes = len(input_shape)
        start, end = (d + axes if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < axes:
            raise ShapeError(
                f"x has shape {input_shape}; cannot join its axes "
                f"{self.start_dim} to {self.end_dim}"
            )
        joined = math.prod(input_shape[start : end + 1])
        return (*input_shape[:start], joined, *input_shape[end + 1 :])
