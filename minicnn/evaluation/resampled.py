"""The headline figures as functions of how often each image was drawn, for the bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.evaluation import intervals

Floats = NDArray[np.float64]
DECISIONS = ("accuracy", "precision", "recall", "f1")
# Of these the bootstrap gives intervals.
MEASURED = (*DECISIONS, "auc", "average_precision")


def of_classes(truth: NDArray, margins: Floats, called: NDArray) -> intervals.Statistic:
    """Return the statistic of exclusive classes.

    Parameters
    ----------
    truth, called
        (N,) class numbers: what it is, and what it was called.
    margins
        (N, C) log-odds of each class.

    Returns
    -------
    callable
        Counts (N, B) to the figures `MEASURED`, (B,) each: of class 1 of two, else the mean
        over the classes.
    """
    n_classes = margins.shape[1]
    columns = [1] if n_classes == 2 else list(range(n_classes))

    def statistic(counts: intervals.Counts) -> dict[str, Floats]:
        each = [(truth == c, margins[:, c], counts) for c in columns]
        return {
            **intervals.decision_statistics(truth, called, n_classes, counts),
            "auc": nanmean([intervals.resampled_auc(*one) for one in each]),
            "average_precision": nanmean(
                [intervals.resampled_average_precision(*one) for one in each]
            ),
        }

    return statistic


def of_labels(truth: NDArray, margins: Floats, called: NDArray) -> intervals.Statistic:
    """Return the statistic of several labels, all arrays (N, L).

    Returns
    -------
    callable
        Counts (N, B) to the figures `MEASURED`, means over the labels with positives; and
        under ``"j auc"`` and so on those of label number j.
    """
    n_labels = truth.shape[1]

    def statistic(counts: intervals.Counts) -> dict[str, Floats]:
        out: dict[str, Floats] = {}
        # (L, B): a label whose positives were not drawn is left out of that mean.
        drawn = np.stack([counts[truth[:, j] == 1].sum(axis=0) > 0 for j in range(n_labels)])
        for j in range(n_labels):
            t, m, c = truth[:, j], margins[:, j], called[:, j]
            own = {
                **intervals.decision_statistics(t, c, 2, counts),
                "auc": intervals.resampled_auc(t, m, counts),
                "average_precision": intervals.resampled_average_precision(t, m, counts),
            }
            out |= {f"{j} {name}": v for name, v in own.items()}
        for name in MEASURED:
            table = np.stack([out[f"{j} {name}"] for j in range(n_labels)])  # (L, B)
            if name in DECISIONS:
                table = np.nan_to_num(table)
            out[name] = nanmean(np.where(drawn, table, np.nan))
        return out

    return statistic


def nanmean(rows: Sequence[Floats] | Floats) -> Floats:
    """Mean over K rows (K, B) -> (B,) of what is defined; NaN, in silence, where nothing is."""
    table = np.asarray(rows)
    there = ~np.isnan(table)
    total = np.where(there, table, 0.0).sum(axis=0)
    count = there.sum(axis=0)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
