"""Many image files as one array: decoded in parallel once, then read from the cache."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.data.cache import load_arrays, store_arrays
from minicnn.data.image import check_channels, colourfulness, decode_image, quiet_pillow
from minicnn.data.parallel import WINDOW, in_order
from minicnn.data.progress import Progress, reporting
from minicnn.errors import ArgumentError, DataError

# Raised whenever the same files would give other pixels: it is part of the cache's key.
VERSION = 1
SMALLEST, LARGEST = 8, 1024  # pixels
# Grey X-rays are often stored as RGB. Up to this mean distance between the channels it is
# compression noise; a tenth of the sampled images must show more to keep colours for all.
COLOUR_NOISE = 6.0
COLOUR_SHARE = 0.1
COLOUR_SAMPLE = 24


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What came of a list of image files.

    ``images`` (N, C, H, W) holds the readable ones; ``kept`` (N,) their positions in the
    list; ``skipped`` the name of and the reason for each of the others.
    """

    images: NDArray[np.uint8]
    kept: NDArray[np.int64]
    skipped: list[tuple[str, str]]

    def note(self) -> list[str]:
        """Say in at most one sentence what was skipped."""
        if not self.skipped:
            return []
        total = len(self.kept) + len(self.skipped)
        shown = "; ".join(f"{name} ({reason})" for name, reason in self.skipped[:10])
        more = f"; and {len(self.skipped) - 10} more" if len(self.skipped) > 10 else ""
        return [f"{len(self.skipped)} of {total:,} images could not be read: {shown}{more}."]


def decode_images(
    root: Path,
    names: Sequence[str],
    size: int,
    channels: int | None = None,
    progress: Progress = False,
) -> Decoded:
    """Decode the files ``root / name`` to squares.

    Parameters
    ----------
    root, names
        A folder, and paths inside it with forward slashes.
    size
        Height and width of the result.
    channels
        1 for grey, 3 for RGB, None for grey unless a sample of the images shows colour.
    progress
        True for a bar, or a callable ``progress(done, total)``.

    Raises
    ------
    DataError
        If not one image can be read.
    ArgumentError
        If ``size`` or ``channels`` is out of range.
    """
    if not SMALLEST <= check_count("size", size) <= LARGEST:
        raise ArgumentError(f"size is {size}; give a whole number from {SMALLEST} to {LARGEST}")
    if channels is not None:
        check_channels(channels)
    paths = [root / name for name in names]
    key = f"images-{_key(root, names, paths, size, channels)}"
    decoded = _restore(key, names, size)
    if decoded is None:
        with quiet_pillow():
            wanted = channels or (3 if _show_colour(paths) else 1)
            decoded = _decode_all(root, names, paths, size, wanted, progress)
        if len(decoded.kept):
            _keep(key, decoded)
    if not len(decoded.kept):
        raise DataError(f"no image in {root} can be read. {' '.join(decoded.note())}")
    return decoded


def _decode_all(
    root: Path,
    names: Sequence[str],
    paths: Sequence[Path],
    size: int,
    channels: int,
    progress: Progress,
) -> Decoded:
    images = np.empty((len(paths), channels, size, size), dtype=np.uint8)  # (N, C, H, W)
    reasons: dict[int, str] = {}

    def decode(index: int) -> None:
        try:
            images[index] = decode_image(paths[index], channels, (size, size))
        except DataError as error:
            reasons[index] = str(error)

    with (
        contextlib.closing(in_order(decode, range(len(paths)), WINDOW)) as decoded,
        reporting(progress, len(paths), f"reading {root.name}", "images") as advance,
    ):
        for _ in decoded:
            advance(1)
    kept = np.array([i for i in range(len(paths)) if i not in reasons], dtype=np.int64)
    skipped = [(names[i], reasons[i]) for i in sorted(reasons)]
    return Decoded(images[kept] if reasons else images, kept, skipped)


def _show_colour(paths: Sequence[Path]) -> bool:
    step = max(1, len(paths) // COLOUR_SAMPLE)
    spreads = []
    for path in paths[::step][:COLOUR_SAMPLE]:
        try:
            spreads.append(colourfulness(path))
        except DataError:
            continue  # counted and named when all are decoded
    return sum(spread > COLOUR_NOISE for spread in spreads) > COLOUR_SHARE * len(spreads)


def _key(
    root: Path, names: Sequence[str], paths: Sequence[Path], size: int, channels: int | None
) -> str:
    """Hash everything the pixels depend on: another file, size or date gives another key."""
    files = []
    for name, path in zip(names, paths, strict=True):
        try:
            status = path.stat()
            files.append((name, status.st_size, status.st_mtime_ns))
        except OSError:
            files.append((name, -1, -1))
    text = json.dumps([VERSION, str(root.resolve()), size, channels, files])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _restore(key: str, names: Sequence[str], size: int) -> Decoded | None:
    arrays = load_arrays(key)
    if arrays is None:
        return None
    try:
        images, kept = arrays["images"], arrays["kept"]
        bad = np.setdiff1d(np.arange(len(names)), kept)
        reasons = [str(reason) for reason in arrays["reasons"]]
        skipped = [(names[i], reason) for i, reason in zip(bad, reasons, strict=True)]
        if images.dtype != np.uint8 or len(images) != len(kept) or images.shape[2:] != (size, size):
            raise ValueError
    except (KeyError, ValueError, IndexError):
        return None  # not what this version stores: prepare it again
    return Decoded(images, kept, skipped)


def _keep(key: str, decoded: Decoded) -> None:
    reasons = np.array([reason for _, reason in decoded.skipped], dtype=np.str_)
    store_arrays(key, {"images": decoded.images, "kept": decoded.kept, "reasons": reasons})
