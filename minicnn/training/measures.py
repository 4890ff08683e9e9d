"""The few numbers a training watches: what the loss wants as targets, accuracy, AUC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minicnn.evaluation.ranking import macro_roc_auc, roc_auc
from minicnn.evaluation.scores import margins
from minicnn.losses import BCEWithLogitsLoss, HuberLoss, Loss, MSELoss

if TYPE_CHECKING:
    from minicnn.data.augment import Mix

# These compare numbers with numbers; cross-entropy takes the class's index.
ELEMENTWISE = (BCEWithLogitsLoss, MSELoss, HuberLoss)


def targets(loss: Loss, labels: NDArray, scores: NDArray) -> NDArray:
    """Turn labels into what ``loss`` compares the scores with.

    Parameters
    ----------
    loss : Loss
        Cross-entropy takes (N,) class indices as they are. Losses that compare entry by
        entry get zeros and ones in the shape and dtype of the scores.
    labels : NDArray
        (N,) class indices or (N, L) of 0 and 1.
    scores : NDArray
        (N, K).
    """
    if labels.ndim == 2:
        return labels.astype(scores.dtype)  # (N, L)
    if isinstance(loss, ELEMENTWISE):
        return (labels[:, None] == np.arange(scores.shape[1])).astype(scores.dtype)  # (N, K)
    return labels


def accuracy(labels: NDArray, scores: NDArray) -> float:
    """Share of right answers: the highest score, or with several labels each at 0.5."""
    if labels.ndim == 2:
        return float(np.mean((scores > 0) == (labels == 1)))
    return float(np.mean(scores.argmax(axis=1) == labels))


def auc(labels: NDArray, scores: NDArray) -> float:
    """Area under the ROC curve.

    Of class 1 for two classes, the mean of one against the rest for more, the mean over
    labels for several labels; classes and labels without positives or negatives are left
    out, and NaN is all there is to say where none remains or a score is not finite.
    """
    if not np.isfinite(scores).all():
        return float("nan")
    if labels.ndim == 1:
        return float(macro_roc_auc(labels, margins(scores, multilabel=False)))
    areas = [roc_auc(labels[:, j], scores[:, j]) for j in range(labels.shape[1])]
    defined = [a for a in areas if not np.isnan(a)]
    return float(np.mean(defined)) if defined else float("nan")


def loss_and_gradient(
    loss: Loss, labels: NDArray, scores: NDArray, mix: Mix | None = None
) -> tuple[float, NDArray]:
    """Compute a loss and the gradient (N, K) of its scores.

    With mix-up, ``share loss(labels) + (1 - share) loss(the partners' labels)``, see
    `minicnn.data.augment.mixup.Mix`.
    """
    value = loss.forward(scores, targets(loss, labels, scores))
    if mix is None:
        return value, loss.backward()
    gradient = loss.backward(mix.share)
    theirs = loss.forward(scores, targets(loss, labels[mix.partner], scores))
    value = mix.share * value + (1 - mix.share) * theirs
    return value, gradient + loss.backward(1 - mix.share)


def mixed_accuracy(labels: NDArray, scores: NDArray, mix: Mix | None = None) -> float:
    """Compute `accuracy`; with mix-up, each of both labels counts by its share."""
    own = accuracy(labels, scores)
    if mix is None:
        return own
    return mix.share * own + (1 - mix.share) * accuracy(labels[mix.partner], scores)
