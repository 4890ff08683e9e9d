"""Whether a split keeps its promise, that nothing judged on was learned from.

Three questions, for each two parts: which images occur in both, exactly or nearly; which
patients do; and does each part hold the classes in the same shares as the others?
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data.dataset import PARTS, Dataset, Splits
from minicnn.data.duplicates import NEAR, check_near, digests, nearest
from minicnn.data.progress import Progress, reporting
from minicnn.data.splits import fixed_split

# Two-sided one in a thousand: with 14 findings in three parts chance alone says so rarely.
STRIKING = 3.29
CLOSEST = 24


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two images in two parts, the earlier part first.

    ``first`` and ``second`` are numbers within their parts; ``similarity`` is that of
    `minicnn.data.duplicates`.
    """

    parts: tuple[str, str]
    first: int
    second: int
    similarity: float
    exact: bool


@dataclasses.dataclass(frozen=True)
class Shared:
    """What two parts have in common.

    ``exact`` and ``near`` count images of the second part with a twin in the first;
    ``patients`` those in both parts, and ``images`` the images of the second part that are of
    such patients, None where patients are unknown.
    """

    exact: int
    near: int
    patients: int | None
    images: int | None


@dataclasses.dataclass(frozen=True)
class Audit:
    """What `audit` found.

    Parameters
    ----------
    splits
        What was looked at.
    near
        The similarity from which two images count as near duplicates.
    pairs
        The duplicates across parts, most similar first: for each image of a later part its
        nearest one in each earlier part.
    closest
        The most similar pairs, duplicates or not, to judge the threshold by.
    shared
        For each two parts what they have in common.
    by_image
        For each two parts how many patients they would share if the images had been dealt out
        without regard to patients; None where patients are unknown.
    repeats
        For each part the number of images identical to one before them in the same part.
    balance
        For each part and class the share of images (or of images with the finding), and
        how many standard errors that is from the share in the other parts.
    """

    splits: Splits
    near: float
    pairs: list[Pair]
    closest: list[Pair]
    shared: dict[tuple[str, str], Shared]
    by_image: dict[tuple[str, str], int] | None
    repeats: dict[str, int]
    balance: dict[str, dict[str, tuple[float, float]]]

    @property
    def leaks(self) -> bool:
        """Whether a part that judges shares images or patients with one before it."""
        return any(s.exact or s.near or s.patients for s in self.shared.values())

    def striking(self) -> list[tuple[str, str, float, float]]:
        """Return part, class, share and standard errors where a share is hardly chance."""
        return [
            (part, name, share, z)
            for part, row in self.balance.items()
            for name, (share, z) in row.items()
            if abs(z) > STRIKING
        ]

    def describe(self, pair: Pair) -> dict[str, Any]:
        """Return a pair with names, patients and labels, as JSON values."""
        sides = []
        for part, number in zip(pair.parts, (pair.first, pair.second), strict=True):
            dataset = self.splits.part(part)
            sides.append(
                {
                    "part": part,
                    "index": number,
                    "name": None if dataset.names is None else str(dataset.names[number]),
                    "patient": None if dataset.ids is None else str(dataset.ids[number]),
                    "labels": labels_of(dataset, number),
                }
            )
        return {"similarity": round(pair.similarity, 4), "exact": pair.exact, "images": sides}

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "data": self.splits.name,
            "images": self.splits.sizes,
            "split": self.splits.split.get("rule"),
            "leaks": self.leaks,
            "near": self.near,
            "shared": {"-".join(k): dataclasses.asdict(v) for k, v in self.shared.items()},
            "patients_shared_if_split_by_image": None
            if self.by_image is None
            else {"-".join(k): v for k, v in self.by_image.items()},
            "identical_within": self.repeats,
            "balance": {
                part: {
                    name: {"share": share, "standard_errors": z} for name, (share, z) in row.items()
                }
                for part, row in self.balance.items()
            },
            "pairs": [self.describe(pair) for pair in self.pairs],
            "closest": [self.describe(pair) for pair in self.closest],
        }


