"""Images somebody names on the command line: files, folders of files, and arrays."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DataError, MinicnnError

ARRAYS = (".npy", ".npz")


class Item(NamedTuple):
    """One image (C, H, W) under its name, or the reason why there is none."""

    name: str
    image: NDArray | None
    reason: str = ""


def list_inputs(places: Sequence[str]) -> list[Path | Item]:
    """Turn what was named into files, folders replaced by the images in them, sorted.

    A place that leads to nothing becomes an `Item` with a reason, so that the others are
    not lost.
    """
    found: list[Path | Item] = []
    for place in places:
        path = Path(place).expanduser()
        if path.is_dir():
            found += _images_in(path) or [Item(place, None, "the folder holds no image files")]
        elif path.exists():
            found.append(path)
        elif any(letter in path.name for letter in "*?["):
            # Not every shell turns *.png into names.
            matches = [str(match) for match in sorted(path.parent.glob(path.name))]
            found += list_inputs(matches) or [Item(place, None, "no file matches")]
        else:
            found.append(Item(place, None, "there is no such file or folder"))
    return found


def read_inputs(inputs: Sequence[Path | Item], shape: tuple[int, int, int]) -> Iterator[Item]:
    """Yield the images one by one, read as the model with input (C, H, W) wants them.

    Image files of any size and mode are brought to that shape; arrays must have it.
    """
    from minicnn.data.image import read_image

    channels, height, width = shape
    for source in inputs:
        if isinstance(source, Item):
            yield source
            continue
        try:
            if source.suffix.lower() in ARRAYS:
                yield from _read_arrays(source, shape)
            else:
                yield Item(str(source), read_image(source, channels, (height, width)))
        except MinicnnError as error:
            yield Item(str(source), None, _without_name(str(error), source))


def _images_in(folder: Path) -> list[Path | Item]:
    from minicnn.data.image import SUFFIXES

    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _read_arrays(path: Path, shape: tuple[int, int, int]) -> Iterator[Item]:
    try:
        if path.suffix.lower() == ".npy":
            yield from _split(str(path), np.load(path, mmap_mode="r", allow_pickle=False), shape)
            return
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not archive.files:
                raise DataError("the file holds no array")
            for key in archive.files:
                yield from _split(f"{path}[{key}]", archive[key], shape)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        if isinstance(error, MinicnnError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"it is no array file, damaged, or holds Python objects ({reason})"
        ) from None


def _split(name: str, array: NDArray, shape: tuple[int, int, int]) -> Iterator[Item]:
    """Yield the images of an array (N, C, H, W), (C, H, W), or for grey (N, H, W), (H, W)."""
    channels, height, width = shape
    fitting: dict[int, tuple[int, ...]] = {4: shape, 3: shape}
    if channels == 1:
        fitting |= {3: (height, width), 2: (height, width)}
    wanted = fitting.get(array.ndim)
    if wanted is None or array.shape[array.ndim - len(wanted) :] != wanted:
        grey = f", (N, {height}, {width}) or ({height}, {width})" if channels == 1 else ""
        raise DataError(
            f"{name} has shape {array.shape}, but the model takes (N, {channels}, {height}, "
            f"{width}), {shape}{grey}; give the original image file, which is brought to size"
        )
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise DataError(f"{name} is {array.dtype}; expected uint8, or floats as in training")
    images = array.reshape(-1, *shape)  # a view, also of a file
    alone = array.ndim == len(wanted)
    for i, image in enumerate(images):
        label = name if alone else f"{name}[{i}]"
        if array.dtype != np.uint8:
            if not np.isfinite(image).all():
                yield Item(label, None, "it holds NaN or infinite pixels")
                continue
            if image.min() < 0 or image.max() > 1:
                warnings.warn(
                    f"{name} holds floats from {image.min():g} to {image.max():g}, taken as they "
                    f"are; the model may expect 0 to 1",
                    stacklevel=2,
                )
        yield Item(label, np.array(image))


def _without_name(message: str, path: Path) -> str:
    return message.removeprefix(f"cannot read {path}: ")
