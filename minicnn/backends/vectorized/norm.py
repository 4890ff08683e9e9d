"""Normalisation: y = weight * xhat + bias, where xhat = (x - mean) / sqrt(var + eps).

Batch, layer and group norm differ only in the axes that share a mean and a
variance. The statistics are accumulated in float64 and in two passes (the mean,
then the mean square about it), whatever the dtype of x. The backward pass through
statistics taken over M entries is

    dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps),   g = weight * dy

where the second term is the path through the mean and the third the path through
the variance (Ioffe & Szegedy, 2015, section 3).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Stats = NDArray[np.float64]
Axes = tuple[int, ...]

PLANES: Axes = (0, 2, 3)  # a channel's entries: all but axis 1


def batch_norm(
    x: NDArray, weight: NDArray, bias: NDArray, eps: float
) -> tuple[NDArray, Stats, Stats]:
    """Normalise each channel by its statistics over N, H and W.

    Returns y (N, C, H, W), the mean (C,) and the biased variance (C,).
    """
    xhat, mean, var = _standardise(x, PLANES, eps)  # (N, C, H, W), (1, C, 1, 1) twice
    y = _scale_and_shift(xhat, _per_channel(weight), _per_channel(bias), x.dtype)
    return y, mean.reshape(-1), var.reshape(-1)


def batch_norm_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Differentiate through the batch statistics: dx (N, C, H, W), dweight (C,), dbias (C,)."""
    scale = 1 / np.sqrt(_per_channel(var) + eps)  # (C, 1, 1)
    xhat = x - _per_channel(mean)  # (N, C, H, W), float64
    xhat *= scale
    dweight, dbias = _dot(dy, xhat, PLANES), dy.sum(axis=PLANES, dtype=np.float64)  # (C,)
    dx = _through_statistics(dy * _per_channel(weight), xhat, scale, PLANES)
    return dx.astype(dy.dtype), dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def batch_norm_inference(
    x: NDArray, weight: NDArray, bias: NDArray, mean: NDArray, var: NDArray, eps: float
) -> NDArray:
    """Normalise each channel by the given statistics, (N, C, H, W)."""
    scale = _per_channel(weight) / np.sqrt(_per_channel(var) + eps)  # (C, 1, 1)
    return _scale_and_shift(x - _per_channel(mean), scale, _per_channel(bias), x.dtype)


