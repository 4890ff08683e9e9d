"""Sentences on what the figures cannot say: classes without examples, precision of nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# With fewer positives than this an interval is rough, and the reader is told.
FEW = 10


def on_classes(confusion: NDArray, classes: Sequence[str]) -> list[str]:
    """Say which classes have no examples, and which were never predicted."""
    rows = list(zip(classes, confusion.sum(axis=1), confusion.sum(axis=0), strict=True))
    notes = []
    empty = [name for name, size, _ in rows if size == 0]
    if empty:
        notes.append(f"No examples of: {', '.join(empty)}. What needs them is undefined.")
    never = [name for name, size, called in rows if size and not called]
    if never:
        if len(classes) > 2:
            outcome = "so its precision is undefined and counts as 0 in the mean"
        else:
            outcome = "so its precision is undefined"
        notes.append(f"Never predicted, {outcome}: {', '.join(never)}.")
    return notes


def on_labels(each: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say which labels have no positives, and which were never predicted."""
    notes = []
    empty = [name for name, m in each.items() if m["positives"] == 0]
    if empty:
        notes.append(
            f"Labels without a positive example, left out of the means: {', '.join(empty)}."
        )
    never = [n for n, m in each.items() if m["positives"] and math.isnan(m["precision"])]
    if never:
        notes.append(
            f"Labels never predicted at the threshold 0.5: {', '.join(never)}. "
            f"Their precision is undefined and counts as 0 in the mean."
        )
    return notes


def on_rough_intervals(counts: Mapping[str, int], ids: Sequence[str] | NDArray | None) -> list[str]:
    """Say for whom a bootstrap has too little to draw from: it then looks surer than it is."""
    few = [f"{name} ({count})" for name, count in counts.items() if 0 < count < FEW]
    if not few:
        return []
    units = "images" if ids is None else "patients"
    return [
        f"Fewer than {FEW} {units} with: {', '.join(few)}. Their intervals are rough, and with "
        f"one alone the AUC has none."
    ]


def count_units(which: NDArray[np.bool_], ids: Sequence[str] | NDArray | None) -> int:
    """Count the images of a kind, or the patients they belong to."""
    return int(which.sum()) if ids is None else len(np.unique(np.asarray(ids)[which]))
