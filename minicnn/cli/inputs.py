"""Images somebody names on the command line: files, folders of files, and arrays."""

from __future__ import annotations

import contextlib
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minicnn.data.parallel import WINDOW, in_order
from minicnn.errors import DataError, MinicnnError

ARRAYS = (".npy", ".npz")


class Item(NamedTuple):
    """One image (C, H, W) under its name, or the reason why there is none."""

    name: str
    image: NDArray | None
    reason: str = ""


def survey(places: Iterable[str], named: Callable[[str], str] = str) -> tuple[int, int]:
    """Walk through `list_inputs` once, keeping nothing.

    Returns
    -------
    int, int
        How many there are, and how long the longest name is as ``named`` shows it.
    """
    count = width = 0
    for source in list_inputs(places):
        count += 1
        width = max(width, len(named(source.name if isinstance(source, Item) else str(source))))
    return count, width


def list_inputs(places: Iterable[str]) -> Iterator[Path | Item]:
    """Yield the files that were named, folders replaced by the images in them, sorted.

    A place that leads to nothing becomes an `Item` with a reason, so that the others are
    not lost. No more is kept in memory than the names in the folders on the way down to a
    file, so that a folder may hold any number.
    """
    for place in places:
        path = Path(place).expanduser()
        if path.is_dir():
            yield from _or_else(
                _images_in(path), Item(place, None, "the folder holds no image files")
            )
        elif path.exists():
            yield path
        elif any(letter in path.name for letter in "*?["):
            # Not every shell turns *.png into names.
            matches = sorted(path.parent.glob(path.name))
            yield from _or_else(
                list_inputs(map(str, matches)), Item(place, None, "no file matches")
            )
        else:
            yield Item(place, None, "there is no such file or folder")


def read_inputs(
    inputs: Iterable[Path | Item],
    shape: tuple[int, int, int],
    done: Callable[[int], None] = lambda count: None,
) -> Generator[Item, None, None]:
    """Yield the images in order, read as the model with input (C, H, W) wants them.

    Image files of any size and mode are brought to that shape, several at a time in threads;
    arrays must have it, and are read one image after the other.

    Parameters
    ----------
    inputs
        What `list_inputs` yields.
    shape
        Channels, height and width.
    done
        Called with 1 after each of the inputs.

    Notes
    -----
    The caller keeps Pillow quiet (`minicnn.data.image.quiet_pillow`), and closes the iterator.
    """

    def open_one(source: Path | Item) -> Iterable[Item]:
        if isinstance(source, Item):
            return [source]
        if source.suffix.lower() in ARRAYS:
            return _read_arrays(source, shape)  # begun when its turn comes
        return [_read_image(source, shape)]

    with contextlib.closing(in_order(open_one, inputs, WINDOW)) as opened:
        for items in opened:
            yield from items
            done(1)


def _read_image(path: Path, shape: tuple[int, int, int]) -> Item:
    from minicnn.data.image import check_channels, decode_image

    channels, height, width = shape
    try:
        check_channels(channels)
        return Item(str(path), decode_image(path, channels, (height, width)))
    except MinicnnError as error:
        return Item(str(path), None, str(error))


def _images_in(folder: Path) -> Iterator[Path | Item]:
    """Yield the image files below a folder, sorted by the parts of their paths.

    Folders that are links are not entered, so that a link upwards cannot loop.
    """
    from minicnn.data.image import SUFFIXES

    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (os.path.normcase(entry.name), entry.name, below)
                for entry in entries
                if (below := entry.is_dir(follow_symlinks=False)) or _is_image(entry, SUFFIXES)
            )
    except OSError as error:
        yield Item(str(folder), None, f"the folder cannot be read ({error.strerror or error})")
        return
    for _, name, below in found:
        if below:
            yield from _images_in(folder / name)
        else:
            yield folder / name


def _is_image(entry: os.DirEntry[str], suffixes: Sequence[str]) -> bool:
    name = entry.name
    return name.lower().endswith(tuple(suffixes)) and name[0] != "." and entry.is_file()


def _or_else(found: Iterator[Path | Item], otherwise: Item) -> Iterator[Path | Item]:
    """Yield what was found, or one item if it is nothing."""
    nothing = True
    for source in found:
        nothing = False
        yield source
    if nothing:
        yield otherwise


def _read_arrays(path: Path, shape: tuple[int, int, int]) -> Iterator[Item]:
    try:
        yield from _open_arrays(path, shape)
    except MinicnnError as error:
        yield Item(str(path), None, str(error))


def _open_arrays(path: Path, shape: tuple[int, int, int]) -> Iterator[Item]:
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
