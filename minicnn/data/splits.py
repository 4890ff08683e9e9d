"""A split into parts that the data alone decide.

The order in which patients are dealt out comes from hashes of their names, so it is the
same on every computer, in every version of every library, whatever order the files were
listed in and whatever seed a training uses. Whole patients go to one part; each part gets
its share of every class as well as whole patients allow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data.wording import count_of, verb
from minicnn.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset

# By patient keeps all images of a patient on one side. By image is how scores become too good:
# it is there to show by how much.
SPLIT_BY = ("patient", "image")

FRACTIONS = {"train": 0.70, "val": 0.15, "test": 0.15}
# What is cut from train where the data bring a test part but no val part.
VAL_FROM_TRAIN = {"train": 0.85, "val": 0.15}


def fixed_split(
    names: Sequence[str] | NDArray,
    labels: NDArray,
    ids: Sequence[str] | NDArray | None = None,
    fractions: Mapping[str, float] = FRACTIONS,
) -> tuple[dict[str, NDArray[np.int64]], dict[str, Any]]:
    """Divide images among parts, by patient and stratified by class.

    Parameters
    ----------
    names
        (N,) a name for each image, no name twice.
    labels
        (N,) class numbers, or (N, L) zeros and ones.
    ids
        (N,) the patient of each image; None makes each image its own patient.
    fractions
        The share of the images each part should get, adding up to 1.

    Returns
    -------
    parts
        For each part the indices of its images, ascending.
    description
        For the run folder: the rule, the seed (a hash of the data), the fractions, the
        number of images and patients in each part, and the SHA-256 of the assignment.

    Raises
    ------
    DataError
        If there are fewer patients than parts.
    ArgumentError
        If the arrays differ in length, a name occurs twice, or the fractions do not add
        up to 1.

    Notes
    -----
    A part still wants, of every label, of the images and of the patients, its share less
    what it has. Patients are dealt out largest first, each to the part where the weighted sum
    of the squared wants, divided by the part's share, falls most. A patient with a tenth of
    all images of a rare finding is thus placed while every part still has room. Images and
    patients together weigh as much as all labels.
    """
    names = [str(name) for name in names]
    groups = names if ids is None else [str(one) for one in ids]
    _check(names, groups, labels, fractions)
    parts = list(fractions)

    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    if len(members) < len(parts):
        whose = "images" if ids is None else "patients"
        raise DataError(
            f"{len(members)} {whose} cannot be divided into {', '.join(parts)}; "
            f"at least {len(parts)} are needed"
        )

    seed = _hash("\n".join(sorted(f"{g}\t{n}" for g, n in zip(groups, names, strict=True))))[:16]
    order = sorted(members, key=lambda group: (_hash(f"{seed}\t{group}"), group))
    marks = _marks(labels)  # (N, K)
    counts = np.stack([marks[members[group]].sum(axis=0) for group in order])  # (G, K)
    images = np.array([len(members[group]) for group in order])  # (G,)
    share = np.array([fractions[part] for part in parts])
    dealt = _deal(counts, images, share)  # (G,)
    _fill_empty(dealt, counts, len(parts))

    part_of = np.empty(len(names), dtype=np.int64)
    for group, part in zip(order, dealt, strict=True):
        part_of[members[group]] = part
    chosen = {part: np.flatnonzero(part_of == number) for number, part in enumerate(parts)}
    if labels.ndim == 1 and len(np.unique(labels[chosen[parts[0]]])) < len(np.unique(labels)):
        raise DataError(
            f"{len(names)} images in {len(members)} groups are too few to give {parts[0]} some of "
            f"each of {len(np.unique(labels))} classes and {', '.join(parts[1:])} at least one; "
            f"add images"
        )
    lines = sorted(f"{name}\t{parts[part_of[i]]}" for i, name in enumerate(names))
    description = {
        "rule": f"fixed by the data: {'by image' if ids is None else 'by patient'}, "
        f"stratified by {'finding' if labels.ndim == 2 else 'class'}",
        "seed": seed,
        "fractions": dict(fractions),
        "images": {part: len(chosen[part]) for part in parts},
        "patients": None
        if ids is None
        else {part: int((dealt == number).sum()) for number, part in enumerate(parts)},
        "sha256": _hash("\n".join(lines)),
    }
    return chosen, description


def split_dataset(
    dataset: Dataset, fractions: Mapping[str, float] = FRACTIONS, split_by: str = SPLIT_BY[0]
) -> tuple[dict[str, Dataset], dict[str, Any]]:
    """Divide a data set whose images have names, as `fixed_split` says.

    Parameters
    ----------
    dataset
        The images, with ``names``.
    fractions
        The share of each part.
    split_by
        ``"patient"`` keeps the images of a patient together, where ``ids`` tell; ``"image"``
        deals out each image by itself.

    Returns
    -------
    parts, description
        The parts as data sets of their own, and what `fixed_split` says about them.
    """
    assert dataset.names is not None
    ids = dataset.ids if split_by == "patient" else None
    chosen, description = fixed_split(dataset.names, dataset.labels, ids, fractions)
    return {part: dataset.subset(index) for part, index in chosen.items()}, description


def shared_ids(ids: Mapping[str, NDArray | None]) -> list[str]:
    """Say in sentences which parts have patients in common, for a split that was given."""
    sentences = []
    parts = [part for part in ids if ids[part] is not None]
    for position, first in enumerate(parts):
        for second in parts[position + 1 :]:
            common = np.intersect1d(np.asarray(ids[first]), np.asarray(ids[second]))
            if len(common):
                number = len(common)
                names = f"{count_of(number, 'patient name')} {verb(number, 'occurs', 'occur')}"
                sentences.append(
                    f"{names} in both {first} and {second} (the first is {common[0]}): if they "
                    f"are the same people, the scores are optimistic."
                )
    return sentences


def _deal(counts: NDArray, images: NDArray, share: NDArray) -> NDArray[np.int64]:
    """Assign each group, given in the order that breaks ties, to one part: (G,)."""
    patients = np.ones_like(images)
    columns = np.column_stack([counts, images, patients]).astype(np.float64)  # (G, K)
    weights = columns / np.maximum(columns.sum(axis=0), 1)  # (G, K) of all there is
    labels = counts.shape[1]
    matters = np.array([1.0] * labels + [labels / 2, labels / 2])  # (K,)
    wanted = np.repeat(share[:, None], weights.shape[1], axis=1)  # (P, K)
    dealt = np.empty(len(weights), dtype=np.int64)
    # Rounded here and below, so that no last bit decides differently on another processor.
    largest_first = np.argsort(-np.round(weights.max(axis=1), 9), kind="stable")
    for group in largest_first:
        weight = weights[group]
        fall = wanted**2 - (wanted - weight) ** 2  # (P, K)
        part = int(np.round((matters * fall).sum(axis=1) / share, 9).argmax())
        dealt[group] = part
        wanted[part] -= weight
    return dealt


def _fill_empty(dealt: NDArray[np.int64], counts: NDArray, parts: int) -> None:
    """Give each empty part one group of the largest part, if possible no class's last one."""
    for part in range(parts):
        if (dealt == part).any():
            continue
        largest = int(np.bincount(dealt, minlength=parts).argmax())
        donors = np.flatnonzero(dealt == largest)
        total = counts[donors].sum(axis=0)  # (K,)
        spare = [g for g in donors if ((total - counts[g] > 0) | (counts[g] == 0)).all()]
        dealt[spare[-1] if spare else donors[-1]] = part


def _marks(labels: NDArray) -> NDArray[np.int64]:
    """Return one column per label; several-label data get one more for "none of them"."""
    if labels.ndim == 1:
        return (labels[:, None] == np.unique(labels)).astype(np.int64)  # (N, K)
    none = ~labels.any(axis=1, keepdims=True)  # (N, 1)
    return np.concatenate([labels.astype(np.int64), none], axis=1)  # (N, L + 1)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(
    names: Sequence[str], groups: Sequence[str], labels: NDArray, fractions: Mapping[str, float]
) -> None:
    if not len(names) == len(groups) == len(labels):
        raise ArgumentError(
            f"names has {len(names)} entries, ids {len(groups)} and labels {len(labels)}; "
            f"expected as many of each"
        )
    if len(set(names)) != len(names):
        raise ArgumentError("names holds a name twice; each image needs its own")
    if abs(sum(fractions.values()) - 1) > 1e-9 or min(fractions.values()) <= 0:
        raise ArgumentError(f"fractions is {dict(fractions)}; expected positive shares adding to 1")
