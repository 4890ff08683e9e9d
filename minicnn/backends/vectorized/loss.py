"""Losses, averaged as PyTorch does.

All are computed in float64, whatever the dtype of the scores: these arrays are
small, and the gradient is then rounded once, at the end. Infinite or NaN scores
make the loss NaN without a warning of NumPy's; whoever trains looks at the loss.
"""

from __future__ import annotations

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

    with s = label_smoothing and W = sum_m w[t_m]; rows whose target is
    ``ignore_index`` are left out of every sum. NaN where W = 0.
    """
    counted = target != ignore_index  # (M,)
    t = target[counted]
    w = _class_weights(scores, weight)  # (C,)
    total = w[t].sum()
    if total == 0:
        return float("nan")
    with np.errstate(invalid="ignore"):
        surprise = -_log_softmax(scores[counted])  # (M', C)
        loss = (w[t] * surprise[np.arange(len(t)), t]).sum()
        if label_smoothing:
            everywhere = (surprise * w).sum() / scores.shape[1]
            loss = (1 - label_smoothing) * loss + label_smoothing * everywhere
        return float(loss / total)


def cross_entropy_dx(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    ignore_index: int,
    label_smoothing: float,
    dy: float,
) -> NDArray:
    """dscores[m, c] = dy (p[m, c] sum_k q[m, k] - q[m, c]) / W, (M, C).

    q[m, c] = (1 - s) w[c] [c = t_m] + s / C w[c] is what row m pulls class c with.
    Ignored rows are zero; the others are NaN where W = 0.
    """
    counted = target != ignore_index  # (M,)
    t = target[counted]
    w = _class_weights(scores, weight)  # (C,)
    total = w[t].sum()
    pull = np.empty((len(t), len(w)))  # (M', C)
    pull[:] = label_smoothing / len(w) * w
    pull[np.arange(len(t)), t] += (1 - label_smoothing) * w[t]
    dscores = np.zeros(scores.shape, scores.dtype)  # (M, C)
    with np.errstate(invalid="ignore"):
        p = np.exp(_log_softmax(scores[counted]))  # (M', C)
        gradient = p * pull.sum(axis=1, keepdims=True) - pull  # (M', C)
    dscores[counted] = gradient * (dy / total) if total != 0 else np.nan
    return dscores


def bce_with_logits(
    scores: NDArray, target: NDArray, weight: NDArray | None, pos_weight: NDArray | None
) -> float:
    """Binary cross-entropy of sigmoid(scores), averaged over all entries.

        loss = mean w (P t (-log sigmoid(x)) + (1 - t) (-log sigmoid(-x)))

    P = pos_weight; -log sigmoid(x) = log(1 + e^-x) is taken in its stable form.
    """
    x, t = scores.astype(np.float64), target.astype(np.float64)
    with np.errstate(invalid="ignore"):
        tail = np.log1p(np.exp(-np.abs(x)))
        loss = (1 - t) * (np.maximum(x, 0) + tail)
        positive = t * (np.maximum(-x, 0) + tail)
        loss += positive if pos_weight is None else positive * pos_weight
        if weight is not None:
            loss = loss * weight
        return float(loss.mean())


def bce_with_logits_dx(
    scores: NDArray,
    target: NDArray,
    weight: NDArray | None,
    pos_weight: NDArray | None,
    dy: float,
) -> NDArray:
    """Return dy w ((1 - t) sigmoid(x) - P t sigmoid(-x)) / count, in the shape of scores."""
    x, t = scores.astype(np.float64), target.astype(np.float64)
    e = np.exp(-np.abs(x))  # in (0, 1]
    p = np.where(x >= 0, 1, e) / (1 + e)  # sigmoid(x)
    rest = np.where(x >= 0, e, 1) / (1 + e)  # sigmoid(-x), without the cancellation of 1 - p
    positive = t * rest
    gradient = (1 - t) * p - (positive if pos_weight is None else positive * pos_weight)
    if weight is not None:
        gradient = gradient * weight
    return (gradient * (dy / scores.size)).astype(scores.dtype)


def mse(scores: NDArray, target: NDArray) -> float:
    """Average (x - t)^2 over all entries."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = scores.astype(np.float64) - target
        return float((error * error).mean())


def mse_dx(scores: NDArray, target: NDArray, dy: float) -> NDArray:
    """Return dy 2 (x - t) / count, in the shape of scores."""
    error = scores.astype(np.float64) - target
    return (error * (2 * dy / scores.size)).astype(scores.dtype)


def huber(scores: NDArray, target: NDArray, delta: float) -> float:
    """Average e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), with e = x - t."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(scores.astype(np.float64) - target)
        loss = np.where(error <= delta, 0.5 * error * error, delta * (error - 0.5 * delta))
        return float(loss.mean())


def huber_dx(scores: NDArray, target: NDArray, delta: float, dy: float) -> NDArray:
    """Return dy e / count with e = x - t cut off at -delta and delta, in the shape of scores."""
    error = np.clip(scores.astype(np.float64) - target, -delta, delta)
    return (error * (dy / scores.size)).astype(scores.dtype)


def _class_weights(scores: NDArray, weight: NDArray | None) -> NDArray[np.float64]:
    """Return the weight of each class, (C,): ones where none are given."""
    return np.ones(scores.shape[1]) if weight is None else weight.astype(np.float64)


def _log_softmax(scores: NDArray) -> NDArray[np.float64]:
    """Return log softmax(x) = x - max - log sum exp(x - max), (M, C)."""
    x = scores.astype(np.float64)
    x -= x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
