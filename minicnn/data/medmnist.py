"""Read an .npz file in MedMNIST format: {train,val,test}_{images,labels}."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.data.dataset import IMAGE_DTYPES, PARTS, Dataset, Splits
from minicnn.data.splits import VAL_FROM_TRAIN, fixed_split
from minicnn.data.wording import verb
from minicnn.errors import DataError, DtypeError, ShapeError

# X-rays shrink two- to threefold in a zip; a file that grows a hundredfold to gigabytes
# is a bomb or a mistake.
LARGE = 2 << 30  # bytes
EXPANSION = 100


def read_npz(
    path: str | Path,
    *,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    credit: str = "",
    notes: Sequence[str] = (),
) -> Splits:
    """Read a data set in MedMNIST format.

    Images are (N, H, W) or (N, H, W, C), uint8 (floats are taken as they are); labels are
    (N,) or (N, 1) class numbers, or (N, L) zeros and ones. Where val is missing it is cut
    from train, the same way each time. The file may name its classes in an array
    ``classes``. Nothing is ever unpickled.

    Parameters
    ----------
    path
        The file.
    classes
        Names of the classes or findings; None takes the file's own, or "0", "1", ...
    name, credit, notes
        Passed on to `Splits`.

    Raises
    ------
    DataError, DtypeError, ShapeError
        If the file is no npz, is cut short, lacks arrays, or they do not fit together.
        Shapes and dtypes are checked before the pixels are read.
    """
    path = Path(path)
    datasets, split, found = read_parts(path, classes=classes)
    split["images"] = {part: len(datasets[part]) for part in PARTS}
    return Splits(
        **datasets,
        name=name or path.stem,
        credit=credit,
        notes=(*notes, *found),
        split=split,
    )


def read_parts(
    path: Path, parts: Sequence[str] = PARTS, classes: Sequence[str] | None = None
) -> tuple[dict[str, Dataset], dict[str, Any], list[str]]:
    """Read some parts of a file, as `read_npz` does; the arrays of the others stay unread.

    Returns
    -------
    datasets, split, notes
        The parts by name, how the split came about, and what the user must hear.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            headers = _read_headers(path, archive)
            parts = [part for part in _find_parts(path, headers) if part in parts]
            for part in parts:
                _check_headers(path, part, headers)
            arrays = {
                key: _read_array(path, archive, key)
                for part in parts
                for key in (f"{part}_images", f"{part}_labels")
            }
            if classes is None and "classes" in headers:
                classes = _class_names(path, _read_array(path, archive, "classes"))
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path} cannot be read as an .npz file ({error}): it is cut short, damaged or of "
            f"another format; download or write it again"
        ) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error

    labels = {part: _squeeze(arrays[f"{part}_labels"]) for part in parts}
    names = _name_classes(path, labels, classes)
    datasets = {}
    for part in parts:
        try:
            datasets[part] = Dataset(_to_nchw(arrays[f"{part}_images"]), labels[part], names)
        except (DataError, ShapeError, DtypeError) as error:
            raise type(error)(f"{path}, {part} part: {error}") from error
    notes = []
    dtype = datasets["train"].images.dtype
    if dtype != np.uint8:
        notes.append(f"The pixels of {path.name} are {dtype}, not uint8 from 0 to 255.")
    split: dict[str, Any] = {"rule": "as given in the file"}
    if "val" not in datasets:
        datasets["train"], datasets["val"], split = _cut_val(datasets["train"])
        number = len(datasets["val"])
        notes.append(
            f"{path.name} has no val part: {number:,} of its train images "
            f"{verb(number, 'was', 'were')} taken for it, the same ones each time."
        )
    return datasets, split, notes


@dataclasses.dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _read_headers(path: Path, archive: zipfile.ZipFile) -> dict[str, _Header]:
    """Read the shape and dtype of every array, and see that the file really holds as much."""
    headers = {}
    for entry in archive.infolist():
        key = entry.filename.removesuffix(".npy")
        if key == entry.filename:
            continue
        header, start = _read_header(path, archive, entry)
        if header.dtype.hasobject:
            raise DataError(
                f"{path} holds Python objects in {key!r}; minicnn never unpickles. Save plain "
                f"arrays: uint8 images and integer labels"
            )
        # Python integers: a forged shape must not overflow.
        need = start + header.dtype.itemsize
        for length in header.shape:
            need = start + (need - start) * length
        if need != entry.file_size:
            raise DataError(
                f"{path} is damaged: {key!r} of shape {header.shape} and dtype {header.dtype} "
                f"needs {need:,} bytes but the file holds {entry.file_size:,}"
            )
        if need > LARGE and need > EXPANSION * max(entry.compress_size, 1):
            raise DataError(
                f"{path} would grow from {entry.compress_size / 1e6:,.1f} MB to "
                f"{need / 1e9:,.1f} GB in {key!r}, more than images do; it was not read"
            )
        headers[key] = header
    return headers


def _read_header(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo
) -> tuple[_Header, int]:
    try:
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                raise ValueError(f"array format {version}")
            shape, _, dtype = read(file)
            return _Header(shape, dtype), file.tell()
    except _READ_ERRORS as error:
        raise _unreadable(path, entry.filename.removesuffix(".npy"), error) from error


