"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn import functional as F
from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.checks import check_float
from minicnn.layers.base import Layer
from minicnn.shapes import check_images


class BatchNorm2d(Layer):
    """Batch normalisation of each channel of (N, C, H, W) (Ioffe and Szegedy 2015).

    In training it uses the statistics of the batch and lets the running ones follow:
    running = (1 - momentum) running + momentum batch, with the unbiased variance. In
    evaluation it uses the running statistics, so that a prediction does not depend on
    the other images of its batch.

    Parameters
    ----------
    num_features
        C.
    eps
        Added to the variance.
    momentum
        How fast the running statistics follow.
    dtype
        float32 to train, float64 to check.
    rng
        Not needed: nothing is drawn.

    Attributes
    ----------
    params
        ``weight`` and ``bias``, (C,), at first 1 and 0.
    buffers
        ``running_mean`` and ``running_var``, (C,), at first 0 and 1.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.num_features = check_count("num_features", num_features)
        self.eps = check_number("eps", eps, above=0)
        self.momentum = check_number("momentum", momentum, minimum=0, maximum=1)
        self.add_parameter("weight", np.ones(num_features, dtype))
        self.add_parameter("bias", np.zeros(num_features, dtype))
        self.add_buffer("running_mean", np.zeros(num_features, dtype))
        self.add_buffer("running_var", np.ones(num_features, dtype))

    def forward(self, x: NDArray) -> NDArray:
        """Return the normalised x; in training, move the running statistics."""
        check_float(x=x)
        check_images(x.shape, self.num_features)
        weight, bias = self.params["weight"], self.params["bias"]
        if self.training:
            y, mean, var = F.batch_norm(x, weight, bias, self.eps)
            self._follow(mean, var, x.size // x.shape[1])
        else:
            # Copies: the backward pass belongs to the statistics of this forward pass.
            mean = self.buffers["running_mean"].copy()
            var = self.buffers["running_var"].copy()
            y = F.batch_norm_inference(x, weight, bias, mean, var, self.eps)
        self._cache = x, mean, var, self.training
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dx; overwrite the gradients of weight and bias."""
        x, mean, var, through_statistics = self.cached()
        gradients = F.batch_norm_backward if through_statistics else F.batch_norm_inference_backward
        dx, dweight, dbias = gradients(dy, x, self.params["weight"], mean, var, self.eps)
        self.set_grads(weight=dweight, bias=dbias)
        return dx

    def _follow(self, mean: NDArray, var: NDArray, values: int) -> None:
        unbiased = var * (values / (values - 1))
        for name, batch in (("running_mean", mean), ("running_var", unbiased)):
            running = self.buffers[name]
            running[...] = (1 - self.momentum) * running + self.momentum * batch

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input shape, once its channels are checked."""
        check_images(input_shape, self.num_features)
        return input_shape


class LayerNorm(Layer):
    """Normalisation of each sample over its last axes (Ba, Kiros and Hinton 2016).

    Parameters
    ----------
    normalized_shape
        The last axes of x: an int, or a shape.
    eps
        Added to the variance.
    dtype
        float32 to train, float64 to check.
    rng
        Not needed: nothing is drawn.

    Attributes
    ----------
    params
        ``weight`` and ``bias`` of that shape, at first 1 and 0.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        sizes = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        self.normalized_shape = tuple(check_count("normalized_shape", n) for n in sizes)
        self.eps = check_number("eps", eps, above=0)
        self.add_parameter("weight", np.ones(self.normalized_shape, dtype))
        self.add_parameter("bias", np.zeros(self.normalized_shape, dtype))

    def forward(self, x: NDArray) -> NDArray:
        """Return the normalised x."""
        y, mean, var = F.layer_norm(x, self.params["weight"], self.params["bias"], self.eps)
        self._cache = x, mean, var
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dx; overwrite the gradients of weight and bias."""
        x, mean, var = self.cached()
        dx, dweight, dbias = F.layer_norm_backward(
            dy, x, self.params["weight"], mean, var, self.eps
        )
        self.set_grads(weight=dweight, bias=dbias)
        return dx

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input shape, once its last axes are checked."""
        if tuple(input_shape[-len(self.normalized_shape) :]) != self.normalized_shape:
            raise ShapeError(
                f"x has shape {input_shape}; its last axes must be {self.normalized_shape}"
            )
        return input_shape


class GroupNorm(Layer):
    """Normalisation of each sample over groups of channels (Wu and He 2018).

    Parameters
    ----------
    num_groups
        Number of groups; must divide ``num_channels``.
    num_channels
        C of (N, C, H, W).
    eps
        Added to the variance.
    dtype
        float32 to train, float64 to check.
    rng
        Not needed: nothing is drawn.

    Attributes
    ----------
    params
        ``weight`` and ``bias``, (C,), at first 1 and 0.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.num_groups = check_count("num_groups", num_groups)
        self.num_channels = check_count("num_channels", num_channels)
        if num_channels % num_groups:
            raise ArgumentError(
                f"num_groups is {num_groups}; it must divide num_channels ({num_channels})"
            )
        self.eps = check_number("eps", eps, above=0)
        self.add_parameter("weight", np.ones(num_channels, dtype))
        self.add_parameter("bias", np.zeros(num_channels, dtype))

    def forward(self, x: NDArray) -> NDArray:
        """Return the normalised x."""
        check_float(x=x)
        check_images(x.shape, self.num_channels)
        y, mean, var = F.group_norm(
            x, self.num_groups, self.params["weight"], self.params["bias"], self.eps
        )
        self._cache = x, mean, var
        return y

    def backward(self, dy: NDArray) -> NDArray:
        """Return dx; overwrite the gradients of weight and bias."""
        x, mean, var = self.cached()
        dx, dweight, dbias = F.group_norm_backward(
            dy, x, self.num_groups, self.params["weight"], mean, var, self.eps
        )
        self.set_grads(weight=dweight, bias=dbias)
        return dx

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input shape, once its channels are checked."""
        check_images(input_shape, self.num_channels)
        return input_shape
