"""Normalisation: y = weight xhat + bias, where xhat = (x - mean) / sqrt(var + eps).

Batch, layer and group norm are this one equation. They differ in which entries share a mean
and a variance, and in which share a weight:

=============  ==========================================  ====================
batch norm     a channel's entries over N, H and W         one weight a channel
layer norm     a sample's entries                          one weight an entry
group norm     a sample's entries in a group of channels   one weight a channel
=============  ==========================================  ====================

So every function lists the indices ``e`` that belong together and walks through them;
``x[e]`` with ``e = (n, c, i, j)`` is ``x[n, c, i, j]``. The sums are Python floats (float64).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Entry = tuple[int, ...]
Normalised = tuple[NDArray, NDArray[np.float64], NDArray[np.float64]]
Gradients = tuple[NDArray, NDArray, NDArray]


def batch_norm(x: NDArray, weight: NDArray, bias: NDArray, eps: float) -> Normalised:
    """y[n, c, i, j] = weight[c] (x[n, c, i, j] - mean[c]) / sqrt(var[c] + eps) + bias[c].

    Returns y (N, C, H, W), and the mean and the biased variance of each channel, (C,).
    """
    channels = x.shape[1]
    y = np.empty_like(x)  # (N, C, H, W)
    mean, var = np.empty(channels), np.empty(channels)  # (C,), float64
    for c in range(channels):
        entries = _channel_entries(x, c)
        mean[c], var[c] = _statistics(x, entries)
        for e in entries:
            xhat = (float(x[e]) - mean[c]) / math.sqrt(var[c] + eps)
            y[e] = float(weight[c]) * xhat + float(bias[c])
    return y, mean, var


def batch_norm_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Gradients:
    """Gradients of `batch_norm`: dx (N, C, H, W), dweight (C,), dbias (C,).

    dweight[c] = sum dy xhat and dbias[c] = sum dy over the channel's entries; dx has the
    three paths of `_through_statistics`.
    """
    channels = x.shape[1]
    dx, g, xhat = np.empty_like(dy), np.empty(x.shape), np.empty(x.shape)  # (N, C, H, W)
    dweight, dbias = np.zeros(channels), np.zeros(channels)  # (C,)
    for c in range(channels):
        entries = _channel_entries(x, c)
        deviation = math.sqrt(float(var[c]) + eps)
        for e in entries:
            xhat[e] = (float(x[e]) - float(mean[c])) / deviation
            dweight[c] += float(dy[e]) * xhat[e]
            dbias[c] += float(dy[e])
            g[e] = float(dy[e]) * float(weight[c])
        _through_statistics(dx, g, xhat, deviation, entries)
    return dx, dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def batch_norm_inference(
    x: NDArray, weight: NDArray, bias: NDArray, mean: NDArray, var: NDArray, eps: float
) -> NDArray:
    """y[n, c, i, j] = weight[c] (x[n, c, i, j] - mean[c]) / sqrt(var[c] + eps) + bias[c].

    As in `batch_norm`, but with a mean and a variance that are given, (C,).
    """
    y = np.empty_like(x)  # (N, C, H, W)
    for c in range(x.shape[1]):
        for e in _channel_entries(x, c):
            xhat = (float(x[e]) - float(mean[c])) / math.sqrt(float(var[c]) + eps)
            y[e] = float(weight[c]) * xhat + float(bias[c])
    return y


def batch_norm_inference_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Gradients:
    """Gradients of `batch_norm_inference`: dx (N, C, H, W), dweight (C,), dbias (C,).

    The statistics are constants, so only the straight path is left:
    dx = dy weight / sqrt(var + eps).
    """
    channels = x.shape[1]
    dx = np.empty_like(dy)  # (N, C, H, W)
    dweight, dbias = np.zeros(channels), np.zeros(channels)  # (C,)
    for c in range(channels):
        deviation = math.sqrt(float(var[c]) + eps)
        for e in _channel_entries(x, c):
            xhat = (float(x[e]) - float(mean[c])) / deviation
            dweight[c] += float(dy[e]) * xhat
            dbias[c] += float(dy[e])
            dx[e] = float(dy[e]) * float(weight[c]) / deviation
    return dx, dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def layer_norm(x: NDArray, weight: NDArray, bias: NDArray, eps: float) -> Normalised:
    """y[s, k] = weight[k] (x[s, k] - mean[s]) / sqrt(var[s] + eps) + bias[k].

    k runs over the last ``weight.ndim`` axes of x, s over the leading ones. Returns y, of
    x's shape, and the mean and the biased variance, of the leading shape.
    """
    leading = x.shape[: x.ndim - weight.ndim]
    y = np.empty_like(x)
    mean, var = np.empty(leading), np.empty(leading)  # float64
    for s in np.ndindex(leading):
        mean[s], var[s] = _statistics(x, [s + k for k in np.ndindex(weight.shape)])
        for k in np.ndindex(weight.shape):
            xhat = (float(x[s + k]) - mean[s]) / math.sqrt(var[s] + eps)  # (n,) + (i,) is (n, i)
            y[s + k] = float(weight[k]) * xhat + float(bias[k])
    return y, mean, var


def layer_norm_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Gradients:
    """Gradients of `layer_norm`: dx of x's shape, dweight and dbias of weight's."""
    leading = x.shape[: x.ndim - weight.ndim]
    dx, g, xhat = np.empty_like(dy), np.empty(x.shape), np.empty(x.shape)
    dweight, dbias = np.zeros(weight.shape), np.zeros(weight.shape)
    for s in np.ndindex(leading):
        deviation = math.sqrt(float(var[s]) + eps)
        for k in np.ndindex(weight.shape):
            e = s + k
            xhat[e] = (float(x[e]) - float(mean[s])) / deviation
            dweight[k] += float(dy[e]) * xhat[e]
            dbias[k] += float(dy[e])
            g[e] = float(dy[e]) * float(weight[k])
        entries = [s + k for k in np.ndindex(weight.shape)]
        _through_statistics(dx, g, xhat, deviation, entries)
    return dx, dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def group_norm(x: NDArray, groups: int, weight: NDArray, bias: NDArray, eps: float) -> Normalised:
    """y[n, c, i, j] = weight[c] (x[n, c, i, j] - mean[n, g]) / sqrt(var[n, g] + eps) + bias[c].

    g = c // (C / groups) is the channel's group. Returns y (N, C, H, W), and the mean and
    the biased variance, (N, groups).
    """
    y = np.empty_like(x)  # (N, C, H, W)
    mean, var = np.empty((len(x), groups)), np.empty((len(x), groups))  # (N, G), float64
    for n in range(len(x)):
        for group in range(groups):
            entries = _group_entries(x, n, group, groups)
            mean[n, group], var[n, group] = _statistics(x, entries)
            deviation = math.sqrt(var[n, group] + eps)
            for e in entries:
                c = e[1]
                xhat = (float(x[e]) - mean[n, group]) / deviation
                y[e] = float(weight[c]) * xhat + float(bias[c])
    return y, mean, var


def group_norm_dx(
    dy: NDArray, x: NDArray, groups: int, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Gradients:
    """Gradients of `group_norm`: dx (N, C, H, W), dweight (C,), dbias (C,)."""
    channels = x.shape[1]
    dx, g, xhat = np.empty_like(dy), np.empty(x.shape), np.empty(x.shape)  # (N, C, H, W)
    dweight, dbias = np.zeros(channels), np.zeros(channels)  # (C,)
    for n in range(len(x)):
        for group in range(groups):
            entries = _group_entries(x, n, group, groups)
            deviation = math.sqrt(float(var[n, group]) + eps)
            for e in entries:
                c = e[1]
                xhat[e] = (float(x[e]) - float(mean[n, group])) / deviation
                dweight[c] += float(dy[e]) * xhat[e]
                dbias[c] += float(dy[e])
                g[e] = float(dy[e]) * float(weight[c])
            _through_statistics(dx, g, xhat, deviation, entries)
    return dx, dweight.astype(dy.dtype), dbias.astype(dy.dtype)


def _channel_entries(x: NDArray, c: int) -> list[Entry]:
    """List the indices (n, c, i, j) of one channel."""
    batch, _, height, width = x.shape
    return [(n, c, i, j) for n in range(batch) for i in range(height) for j in range(width)]


def _group_entries(x: NDArray, n: int, group: int, groups: int) -> list[Entry]:
    """List the indices (n, c, i, j) of one sample's group of channels."""
    _, channels, height, width = x.shape
    size = channels // groups
    own = range(group * size, (group + 1) * size)
    return [(n, c, i, j) for c in own for i in range(height) for j in range(width)]


def _statistics(x: NDArray, entries: list[Entry]) -> tuple[float, float]:
    """Mean = sum x / M and var = sum (x - mean)^2 / M over the M entries."""
    mean = 0.0
    for e in entries:
        mean += float(x[e])
    mean /= len(entries)
    var = 0.0
    for e in entries:
        var += (float(x[e]) - mean) ** 2
    return mean, var / len(entries)


def _through_statistics(
    dx: NDArray, g: NDArray, xhat: NDArray, deviation: float, entries: list[Entry]
) -> None:
    """dx[e] = (g[e] - mean(g) - xhat[e] mean(g xhat)) / deviation over the M entries.

    x[e] reaches the loss on three paths: straight through its own xhat[e]; through the
    mean, which shifts all M entries alike; and through the variance, which shrinks all M
    towards the mean (Ioffe and Szegedy 2015, section 3). g = weight dy is the gradient of
    xhat.
    """
    mean_g, mean_g_xhat = 0.0, 0.0
    for e in entries:
        mean_g += g[e] / len(entries)
        mean_g_xhat += g[e] * xhat[e] / len(entries)
    for e in entries:
        dx[e] = (g[e] - mean_g - xhat[e] * mean_g_xhat) / deviation