def batch_norm_inference_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the gradients with constant statistics: dx (N, C, H, W), dweight (C,), dbias (C,)."""
    scale = 1 / np.sqrt(_per_channel(var) + eps)  # (C, 1, 1)
    xhat = x - _per_channel(mean)  # (N, C, H, W), float64
    xhat *= scale
    dweight, dbias = _dot(dy, xhat, PLANES), dy.sum(axis=PLANES, dtype=np.float64)  # (C,)
    dx = dy * (_per_channel(weight) * scale)  # (N, C, H, W)
    return dx.astype(dy.dtype), dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def layer_norm(
    x: NDArray, weight: NDArray, bias: NDArray, eps: float
) -> tuple[NDArray, Stats, Stats]:
    """Normalise each sample over its last ``weight.ndim`` axes.

    Returns y, of x's shape, and the mean and biased variance, of the leading shape.
    """
    axes = _trailing(x, weight)
    xhat, mean, var = _standardise(x, axes, eps)
    y = _scale_and_shift(xhat, weight, bias, x.dtype)
    return y, mean.squeeze(axes), var.squeeze(axes)


def layer_norm_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the gradients of `layer_norm`: dx of x's shape, dweight and dbias of weight's."""
    axes = _trailing(x, weight)
    leading = tuple(range(x.ndim - weight.ndim))
    scale = 1 / np.sqrt(np.expand_dims(var, axes).astype(np.float64) + eps)
    xhat = (x - np.expand_dims(mean, axes)) * scale
    dweight, dbias = _dot(dy, xhat, leading), dy.sum(axis=leading, dtype=np.float64)
    dx = _through_statistics(dy * weight.astype(np.float64), xhat, scale, axes)
    return dx.astype(dy.dtype), dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def group_norm(
    x: NDArray, groups: int, weight: NDArray, bias: NDArray, eps: float
) -> tuple[NDArray, Stats, Stats]:
    """Normalise each sample over each group of C / groups channels.

    Returns y (N, C, H, W), and the mean and biased variance (N, groups).
    """
    grouped = x.reshape(len(x), groups, math.prod(x.shape[1:]) // groups)  # (N, G, C/G*H*W)
    xhat, mean, var = _standardise(grouped, (2,), eps)
    xhat = xhat.reshape(x.shape)  # (N, C, H, W)
    y = _scale_and_shift(xhat, _per_channel(weight), _per_channel(bias), x.dtype)
    return y, mean[..., 0], var[..., 0]


def group_norm_dx(
    dy: NDArray, x: NDArray, groups: int, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the gradients of `group_norm`: dx (N, C, H, W), dweight (C,), dbias (C,)."""
    grouped = (len(x), groups, math.prod(x.shape[1:]) // groups)  # (N, G, C/G*H*W)
    scale = 1 / np.sqrt(var.astype(np.float64)[..., None] + eps)  # (N, G, 1)
    xhat = (x.reshape(grouped) - mean[..., None]) * scale  # (N, G, C/G*H*W)
    dweight = _dot(dy, xhat.reshape(x.shape), PLANES)  # (C,)
    dbias = dy.sum(axis=PLANES, dtype=np.float64)  # (C,)
    g = (dy * _per_channel(weight)).reshape(grouped)  # (N, G, C/G*H*W)
    dx = _through_statistics(g, xhat, scale, (2,)).reshape(x.shape)  # (N, C, H, W)
    return dx.astype(dy.dtype), dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def _per_channel(values: NDArray) -> NDArray[np.float64]:
    """Line up one number per channel, (C,), with (N, C, H, W); widen to float64."""
    return values.astype(np.float64)[:, None, None]


def _trailing(x: NDArray, weight: NDArray) -> Axes:
    """Name the last ``weight.ndim`` axes of x."""
    return tuple(range(x.ndim - weight.ndim, x.ndim))


def _standardise(x: NDArray, axes: Axes, eps: float) -> tuple[NDArray, Stats, Stats]:
    """Return xhat in float64, and the mean and variance with their axes kept."""
    mean = x.mean(axis=axes, dtype=np.float64, keepdims=True)
    centred = x - mean
    var = np.expand_dims(_dot(centred, centred, axes), axes) / _count(x, axes)
    centred /= np.sqrt(var + eps)
    return centred, mean, var


def _count(x: NDArray, axes: Axes) -> int:
    """Count the entries that share a mean; right for an empty batch too."""
    return math.prod(x.shape[axis] for axis in axes)


def _dot(a: NDArray, b: NDArray, axes: Axes) -> NDArray[np.float64]:
    """Sum a * b over the axes, in float64 as b is, without holding the product in memory."""
    every = list(range(a.ndim))
    kept = [axis for axis in every if axis not in axes]
    return np.einsum(a, every, b, every, kept)


def _scale_and_shift(xhat: NDArray, weight: NDArray, bias: NDArray, dtype: np.dtype) -> NDArray:
    """Return weight * xhat + bias, rounded to ``dtype``; overwrites ``xhat``."""
    xhat *= weight
    xhat += bias
    return xhat.astype(dtype, copy=False)


def _through_statistics(g: NDArray, xhat: NDArray, scale: NDArray, axes: Axes) -> NDArray:
    """Return scale * (g - mean(g) - xhat * mean(g * xhat)); overwrites ``g`` and ``xhat``.

    The means run over the axes that share the statistics.
    """
    along_mean = g.mean(axis=axes, keepdims=True)
    along_var = np.expand_dims(_dot(g, xhat, axes), axes) / _count(g, axes)
    g -= along_mean
    g -= np.multiply(xhat, along_var, out=xhat)
    g *= scale
    return g