def _read_array(path: Path, archive: zipfile.ZipFile, key: str) -> NDArray:
    try:
        with archive.open(f"{key}.npy") as file:
            array: NDArray = np.lib.format.read_array(file, allow_pickle=False)
            return array
    except MemoryError as error:
        raise DataError(
            f"{path} needs more memory for {key!r} than this computer has; take smaller images"
        ) from error
    except _READ_ERRORS as error:
        raise _unreadable(path, key, error) from error


# RuntimeError: encrypted; NotImplementedError: a compression zipfile does not know.
_READ_ERRORS = (
    ValueError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    zipfile.BadZipFile,
    SyntaxError,
)


def _unreadable(path: Path, key: str, error: BaseException) -> DataError:
    return DataError(
        f"{path} is damaged: {key!r} cannot be read ({str(error) or type(error).__name__}); "
        f"download or write it again"
    )


def _find_parts(path: Path, headers: dict[str, _Header]) -> list[str]:
    wanted = [f"{part}_{what}" for part in PARTS for what in ("images", "labels")]
    missing = [key for key in wanted if key not in headers]
    if missing == ["val_images", "val_labels"]:
        return ["train", "test"]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)}; an .npz in MedMNIST format holds "
            f"{', '.join(wanted)}. This one holds {', '.join(sorted(headers)) or 'no arrays'}"
        )
    return list(PARTS)


def _check_headers(path: Path, part: str, headers: dict[str, _Header]) -> None:
    images, labels = headers[f"{part}_images"], headers[f"{part}_labels"]
    where = f"{path}: {part}_images"
    if images.dtype not in IMAGE_DTYPES:
        raise DtypeError(
            f"{where} has dtype {images.dtype}; expected uint8, pixels from 0 to 255 (float32 "
            f"and float64 are taken too)"
        )
    if len(images.shape) not in (3, 4):
        raise ShapeError(
            f"{where} has shape {images.shape}; expected (N, H, W), or (N, H, W, C) with colours"
        )
    if len(images.shape) == 4 and images.shape[3] not in (1, 3):
        turned = " It looks like (N, C, H, W): move the channels last" * (images.shape[1] in (1, 3))
        raise ShapeError(
            f"{where} has shape {images.shape}; expected (N, H, W, C) with 1 or 3 channels.{turned}"
        )
    if 0 in images.shape[1:]:
        raise ShapeError(
            f"{where} has shape {images.shape}: the images have no pixels; expected a height and "
            f"width of at least 1"
        )
    if not images.shape[0]:
        raise DataError(
            f"the {part} part of {path} holds no images; each of {', '.join(PARTS)} needs one"
        )
    where = f"{path}: {part}_labels"
    if labels.dtype.kind not in "iub":
        raise DtypeError(
            f"{where} has dtype {labels.dtype}; expected integers: a class number per image, or "
            f"zeros and ones"
        )
    if len(labels.shape) not in (1, 2) or 0 in labels.shape[1:]:
        raise ShapeError(f"{where} has shape {labels.shape}; expected (N, 1) or (N, findings)")
    if labels.shape[0] != images.shape[0]:
        raise ShapeError(
            f"{where} has {labels.shape[0]} rows but {part}_images has {images.shape[0]}; "
            f"expected one label row per image"
        )
    for what, mine, first in (
        ("image shape", images.shape[1:], headers["train_images"].shape[1:]),
        ("label shape", labels.shape[1:], headers["train_labels"].shape[1:]),
    ):
        if mine != first:
            raise ShapeError(
                f"{path}: the {what} of {part} is {mine} but that of train is {first}; "
                f"all parts must agree"
            )


def _squeeze(labels: NDArray) -> NDArray:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _to_nchw(images: NDArray) -> NDArray:
    if images.ndim == 3:
        return images[:, None]  # (N, 1, H, W)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # (N, C, H, W)


def _class_names(path: Path, classes: NDArray) -> list[str]:
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise DataError(
            f"{path}: classes has dtype {classes.dtype} and shape {classes.shape}; expected a row "
            f"of texts, one name per class"
        )
    return [str(name) for name in classes]


def _name_classes(
    path: Path, labels: dict[str, NDArray], classes: Sequence[str] | None
) -> tuple[str, ...]:
    if classes is not None:
        return tuple(classes)
    if labels["train"].ndim == 2:
        return tuple(str(number) for number in range(labels["train"].shape[1]))
    found = np.unique(labels["train"])
    # A class nobody can learn is a wrong label more often than a class.
    expected = np.arange(len(found))
    for part, values in labels.items():
        strange = np.setdiff1d(values, expected)
        if len(strange):
            raise DataError(
                f"{path}: {part}_labels holds {strange[0]}, which is out of range; train has "
                f"{len(found)} classes, so labels must be 0 .. {len(found) - 1}, each of them "
                f"occurring in train"
            )
    if len(found) < 2:
        raise DataError(
            f"{path}: train_labels holds {len(found)} class; a classifier needs at least two"
        )
    return tuple(str(number) for number in expected)


def _cut_val(train: Dataset) -> tuple[Dataset, Dataset, dict[str, Any]]:
    names = [f"{index:09d}" for index in range(len(train))]
    parts, split = fixed_split(names, train.labels, fractions=VAL_FROM_TRAIN)
    split["rule"] = f"train and test as given in the file, val from train {split['rule']}"
    return train.subset(parts["train"]), train.subset(parts["val"]), split
