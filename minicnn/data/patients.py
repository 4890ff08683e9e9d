"""Whose image a file is, told from its name."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.data.wording import count_of, verb
from minicnn.errors import ArgumentError, DataError


@dataclasses.dataclass(frozen=True)
class Naming:
    """A known way of naming files; the group in ``pattern`` is the patient."""

    pattern: str
    credit: str


_KERMANY = (
    "File names as in the chest X-rays of Kermany et al., Cell 2018, Mendeley Data rscbjbr9sj, "
    "licence CC BY 4.0."
)
_NIH = (
    "File names as in NIH ChestX-ray14, provided by the NIH Clinical Center, Wang et al., CVPR "
    "2017."
)

# The two numberings of Kermany's normal images, IM-0383 and NORMAL2-IM-0383, overlap. Whether
# they mean the same child is not said; taken as the same, nobody can end up on two sides.
KNOWN_NAMES = (
    Naming(r"(person\d+)_(?:bacteria|virus)_\d+(?:_\d+)*", _KERMANY),
    Naming(r"(?:NORMAL2-)?(IM-\d+)(?:-\d+)+", _KERMANY),
    Naming(r"(?:NORMAL|BACTERIA|VIRUS)-(\d+)-\d+", _KERMANY),
    Naming(r"(\d{8})_\d{3}", _NIH),
)


@dataclasses.dataclass(frozen=True)
class Patients:
    """The patients of a list of files.

    ``ids`` (N,) is None where no pattern is known; ``note`` says how they were found, in a
    sentence or not at all; ``credit`` whose data such names point to.
    """

    ids: NDArray | None
    note: str = ""
    credit: str = ""


def find_patients(names: Sequence[str], id_pattern: str | None = None) -> Patients:
    """Tell patients from file names.

    An image whose name does not match counts as its own patient. A patient may have images
    in several classes.

    Parameters
    ----------
    names
        Paths below the class folder, with forward slashes: ``"a.png"``, ``"p7/b.png"``.
    id_pattern
        A regular expression with one group, the patient; searched for anywhere in the
        name. None tries the known patterns, which must fit at least half of the names.

    Raises
    ------
    ArgumentError
        If ``id_pattern`` is no regular expression with exactly one group.
    DataError
        If it matches no name at all.
    """
    if id_pattern is not None:
        search = _compile(id_pattern).search
        found = [match[1] if (match := search(name)) else None for name in names]
        if not any(found):
            raise DataError(
                f"id_pattern {id_pattern!r} matches none of {len(names)} file names, such as "
                f"{names[0]!r}; its group must be the patient"
            )
        return Patients(_fill(names, found), _note(names, found, f"by {id_pattern!r}"))
    credits = []
    found = [None] * len(names)
    for naming in KNOWN_NAMES:
        match_whole = re.compile(naming.pattern, re.ASCII).fullmatch
        hits = [match_whole(name.rpartition("/")[2].rpartition(".")[0]) for name in names]
        if any(hits):
            credits.append(naming.credit)
        found = [old or (hit[1] if hit else None) for old, hit in zip(found, hits, strict=True)]
    if 2 * sum(one is not None for one in found) < len(names):
        return Patients(None)
    return Patients(
        _fill(names, found),
        _note(names, found, "by a known pattern"),
        " ".join(dict.fromkeys(credits)),
    )


def _compile(id_pattern: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(id_pattern)
    except (re.error, TypeError) as error:
        raise ArgumentError(
            f"id_pattern {id_pattern!r} is no regular expression: {error}; "
            f"an example is '^(patient[0-9]+)_'"
        ) from error
    if pattern.groups != 1:
        raise ArgumentError(
            f"id_pattern {id_pattern!r} has {pattern.groups} groups; put exactly the patient in "
            f"round brackets, as in '^(patient[0-9]+)_'"
        )
    return pattern


def _fill(names: Sequence[str], found: Sequence[str | None]) -> NDArray:
    # A slash cannot occur in a file's own name, so this clashes with no patient.
    return np.array([one or f"/{name}" for name, one in zip(names, found, strict=True)])


def _note(names: Sequence[str], found: Sequence[str | None], how: str) -> str:
    known = [one for one in found if one]
    patients = len(set(known))
    were = verb(patients, "was", "were")
    sentence = f"{count_of(patients, 'patient')} {were} told from the file names {how}"
    unknown = len(names) - len(known)
    if unknown:
        do = verb(unknown, "does not fit and counts", "do not fit and count")
        sentence += f"; {count_of(unknown, 'name')} {do} as a patient each"
    return sentence + "."
