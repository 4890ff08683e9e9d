"""Cross-validation: every image is held out once, in folds that the data alone decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.data.splits import fixed_split
from minicnn.errors import DataError


def k_folds(
    names: Sequence[str] | NDArray,
    labels: NDArray,
    ids: Sequence[str] | NDArray | None = None,
    folds: int = 5,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Divide images into folds of about equal size, by patient and stratified by class.

    The patients are dealt out as in `minicnn.data.splits.fixed_split`, each fold wanting the
    same share, so that rare findings spread over the folds as well as whole patients allow.

    Parameters
    ----------
    names
        (N,) a name for each image, no name twice.
    labels
        (N,) class numbers, or (N, L) zeros and ones.
    ids
        (N,) the patient of each image; None makes each image its own patient.
    folds
        How many, at least 2.

    Returns
    -------
    list
        For each fold the indices to learn from and the indices held out, both ascending.
        Each image is held out exactly once. scikit-learn takes such a list as ``cv=``.

    Raises
    ------
    ArgumentError
        If ``folds`` is no whole number of at least 2, or the arrays do not fit together.
    DataError
        If there are fewer patients than folds, or all images of a class fall into one fold,
        so that one round could not learn it.
    """
    count = check_count("folds", folds, minimum=2)
    parts, _ = fixed_split(names, labels, ids, {f"fold {i + 1}": 1 / count for i in range(count)})
    rounds = []
    for number, held_out in enumerate(parts.values(), start=1):
        learn = np.setdiff1d(np.arange(len(labels)), held_out)
        lost = np.setdiff1d(labels, labels[learn])
        if labels.ndim == 1 and len(lost):
            raise DataError(
                f"fold {number} of {count} holds all images of class {lost[0]}, so nothing would "
                f"be left to learn it from; each class needs images of two patients or more"
            )
        rounds.append((learn, held_out))
    return rounds
