"""One door to all data: a name, a file or a folder becomes train, val and test."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from minicnn.arguments import check_count
from minicnn.data import registry
from minicnn.data.cache import fetch_file
from minicnn.data.dataset import PARTS, Splits
from minicnn.data.progress import Progress
from minicnn.data.registry import Registered
from minicnn.errors import ArgumentError, DataError


def load(
    spec: str | os.PathLike[str],
    *,
    size: int | None = None,
    id_pattern: str | None = None,
    split_by: str | None = None,
    count: int | None = None,
    progress: Progress = False,
) -> Splits:
    """Load a data set.

    Parameters
    ----------
    spec
        A registered name (``"phantom"``, ``"pneumoniamnist-64"``, ... see
        `minicnn.data.registry`), an ``.npz`` file in MedMNIST format, a folder of class
        folders with images, or a folder in NIH layout. A name goes before a file or folder
        that is called the same; ``./phantom`` means the folder.
    size
        Height and width. Folders are brought to any size, 64 unless told; registered sets
        come in the sizes they offer, 28 unless told; an ``.npz`` has the size it has.
    id_pattern
        For a folder of class folders: a regular expression whose one group is the patient.
    split_by
        For folders that bring no split: ``"patient"``, the default, keeps the images of a
        patient together; ``"image"`` deals out each image by itself, so that the same
        patients are learned from and judged on. It exists to measure what that hides.
    count
        For the phantoms: how many in all parts together.
    progress
        True for a bar on stderr while it downloads, decodes or draws, or a callable
        ``progress(done, total)``.

    Returns
    -------
    Splits
        ``train``, ``val`` and ``test``, with credit, notes and how the split came about.

    Raises
    ------
    DataError
        If there is no such data set, or it is damaged, malformed or contradicts itself.
    DownloadError
        If it must be downloaded and cannot be.
    ArgumentError
        If an option does not suit this kind of data, or is out of range.
    """
    if not isinstance(spec, str | os.PathLike):
        raise ArgumentError(f"spec is {spec!r}; expected the name of a data set or a path")
    if size is not None:
        size = check_count("size", size)
    text = os.fspath(spec)
    registered = None if isinstance(spec, os.PathLike) else registry.find(text, size)
    if registered is not None:
        _refuse("id_pattern", id_pattern, f"{text} brings its own split")
        _refuse("split_by", split_by, f"{text} brings its own split")
        if registered.family.generated:
            from minicnn.data.phantom_splits import draw_splits

            return draw_splits(registered, count, progress)
        _refuse("count", count, "only the phantoms can be drawn in any number")
        return _load_registered(registered, progress)
    _refuse("count", count, "only the phantoms can be drawn in any number")
    path = Path(text).expanduser()
    if not text or not path.exists():
        raise _missing(text, path)
    if path.is_dir():
        return _load_folder(path, size, id_pattern, split_by, progress)
    _refuse("id_pattern", id_pattern, "it is for folders of class folders")
    _refuse("split_by", split_by, f"{path.name} brings its own split")
    return _load_npz(path, size)


def _load_registered(registered: Registered, progress: Progress) -> Splits:
    from minicnn.data.medmnist import read_npz

    family = registered.family
    return read_npz(
        fetch_file(registered.file, progress=progress),
        classes=family.classes,
        name=registered.name,
        credit=family.credit,
        notes=family.notes,
    )


def _load_folder(
    path: Path,
    size: int | None,
    id_pattern: str | None,
    split_by: str | None,
    progress: Progress,
) -> Splits:
    from minicnn.data import folder, nih
    from minicnn.data.splits import SPLIT_BY

    if split_by is None:
        split_by = SPLIT_BY[0]
    elif split_by not in SPLIT_BY:
        raise ArgumentError(f"split_by is {split_by!r}; expected {' or '.join(SPLIT_BY)}")

    if nih.is_nih(path):
        _refuse("id_pattern", id_pattern, f"{path} names the patients in its table")
        return nih.read_nih(
            path,
            size=nih.DEFAULT_SIZE if size is None else size,
            split_by=split_by,
            progress=progress,
        )
    return folder.read_folder(
        path,
        size=folder.DEFAULT_SIZE if size is None else size,
        id_pattern=id_pattern,
        split_by=split_by,
        progress=progress,
    )


def _load_npz(path: Path, size: int | None) -> Splits:
    from minicnn.data.medmnist import read_npz

    if path.suffix.lower() != ".npz":
        raise DataError(
            f"{path} is a file of kind {path.suffix or 'unknown'!r}; expected an .npz file in "
            f"MedMNIST format, or a folder of images"
        )
    splits = _name_by_file(read_npz(path), path)
    _, height, width = splits.image_shape
    if size is not None and (height, width) != (size, size):
        raise ArgumentError(
            f"size is {size} but {path} holds images of {height}x{width}; leave size out, or "
            f"give the original image files in class folders, which are brought to any size"
        )
    return splits


def _name_by_file(splits: Splits, path: Path) -> Splits:
    """Give a nameless copy or part of a registered set, told by its file name, its class names."""
    family = registry.family_of_file(path.stem)
    nameless = splits.classes == tuple(map(str, range(len(splits.classes))))
    if (
        family is None
        or not nameless
        or len(family.classes) != len(splits.classes)
        or family.multilabel != splits.multilabel
    ):
        return splits
    train, val, test = (
        dataclasses.replace(splits.part(part), classes=family.classes) for part in PARTS
    )
    guess = f"The name of {path.name} points to {family.name}: classes and credit are its."
    return dataclasses.replace(
        splits,
        train=train,
        val=val,
        test=test,
        credit=family.credit,
        notes=(*splits.notes, guess),
    )


def _refuse(option: str, value: object, why: str) -> None:
    if value is not None:
        raise ArgumentError(f"{option} is {value!r} but does not apply here: {why}; leave it out")


def _missing(text: str, path: Path) -> DataError:
    looks_like_path = path.suffix or len(path.parts) > 1 or text.startswith((".", "~"))
    if text and looks_like_path:
        return DataError(
            f"{text!r} does not exist (looked for {path.absolute()}); give an .npz file, a folder "
            f"of images, or one of {', '.join(registry.FAMILIES)}"
        )
    return registry.unknown_name(text)
