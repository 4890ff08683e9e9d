"""Losses: one pass for the value, one for the gradient, in float64 inside.

The arrays are small (a batch times the classes), so one thread does it all.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready

ABSENT = np.ones(1)  # stands for weights that were not given


@kernel
def _row_peak_and_log_sum(scores, m):  # type: ignore[no-untyped-def]
    """Return max_c x[m, c] and log sum_c exp(x[m, c] - max)."""
    peak = np.float64(scores[m, 0])
    for c in range(1, scores.shape[1]):
        peak = max(peak, np.float64(scores[m, c]))
    total = 0.0
    for c in range(scores.shape[1]):
        total += math.exp(scores[m, c] - peak)
    return peak, math.log(total)


@kernel
def _cross_entropy(scores, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    rows, classes = scores.shape
    loss, total = 0.0, 0.0
    for m in range(rows):
        t = target[m]
        if t == ignore_index:
            continue
        peak, log_sum = _row_peak_and_log_sum(scores, m)
        loss += (1 - smoothing) * weight[t] * (log_sum - (scores[m, t] - peak))
        total += weight[t]
        if smoothing > 0:
            for c in range(classes):
                loss += smoothing / classes * weight[c] * (log_sum - (scores[m, c] - peak))
    return loss / total if total != 0 else math.nan


@kernel
def _cross_entropy_dx(dscores, scores, target, weight, ignore_index, smoothing, dy):  # type: ignore[no-untyped-def]
    rows, classes = scores.shape
    total, spread = 0.0, 0.0
    for m in range(rows):
        if target[m] != ignore_index:
            total += weight[target[m]]
    for c in range(classes):
        spread += smoothing / classes * weight[c]
    scale = dy / total if total != 0 else math.nan
    for m in range(rows):
        t = target[m]
        if t == ignore_index:
            for c in range(classes):
                dscores[m, c] = 0
            continue
        peak, log_sum = _row_peak_and_log_sum(scores, m)
        row = spread + (1 - smoothing) * weight[t]
        for c in range(classes):
            pull = smoothing / classes * weight[c]
            if c == t:
                pull += (1 - smoothing) * weight[t]
            p = math.exp(scores[m, c] - peak - log_sum)
            dscores[m, c] = (p * row - pull) * scale


@kernel
def _bce_with_logits(scores, target, weight, pos_weight):  # type: ignore[no-untyped-def]
    loss = 0.0
    for i in range(scores.size):
        x, t = np.float64(scores[i]), np.float64(target[i])
        tail = math.log1p(math.exp(-abs(x)))  # log(1 + e^-|x|)
        positive = t * (max(-x, 0.0) + tail) * pos_weight[i % pos_weight.size]
        loss += weight[i % weight.size] * (positive + (1 - t) * (max(x, 0.0) + tail))
    return loss / scores.size


@kernel
def _bce_with_logits_dx(dscores, scores, target, weight, pos_weight, dy):  # type: ignore[no-untyped-def]
    for i in range(scores.size):
        x, t = np.float64(scores[i]), np.float64(target[i])
        small = math.exp(-abs(x))
        p = (small if x < 0 else 1.0) / (1 + small)  # sigmoid(x)
        rest = (1.0 if x < 0 else small) / (1 + small)  # sigmoid(-x), without cancellation
        pull = (1 - t) * p - t * rest * pos_weight[i % pos_weight.size]
        dscores[i] = pull * weight[i % weight.size] * (dy / scores.size)


@kernel
def _huber(scores, target, delta):  # type: ignore[no-untyped-def]
    loss = 0.0
    for i in range(scores.size):
        error = abs(np.float64(scores[i]) - target[i])
        loss += delta * (error - 0.5 * delta) if error > delta else 0.5 * error * error
    return loss / scores.size


@kernel
def _huber_dx(dscores, scores, target, delta, dy):  # type: ignore[no-untyped-def]
    for i in range(scores.size):
        error = np.float64(scores[i]) - target[i]
        if error > delta:
            error = delta
        elif error < -delta:
            error = -delta
        dscores[i] = error * (dy / scores.size)


def cross_entropy(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    ignore_index: int,
    label_smoothing: float,
) -> float:
    """Cross-entropy of softmax(scores), (M, C), with the target classes, (M,)."""
    weights = np.ones(scores.shape[1]) if weight is None else ready(weight.astype(np.float64))
    targets = ready(target.astype(np.int64))
    return float(
        _cross_entropy(ready(scores), targets, weights, ignore_index, float(label_smoothing))
    )


def cross_entropy_dx(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    ignore_index: int,
    label_smoothing: float,
    dy: float,
) -> NDArray:
    """Gradient of `cross_entropy` times dy, (M, C)."""
    weights = np.ones(scores.shape[1]) if weight is None else ready(weight.astype(np.float64))
    targets = ready(target.astype(np.int64))
    dscores = np.empty(scores.shape, scores.dtype)  # (M, C)
    _cross_entropy_dx(
        dscores, ready(scores), targets, weights, ignore_index, float(label_smoothing), float(dy)
    )
    return dscores


def bce_with_logits(
    scores: NDArray, target: NDArray, weight: NDArray | None, pos_weight: NDArray | None
) -> float:
    """Binary cross-entropy of sigmoid(scores), averaged over all entries."""
    x, t = _flat(scores), _flat(target)
    return float(_bce_with_logits(x, t, _spread(weight, scores), _spread(pos_weight, scores)))


def bce_with_logits_dx(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    pos_weight: NDArray | None,
    dy: float,
) -> NDArray:
    """Gradient of `bce_with_logits` times dy, in the shape of scores."""
    dscores = np.empty(scores.size, scores.dtype)
    weights = _spread(weight, scores), _spread(pos_weight, scores)
    _bce_with_logits_dx(dscores, _flat(scores), _flat(target), *weights, float(dy))
    return dscores.reshape(scores.shape)


def mse(scores: NDArray, target: NDArray) -> float:
    """Average (x - t)^2 over all entries: a Huber loss, doubled, whose parabola never ends."""
    return 2 * huber(scores, target, math.inf)


def mse_dx(scores: NDArray, target: NDArray, dy: float) -> NDArray:
    """Gradient of `mse` times dy, in the shape of scores."""
    return huber_dx(scores, target, math.inf, 2 * dy)


def huber(scores: NDArray, target: NDArray, delta: float) -> float:
    """Average e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), with e = x - t."""
    return float(_huber(_flat(scores), _flat(target), float(delta)))


def huber_dx(scores: NDArray, target: NDArray, delta: float, dy: float) -> NDArray:
    """Gradient of `huber` times dy, in the shape of scores."""
    dscores = np.empty(scores.size, scores.dtype)
    _huber_dx(dscores, _flat(scores), _flat(target), float(delta), float(dy))
    return dscores.reshape(scores.shape)


def _flat(array: NDArray) -> NDArray:
    return ready(array).reshape(-1)


def _spread(weight: NDArray | None, scores: NDArray) -> NDArray[np.float64]:
    """Weights for the flat scores; one alone serves all (the kernel wraps around)."""
    if weight is None:
        return ABSENT
    return np.broadcast_to(weight, scores.shape).astype(np.float64).reshape(-1)