def audit(splits: Splits, near: float = NEAR, progress: Progress = False) -> Audit:
    """Look for what train, val and test have in common.

    Parameters
    ----------
    splits
        The data.
    near
        Similarity above 0, at most 1, from which two images are called near duplicates.
    progress
        True for a bar, or a callable ``progress(done, total)``.

    Raises
    ------
    ArgumentError
        If ``near`` is out of range.
    """
    near = check_near(near)
    shared: dict[tuple[str, str], Shared] = {}
    pairs: list[Pair] = []
    rest: list[Pair] = []
    couples = list(itertools.combinations(PARTS, 2))
    total = sum(len(splits.part(later)) for _, later in couples)
    with reporting(progress, total, f"comparing {splits.name}", "images") as advance:
        for couple in couples:
            earlier, later = (splits.part(part) for part in couple)
            found = nearest(later.images, earlier.images, advance)
            twin = found.exact | (found.similarity >= near)
            # Enough of the others to see what the threshold keeps apart.
            order = np.argsort(-found.similarity, kind="stable")
            for number in order[: max(CLOSEST, int(twin.sum()))].tolist():
                pair = Pair(
                    couple,
                    int(found.index[number]),
                    number,
                    float(found.similarity[number]),
                    bool(found.exact[number]),
                )
                (pairs if twin[number] else rest).append(pair)
            patients, images = _patients(earlier, later)
            exact = int(found.exact.sum())
            shared[couple] = Shared(exact, int(twin.sum()) - exact, patients, images)
    for those in (pairs, rest):
        those.sort(key=lambda pair: (not pair.exact, -pair.similarity))
    return Audit(
        splits,
        near,
        pairs,
        [*pairs, *rest][:CLOSEST],
        shared,
        _dealt_by_image(splits, couples),
        {part: _repeats(splits.part(part)) for part in PARTS},
        {part: _balance(splits, part) for part in PARTS},
    )


def labels_of(dataset: Dataset, number: int) -> list[str]:
    """Name the class of an image, or its findings."""
    if not dataset.multilabel:
        return [dataset.classes[int(dataset.labels[number])]]
    return [dataset.classes[k] for k in np.flatnonzero(dataset.labels[number])]


def _repeats(dataset: Dataset) -> int:
    return len(dataset) - len(set(digests(dataset.images)))


def _patients(earlier: Dataset, later: Dataset) -> tuple[int | None, int | None]:
    if earlier.ids is None or later.ids is None:
        return None, None
    common = np.intersect1d(earlier.ids, later.ids)
    return len(common), int(np.isin(later.ids, common).sum())


def _dealt_by_image(
    splits: Splits, couples: list[tuple[str, str]]
) -> dict[tuple[str, str], int] | None:
    """Count the patients on two sides if images were dealt out without regard to patients."""
    everything = splits.part("all")
    if everything.ids is None:
        return None
    shares = splits.split.get("fractions", {})
    if set(shares) != set(PARTS):
        shares = {part: count / len(everything) for part, count in splits.sizes.items()}
    names = everything.names
    if names is None or len(np.unique(names)) < len(names):
        names = np.arange(len(everything)).astype(np.str_)
    parts, _ = fixed_split(names, everything.labels, None, shares)
    ids = {part: set(everything.ids[index].tolist()) for part, index in parts.items()}
    return {(first, second): len(ids[first] & ids[second]) for first, second in couples}


def _balance(splits: Splits, part: str) -> dict[str, tuple[float, float]]:
    """Compare the share of each class in a part with that in the others (two proportions)."""
    here = splits.part(part)
    counts, size = here.class_counts(), len(here)
    total: NDArray = sum(splits.part(other).class_counts() for other in PARTS)  # type: ignore
    everything = sum(splits.sizes.values())
    row = {}
    for name, count, whole in zip(splits.classes, counts.tolist(), total.tolist(), strict=True):
        pooled, elsewhere = whole / everything, everything - size
        error = math.sqrt(pooled * (1 - pooled) * (1 / size + 1 / elsewhere))
        gap = count / size - (whole - count) / elsewhere
        row[name] = (count / size, gap / error if error else 0.0)
    return row
