"""Losses: one number for how wrong the scores are, averaged as PyTorch does.

Every gradient function takes ``dy``, the gradient of whatever follows with respect to the
loss; it is 1 where the loss is the end of the chain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def cross_entropy(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    ignore_index: int,
    label_smoothing: float,
) -> float:
    """Cross-entropy of p = softmax(scores), (M, C), with the target classes t, (M,).

        loss = sum_m [(1 - s) w[t_m] (-log p[m, t_m]) + s / C sum_c w[c] (-log p[m, c])] / W

    with s = label_smoothing and W = sum_m w[t_m]; rows whose target is ``ignore_index`` are
    left out of every sum. Without weights w is 1 and W the number of rows. NaN where W = 0.
    """
    rows, classes = scores.shape
    loss, total_weight = 0.0, 0.0
    for m in range(rows):
        t = int(target[m])
        if t == ignore_index:
            continue
        total_weight += _class_weight(weight, t)
        log_p = _log_softmax(scores[m])
        loss -= (1 - label_smoothing) * _class_weight(weight, t) * log_p[t]
        if label_smoothing > 0:
            for c in range(classes):
                loss -= label_smoothing / classes * _class_weight(weight, c) * log_p[c]
    return loss / total_weight if total_weight > 0 else math.nan


def cross_entropy_dx(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    ignore_index: int,
    label_smoothing: float,
    dy: float,
) -> NDArray:
    """dscores[m, c] = dy (p[m, c] sum_k q[m, k] - q[m, c]) / W, (M, C).

    q[m, c] = (1 - s) w[c] [c = t_m] + s / C w[c] is the factor of -log p[m, c] in the loss.
    Ignored rows are zero; the others are NaN where W = 0.
    """
    rows, classes = scores.shape
    total_weight = 0.0
    for m in range(rows):
        if int(target[m]) != ignore_index:
            total_weight += _class_weight(weight, int(target[m]))
    dscores = np.zeros(scores.shape, scores.dtype)  # (M, C)
    for m in range(rows):
        t = int(target[m])
        if t == ignore_index:
            continue
        log_p = _log_softmax(scores[m])
        q = [label_smoothing / classes * _class_weight(weight, c) for c in range(classes)]
        q[t] += (1 - label_smoothing) * _class_weight(weight, t)
        for c in range(classes):
            pull = math.exp(log_p[c]) * sum(q) - q[c]
            dscores[m, c] = dy * pull / total_weight if total_weight > 0 else math.nan
    return dscores


def bce_with_logits(
    scores: NDArray, target: NDArray, weight: NDArray | None, pos_weight: NDArray | None
) -> float:
    """Binary cross-entropy of p = sigmoid(scores), averaged over all entries, any shape.

        loss = mean of w (-P t log p - (1 - t) log(1 - p))

    with w = weight and P = pos_weight, both of a shape that broadcasts to that of scores.
    """
    loss = 0.0
    for x, t, w, positive in _entries(scores, target, weight, pos_weight):
        loss += w * (positive * t * _softplus(-x) + (1 - t) * _softplus(x))
    return loss / scores.size


def bce_with_logits_dx(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    pos_weight: NDArray | None,
    dy: float,
) -> NDArray:
    """dscores[i] = dy w (-P t (1 - p) + (1 - t) p) / count, p = sigmoid(scores[i])."""
    dscores = np.empty(scores.size, scores.dtype)
    entries = _entries(scores, target, weight, pos_weight)
    for i, (x, t, w, positive) in enumerate(entries):
        p, rest = math.exp(-_softplus(-x)), math.exp(-_softplus(x))  # sigmoid(x), sigmoid(-x)
        dscores[i] = dy * w * ((1 - t) * p - positive * t * rest) / scores.size
    return dscores.reshape(scores.shape)


def mse(scores: NDArray, target: NDArray) -> float:
    """Loss = mean of (x - t)^2 over all entries, any shape."""
    loss = 0.0
    for i in np.ndindex(scores.shape):
        error = float(scores[i]) - float(target[i])
        loss += error * error
    return loss / scores.size


def mse_dx(scores: NDArray, target: NDArray, dy: float) -> NDArray:
    """dscores[i] = dy 2 (x - t) / count."""
    dscores = np.empty_like(scores)
    for i in np.ndindex(scores.shape):
        error = float(scores[i]) - float(target[i])
        dscores[i] = dy * 2 * error / scores.size
    return dscores


def huber(scores: NDArray, target: NDArray, delta: float) -> float:
    """Loss = mean of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), with e = x - t.

    A parabola that goes over into its tangents at -delta and delta: one outlier pulls with
    delta at most.
    """
    loss = 0.0
    for i in np.ndindex(scores.shape):
        error = abs(float(scores[i]) - float(target[i]))
        loss += error * error / 2 if error <= delta else delta * (error - delta / 2)
    return loss / scores.size


def huber_dx(scores: NDArray, target: NDArray, delta: float, dy: float) -> NDArray:
    """dscores[i] = dy e / count, with e = x - t cut off at -delta and delta."""
    dscores = np.empty_like(scores)
    for i in np.ndindex(scores.shape):
        error = float(scores[i]) - float(target[i])
        if error > delta:
            error = delta
        if error < -delta:
            error = -delta
        dscores[i] = dy * error / scores.size
    return dscores


def _class_weight(weight: NDArray | None, c: int) -> float:
    return 1.0 if weight is None else float(weight[c])


def _log_softmax(row: NDArray) -> list[float]:
    """log p[c] = x[c] - max - log sum_k exp(x[k] - max): exp never sees a positive number."""
    values = [float(value) for value in row]
    largest = max(values)
    total = 0.0
    for value in values:
        total += math.exp(value - largest)
    return [value - largest - math.log(total) for value in values]


def _softplus(x: float) -> float:
    """log(1 + exp(x)) = -log(sigmoid(-x)), with exp of a negative number only."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _entries(
    scores: NDArray, target: NDArray, weight: NDArray | None, pos_weight: NDArray | None
) -> Iterator[tuple[float, float, float, float]]:
    """Yield x, t, w and P entry by entry; w and P are 1 where they are not given."""
    w = np.broadcast_to(1.0 if weight is None else weight, scores.shape)
    positive = np.broadcast_to(1.0 if pos_weight is None else pos_weight, scores.shape)
    for i in np.ndindex(scores.shape):
        yield float(scores[i]), float(target[i]), float(w[i]), float(positive[i])
