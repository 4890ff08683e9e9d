"""Normalisation, with its sums in float64.

    y  = weight xhat + bias,                                xhat = (x - mean) rstd
    dx = rstd (g - mean(g) - xhat mean(g xhat)),            g = weight dy
    dweight = sum dy xhat,   dbias = sum dy

with rstd = 1 / sqrt(var + eps). Batch norm takes its means over a channel, and a thread
takes whole channels: what it reads for the statistics is still in its cache when it
normalises. Layer and group norm take them over rows of one sample: a layer's row is the
normalised axes, a group's row the pixels of its channels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.threads import run

COST = 0.5  # nanoseconds per entry
STRIP = 256  # positions along a row whose weights one piece sums up

Triple = tuple[NDArray, NDArray, NDArray]


@kernel
def _batch_norm(first, last, y, mean, var, x, weight, bias, eps):  # type: ignore[no-untyped-def]
    """Find the statistics of channels first..last of x (N, C, L), and normalise."""
    batch, _, length = x.shape
    for c in range(first, last):
        total = 0.0
        for n in range(batch):
            for i in range(length):
                total += x[n, c, i]
        centre = total / (batch * length)
        total = 0.0
        for n in range(batch):
            for i in range(length):
                total += (x[n, c, i] - centre) * (x[n, c, i] - centre)
        mean[c], var[c] = centre, total / (batch * length)
        scale = weight[c] / math.sqrt(var[c] + eps)
        for n in range(batch):
            for i in range(length):
                y[n, c, i] = (x[n, c, i] - centre) * scale + bias[c]


@kernel
def _batch_norm_inference(first, last, y, x, weight, bias, mean, var, eps):  # type: ignore[no-untyped-def]
    batch, _, length = x.shape
    for c in range(first, last):
        centre, scale = np.float64(mean[c]), weight[c] / math.sqrt(np.float64(var[c]) + eps)
        for n in range(batch):
            for i in range(length):
                y[n, c, i] = (x[n, c, i] - centre) * scale + bias[c]


@kernel
def _batch_norm_dx(first, last, dx, dweight, dbias, dy, x, weight, mean, var, eps, through):  # type: ignore[no-untyped-def]
    """Differentiate channels first..last; ``through`` the statistics, or around them."""
    batch, _, length = x.shape
    for c in range(first, last):
        centre, rstd = np.float64(mean[c]), 1 / math.sqrt(np.float64(var[c]) + eps)
        sum_dy, sum_dy_xhat = 0.0, 0.0
        for n in range(batch):
            for i in range(length):
                sum_dy += dy[n, c, i]
                sum_dy_xhat += dy[n, c, i] * (x[n, c, i] - centre)
        sum_dy_xhat *= rstd
        dweight[c], dbias[c] = sum_dy_xhat, sum_dy
        scale = weight[c] * rstd
        count = batch * length
        along_mean = sum_dy / count if through else 0.0
        along_var = rstd * sum_dy_xhat / count if through else 0.0
        for n in range(batch):
            for i in range(length):
                centred = x[n, c, i] - centre
                dx[n, c, i] = scale * (dy[n, c, i] - along_mean - centred * along_var)


@kernel
def _row_norm(first, last, y, mean, var, x, weight, bias, eps):  # type: ignore[no-untyped-def]
    """Normalise rows first..last of x (R, L); row r has the weights [r % G] of (G, L)."""
    length = x.shape[1]
    for r in range(first, last):
        g = r % weight.shape[0]
        total = 0.0
        for i in range(length):
            total += x[r, i]
        centre = total / length
        total = 0.0
        for i in range(length):
            total += (x[r, i] - centre) * (x[r, i] - centre)
        mean[r], var[r] = centre, total / length
        rstd = 1 / math.sqrt(var[r] + eps)
        for i in range(length):
            y[r, i] = (x[r, i] - centre) * rstd * weight[g, i] + bias[g, i]


@kernel
def _row_norm_dx(first, last, dx, dy, x, weight, mean, var, eps):  # type: ignore[no-untyped-def]
    length = x.shape[1]
    for r in range(first, last):
        g = r % weight.shape[0]
        rstd = 1 / math.sqrt(var[r] + eps)
        along_mean, along_var = 0.0, 0.0
        for i in range(length):
            pull = np.float64(dy[r, i]) * weight[g, i]
            along_mean += pull
            along_var += pull * (x[r, i] - mean[r])
        along_mean /= length
        along_var *= rstd * rstd / length
        for i in range(length):
            pull = np.float64(dy[r, i]) * weight[g, i]
            dx[r, i] = rstd * (pull - along_mean - (x[r, i] - mean[r]) * along_var)


@kernel
def _row_norm_dweight(first, last, dweight, dbias, dy, x, mean, var, eps):  # type: ignore[no-untyped-def]
    """Sum over the rows that share weights, for the strips first..last of (G, L)."""
    groups = dweight.shape[0]
    strip = slice(first * STRIP, last * STRIP)
    for g in range(groups):
        weights, biases = dweight[g, strip], dbias[g, strip]
        for i in range(weights.size):
            weights[i], biases[i] = 0.0, 0.0
        for r in range(g, x.shape[0], groups):
            rstd = 1 / math.sqrt(var[r] + eps)
            numbers, pulls = x[r, strip], dy[r, strip]
            for i in range(weights.size):
                weights[i] += pulls[i] * ((numbers[i] - mean[r]) * rstd)
                biases[i] += pulls[i]


def batch_norm(x: NDArray, weight: NDArray, bias: NDArray, eps: float) -> Triple:
    """Normalise each channel by its statistics over N, H and W; y, mean (C,), var (C,)."""
    planes = _planes(x)  # (N, C, H*W)
    y, mean, var = np.empty_like(planes, subok=False), np.empty(x.shape[1]), np.empty(x.shape[1])
    run(
        _batch_norm, x.shape[1], x.size * COST,
        y, mean, var, planes, ready(weight), ready(bias), eps,
    )  # fmt: skip
    return y.reshape(x.shape), mean, var


def batch_norm_inference(
    x: NDArray, weight: NDArray, bias: NDArray, mean: NDArray, var: NDArray, eps: float
) -> NDArray:
    """Normalise each channel by given statistics, (N, C, H, W)."""
    planes = _planes(x)  # (N, C, H*W)
    y = np.empty_like(planes, subok=False)
    arrays = (ready(a) for a in (weight, bias, *_doubles(mean, var)))
    run(_batch_norm_inference, x.shape[1], x.size * COST, y, planes, *arrays, eps)
    return y.reshape(x.shape)


def batch_norm_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Triple:
    """Differentiate through the statistics of the batch: dx, dweight (C,), dbias (C,)."""
    return _differentiate(dy, x, weight, mean, var, eps, True)


def batch_norm_inference_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Triple:
    """Differentiate with constant statistics: dx, dweight (C,), dbias (C,)."""
    return _differentiate(dy, x, weight, mean, var, eps, False)


def layer_norm(x: NDArray, weight: NDArray, bias: NDArray, eps: float) -> Triple:
    """Normalise each sample over its last ``weight.ndim`` axes; y, mean and var."""
    leading = x.shape[: x.ndim - weight.ndim]
    y, mean, var = _rows(x, weight.reshape(1, -1), bias.reshape(1, -1), eps)
    return y, mean.reshape(leading), var.reshape(leading)


def layer_norm_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Triple:
    """Gradients of `layer_norm`: dx of x's shape, dweight and dbias of weight's."""
    dx, dweight, dbias = _rows_dx(dy, x, weight.reshape(1, -1), mean, var, eps)
    return (
        dx,
        dweight.reshape(weight.shape).astype(x.dtype),
        dbias.reshape(weight.shape).astype(x.dtype),
    )


def group_norm(x: NDArray, groups: int, weight: NDArray, bias: NDArray, eps: float) -> Triple:
    """Normalise each sample over each group of C / groups channels; y, and (N, groups) twice."""
    y, mean, var = _rows(x, _per_pixel(weight, x, groups), _per_pixel(bias, x, groups), eps)
    return y, mean.reshape(-1, groups), var.reshape(-1, groups)


def group_norm_dx(
    dy: NDArray, x: NDArray, groups: int, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Triple:
    """Gradients of `group_norm`: dx (N, C, H, W), dweight (C,), dbias (C,)."""
    dx, dweight, dbias = _rows_dx(dy, x, _per_pixel(weight, x, groups), mean, var, eps)
    channels = x.shape[1]
    return (
        dx,
        dweight.reshape(channels, -1).sum(axis=1).astype(x.dtype),
        dbias.reshape(channels, -1).sum(axis=1).astype(x.dtype),
    )


def _planes(x: NDArray) -> NDArray:
    return ready(x).reshape(*x.shape[:2], math.prod(x.shape[2:]))  # (N, C, H*W)


def _doubles(mean: NDArray, var: NDArray) -> tuple[NDArray, NDArray]:
    # Statistics of a batch are float64, running ones have the dtype of the parameters;
    # one type means one compiled version.
    return mean.astype(np.float64), var.astype(np.float64)


def _differentiate(
    dy: NDArray,
    x: NDArray,
    weight: NDArray,
    mean: NDArray,
    var: NDArray,
    eps: float,
    through: bool,
) -> Triple:
    planes = _planes(x)  # (N, C, H*W)
    dx = np.empty_like(planes, subok=False)
    dweight, dbias = np.empty_like(weight), np.empty_like(weight)
    run(
        _batch_norm_dx, x.shape[1], x.size * COST, dx, dweight, dbias, _planes(dy), planes,
        ready(weight), *_doubles(mean, var), eps, through,
    )  # fmt: skip
    return dx.reshape(x.shape), dweight, dbias


def _per_pixel(values: NDArray, x: NDArray, groups: int) -> NDArray:
    """Repeat one number per channel for each of its pixels, (G, C/G*H*W)."""
    return np.repeat(values, math.prod(x.shape[2:])).reshape(groups, -1)


def _rows(x: NDArray, weight: NDArray, bias: NDArray, eps: float) -> Triple:
    rows = ready(x).reshape(-1, weight.shape[1])  # (R, L)
    y, mean, var = np.empty_like(rows, subok=False), np.empty(len(rows)), np.empty(len(rows))
    run(_row_norm, len(rows), x.size * COST, y, mean, var, rows, ready(weight), ready(bias), eps)
    return y.reshape(x.shape), mean, var


def _rows_dx(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float
) -> Triple:
    rows, drows = (ready(a).reshape(-1, weight.shape[1]) for a in (x, dy))  # (R, L)
    statistics = [ready(a).reshape(-1) for a in _doubles(mean, var)]
    dx = np.empty_like(rows, subok=False)
    dweight, dbias = np.empty(weight.shape), np.empty(weight.shape)
    run(_row_norm_dx, len(rows), x.size * COST, dx, drows, rows, ready(weight), *statistics, eps)
    strips = -(-weight.shape[1] // STRIP)
    run(_row_norm_dweight, strips, x.size * COST, dweight, dbias, drows, rows, *statistics, eps)
    return dx.reshape(x.shape), dweight, dbias
