"""The data one may look at while choosing: train and val, and never test.

Whatever is chosen by its score on some images fits these images a little. Test images tell
the truth once, at the end; a search that never holds them cannot spend them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np

from minicnn.data import registry
from minicnn.data.cache import fetch_file
from minicnn.data.dataset import Dataset
from minicnn.data.load import load
from minicnn.data.progress import Progress
from minicnn.errors import ArgumentError


@dataclasses.dataclass(frozen=True, eq=False)
class Development:
    """The two parts, what the data set is called, and sentences a user must hear."""

    train: Dataset
    val: Dataset
    name: str
    notes: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Return the SHA-256 of all images and labels with their shapes and class names."""
        digest = hashlib.sha256(repr(self.train.classes).encode())
        for part, dataset in (("train", self.train), ("val", self.val)):
            for array in (dataset.images, dataset.labels):
                digest.update(f"{part} {array.shape} {array.dtype}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def load_development(
    spec: str,
    *,
    size: int | None = None,
    id_pattern: str | None = None,
    split_by: str | None = None,
    progress: Progress = False,
) -> Development:
    """Load train and val as `minicnn.data.load` would.

    The test arrays of an ``.npz`` file are not read at all. Which images of a folder are for
    testing depends on which of them can be read, so there they are decoded, and dropped in
    here.

    Parameters
    ----------
    spec, size, id_pattern, split_by, progress
        As for `minicnn.data.load`.

    Raises
    ------
    DataError, DownloadError, ArgumentError
        As from `minicnn.data.load`.
    """
    from minicnn.data.medmnist import read_parts

    registered = registry.find(spec, size)
    if registered is not None and not registered.family.generated:
        path = fetch_file(registered.file, progress=progress)
        family = registered.family
        parts, _, notes = read_parts(path, ("train", "val"), family.classes)
        _refuse(spec, id_pattern, split_by)
        return Development(**parts, name=registered.name, notes=(*family.notes, *notes))
    path = Path(os.fspath(spec)).expanduser()
    if registered is None and path.suffix.lower() == ".npz" and path.is_file():
        _refuse(spec, id_pattern, split_by)
        parts, _, notes = read_parts(path, ("train", "val"))
        if size is not None and parts["train"].image_shape[1:] != (size, size):
            raise ArgumentError(
                f"size is {size} but {path} holds images of "
                f"{'x'.join(map(str, parts['train'].image_shape[1:]))}; leave size out"
            )
        return Development(**parts, name=path.stem, notes=tuple(notes))
    splits = load(spec, size=size, id_pattern=id_pattern, split_by=split_by, progress=progress)
    return Development(splits.train, splits.val, splits.name, splits.notes)


def _refuse(spec: str, id_pattern: str | None, split_by: str | None) -> None:
    for name, value in (("id_pattern", id_pattern), ("split_by", split_by)):
        if value is not None:
            raise ArgumentError(
                f"{name} is {value!r} but does not apply here: {spec} brings its own split; "
                f"leave it out"
            )
