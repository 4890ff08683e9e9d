"""The fully connected layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn import functional as F
from minicnn import initializers
from minicnn.arguments import check_count
from minicnn.errors import ShapeError
from minicnn.layers.base import Layer


class Linear(Layer):
    """Fully connected layer, (..., I) to (..., O): y = x W^T + b.

    Parameters
    ----------
    in_features, out_features
        I and O.
    bias
        Whether to add one learned number per output.
    dtype
        float32 to train, float64 to check.
    rng
        Where the first weights and biases are drawn from: uniform within
        1 / sqrt(I) of 0, PyTorch's choice, which keeps the first scores small.

    Attributes
    ----------
    params
        ``weight`` (O, I) and ``bias`` (O,).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_features = check_count("in_features", in_features)
        self.out_features = check_count("out_features", out_features)
        self.bias = bool(bias)
        rng = np.random.default_rng() if rng is None else rng
        shape = (out_features, in_features)
        self.add_parameter("weight", initializers.uniform_fan_in(shape, rng, dtype=dtype))
        if bias:
            bound = 1 / np.sqrt(in_features)
            self.add_parameter("bias", rng.uniform(-bound, bound, out_features).astype(dtype))

    def forward(self, x: NDArray) -> NDArray:
        """Return y (..., O)."""
        y = F.linear(x, self.params["weight"], self.params.get("bias"))
        self._cache = x
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dx (..., I); overwrite the gradients of weight and bias."""
        dx, dw, db = F.linear_backward(dy, self.cached(), self.params["weight"])
        self.set_grads(weight=dw, bias=db)
        return dx

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (..., O)."""
        if not input_shape or input_shape[-1] != self.in_features:
            raise ShapeError(
                f"x has shape {input_shape}; its last axis must have {self.in_features} entries"
            )
        return (*input_shape[:-1], self.out_features)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """One product per weight and row."""
        return int(np.prod(input_shape)) * self.out_features
