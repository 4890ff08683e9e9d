"""Read a folder of class folders with images."""

from __future__ import annotations

import collections
import dataclasses
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.data.dataset import PARTS, Dataset, Splits
from minicnn.data.decode import decode_images
from minicnn.data.image import SUFFIXES
from minicnn.data.patients import find_patients
from minicnn.data.progress import Progress
from minicnn.data.splits import VAL_FROM_TRAIN, shared_ids, split_dataset
from minicnn.data.wording import count_of, verb
from minicnn.errors import DataError

DEFAULT_SIZE = 64
# Files that are no images, before one asks whether this is a folder of images at all.
PATIENCE = 100_000
PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def read_folder(
    path: str | Path,
    *,
    size: int = DEFAULT_SIZE,
    channels: int | None = None,
    id_pattern: str | None = None,
    split_by: str = "patient",
    progress: Progress = False,
) -> Splits:
    """Read ``path/class/image``, or ``path/{train,val,test}/class/image``.

    Class folders are searched to any depth; hidden folders are passed over. Classes sort
    alphabetically, so of two the second is the positive one. Without train and test folders
    the data decide the split (see `minicnn.data.splits`), by patient where patients are
    known; without a val folder val is cut from train. Decoded images are cached.

    Parameters
    ----------
    path
        The folder.
    size
        Height and width to which images are brought (see `minicnn.data.image`).
    channels
        1 for grey, 3 for RGB, None for grey unless a sample of the images shows colour.
    id_pattern
        A regular expression whose one group is the patient, searched for in the path below
        the class folder. None tries the patterns in `minicnn.data.patients`.
    split_by
        ``"patient"`` or ``"image"``, as in `minicnn.data.load`.
    progress
        True for a bar, or a callable ``progress(done, total)``.

    Raises
    ------
    DataError
        If there are no class folders, fewer than two classes with images, or a class with
        none that can be read. Single unreadable images are skipped and named in ``notes``.
    ArgumentError
        If ``size``, ``channels`` or ``id_pattern`` is wrong.
    """
    root = Path(path)
    found = _find_images(root)
    entries, notes = found.entries, found.notes
    decoded = decode_images(root, [entry.path for entry in entries], size, channels, progress)
    kept = [entries[i] for i in decoded.kept]
    notes += decoded.note()
    if channels is None and decoded.images.shape[1] == 3:
        notes.append("The images are read in colour, because a sample of them shows some.")

    lost = sorted({entry.label for entry in entries} - {entry.label for entry in kept})
    if lost:
        raise DataError(
            f"no image of class {lost[0]!r} in {root} can be read. {' '.join(decoded.note())} "
            f"Mend the files or remove the class folder"
        )
    classes = tuple(sorted({entry.label for entry in kept}))
    number = {name: i for i, name in enumerate(classes)}
    patients = find_patients([entry.below for entry in kept], id_pattern)
    if patients.note:
        notes.append(patients.note)
    everything = Dataset(
        decoded.images,
        np.array([number[entry.label] for entry in kept], dtype=np.int64),
        classes,
        patients.ids,
        np.array([_clean(entry.path) for entry in kept]),
    )
    parts, split = _split(everything, [entry.part for entry in kept], root, split_by, notes)
    if decoded.skipped:
        split["skipped"] = [{"name": _clean(n), "reason": why} for n, why in decoded.skipped]
    return Splits(
        **parts,
        name=root.resolve().name,
        credit=patients.credit,
        notes=tuple(notes),
        split=split,
    )


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One image file: its part (or none), class, path below the root and below the class."""

    part: str | None
    label: str
    path: str
    below: str


@dataclasses.dataclass
class _Found:
    entries: list[_Entry]
    notes: list[str]


def _find_images(root: Path) -> _Found:
    folders = _subfolders(root)
    parts = {name: PART_NAMES.get(name.lower()) for name in folders}
    split = "train" in parts.values() and any(
        _subfolders(root / name) for name, part in parts.items() if part == "train"
    )
    found = _Found([], [])
    others: collections.Counter[str] = collections.Counter()
    empty: list[str] = []
    for name in folders:
        if not split:
            _find_class(root, None, name, name, found, others, empty)
        elif parts[name]:
            for label in _subfolders(root / name):
                _find_class(root, parts[name], label, f"{name}/{label}", found, others, empty)
        else:
            found.notes.append(f"The folder {name} beside train and test was passed over.")
    _check_classes(root, found, split, empty)
    if empty:
        found.notes.append(f"Class folders without images were passed over: {', '.join(empty)}.")
    if others:
        kinds = ", ".join(sorted(others)[:5])
        number = others.total()
        found.notes.append(
            f"{count_of(number, 'file')} "
            f"{verb(number, 'is no image by its name', 'are no images by their names')} "
            f"and {verb(number, 'was', 'were')} passed over ({kinds})."
        )
    return found


def _find_class(
    root: Path,
    part: str | None,
    label: str,
    folder: str,
    found: _Found,
    others: collections.Counter[str],
    empty: list[str],
) -> None:
    images = []
    for below in _walk(root / folder):
        suffix = Path(below).suffix.lower()
        if suffix in SUFFIXES:
            images.append(below)
        else:
            others[suffix or "no suffix"] += 1
            _refuse_endless(root, others.total(), len(found.entries) + len(images))
    images.sort()
    if not images:
        empty.append(_clean(folder))
    found.entries += [_Entry(part, _clean(label), f"{folder}/{below}", below) for below in images]


def _refuse_endless(root: Path, others: int, images: int) -> None:
    """Stop before the whole disk is walked, because somebody named a folder too far up."""
    if others > PATIENCE and others > 10 * images:
        raise DataError(
            f"{root} is no folder of images: among its first {others + images:,} files "
            f"{images:,} {verb(images, 'is an image', 'are images')} by name; give the folder "
            f"that holds the class folders"
        )


def _check_classes(root: Path, found: _Found, split: bool, empty: Sequence[str]) -> None:
    layout = f"expected one folder of images per class, as in {root.name}/NORMAL/a.png"
    if not found.entries:
        loose = any(Path(entry.name).suffix.lower() in SUFFIXES for entry in _list(root))
        where = "has images but no class folders" if loose else "holds no images"
        raise DataError(f"{root} {where}; {layout}")
    classes = sorted({entry.label for entry in found.entries})
    if len(classes) < 2:
        without = f" ({', '.join(empty)} without images)" if empty else ""
        raise DataError(f"{root} holds one class, {classes[0]!r}{without}; {layout}, two or more")
    if not split:
        return
    labels = {part: {e.label for e in found.entries if e.part == part} for part in PARTS}
    if not labels["test"]:
        raise DataError(
            f"{root} has images in train but none in test; add {root.name}/test/CLASS/, or put the "
            f"class folders straight into {root.name} to have them split"
        )
    unknown = sorted((labels["val"] | labels["test"]) - labels["train"])
    if unknown:
        raise DataError(
            f"{root} has no train images of class {unknown[0]!r}, which occurs in val or test; "
            f"each class needs some"
        )


def _split(
    everything: Dataset,
    given: Sequence[str | None],
    root: Path,
    split_by: str,
    notes: list[str],
) -> tuple[dict[str, Dataset], dict[str, Any]]:
    if given[0] is None:
        parts, split = split_dataset(everything, split_by=split_by)
        notes += shared_ids({part: parts[part].ids for part in PARTS})
        return parts, split
    where = np.array(given)
    parts = {part: everything.subset(where == part) for part in PARTS}
    for part in ("train", "test"):
        if not len(parts[part]):
            raise DataError(f"no image in the {part} folder of {root} can be read; mend the files")
    split = {"rule": "as given by the folders"}
    if not len(parts["val"]):
        cut, split = split_dataset(parts["train"], VAL_FROM_TRAIN, split_by)
        split["rule"] = f"train and test as given by the folders, val from train {split['rule']}"
        parts |= cut
        number = count_of(len(parts["val"]), "image")
        notes.append(f"There is no val folder: {number} of train became val.")
    split["images"] = {part: len(parts[part]) for part in PARTS}
    notes += shared_ids({part: parts[part].ids for part in PARTS})
    return parts, split


def _walk(folder: Path) -> Iterator[str]:
    """Yield the files below a folder; each real folder once, so links cannot loop."""
    seen: set[Path] = set()
    todo = [(folder, "")]
    while todo:
        here, prefix = todo.pop()
        real = here.resolve()
        if real in seen:
            continue
        seen.add(real)
        for entry in _list(here):
            if entry.is_dir():
                todo.append((here / entry.name, f"{prefix}{entry.name}/"))
            elif entry.is_file() or entry.is_symlink():  # a dangling link is reported later
                yield prefix + entry.name


def _subfolders(folder: Path) -> list[str]:
    return [entry.name for entry in _list(folder) if entry.is_dir()]


def _list(folder: Path) -> list[os.DirEntry[str]]:
    """List what is in a folder, sorted, without hidden files and those of macOS archives."""
    try:
        with os.scandir(folder) as entries:
            shown = [e for e in entries if not e.name.startswith(".") and e.name != "__MACOSX"]
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    return sorted(shown, key=lambda entry: entry.name)


def _clean(name: str) -> str:
    """Spell a name the same on every system: macOS writes accents as separate characters."""
    # Bytes that are no UTF-8 reach Python as lone surrogates, which no file could hold again.
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace").decode()
