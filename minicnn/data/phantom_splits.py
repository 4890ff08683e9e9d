"""The phantoms as a data set: a fixed number of them, drawn once, then read from the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.data.cache import load_arrays, store_arrays
from minicnn.data.dataset import PARTS, Dataset, Splits
from minicnn.data.progress import Progress, reporting
from minicnn.data.registry import Registered
from minicnn.errors import ArgumentError

COUNT = 5000
# Each phantom is its own patient, so the first ones train and the last ones judge.
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
FEWEST = 20
# Fixed: the data set `phantom` is the same for everybody.
SEED = 20240611


def draw_splits(
    registered: Registered, count: int | None = None, progress: Progress = False
) -> Splits:
    """Draw phantoms, or read them where they were drawn before.

    Parameters
    ----------
    registered
        ``phantom`` or ``phantom-14`` at some size.
    count
        How many in all: 7 of 10 train, 1 val, 2 test. None means 5,000.
    progress
        True for a bar, or a callable ``progress(done, total)``.

    Raises
    ------
    ArgumentError
        If ``count`` is below 20.
    """
    from minicnn.data import phantom

    count = COUNT if count is None else check_count("count", count)
    if count < FEWEST:
        raise ArgumentError(
            f"count is {count}; give at least {FEWEST}, so that train, val and test get some"
        )
    family = registered.family
    images, labels = _images_and_labels(registered, count, progress)
    classes = tuple(phantom.FINDINGS if family.multilabel else phantom.CLASSES)
    train = round(SHARES["train"] * count)
    val = round(SHARES["val"] * count)
    edges = {"train": (0, train), "val": (train, train + val), "test": (train + val, count)}
    parts = {
        part: Dataset(images[start:stop], labels[start:stop], classes)
        for part, (start, stop) in edges.items()
    }
    return Splits(
        **parts,
        name=registered.name,
        credit=family.credit,
        notes=family.notes,
        split={
            "rule": f"drawn with seed {SEED}: the first {train:,} train, then {val:,} val, "
            f"the rest test",
            "images": {part: len(parts[part]) for part in PARTS},
        },
    )


def _images_and_labels(
    registered: Registered, count: int, progress: Progress
) -> tuple[NDArray, NDArray]:
    key = f"{registered.family.name}-{registered.size}-{count}-{_version()}"
    arrays = load_arrays(key)
    if arrays is not None and len(arrays.get("images", ())) == count:
        return arrays["images"], arrays["labels"]
    images, labels = _draw(registered, count, progress)
    store_arrays(key, {"images": images, "labels": labels})
    return images, labels


def _draw(registered: Registered, count: int, progress: Progress) -> tuple[NDArray, NDArray]:
    from minicnn.data.phantom import make_phantoms

    task = "multilabel" if registered.family.multilabel else "binary"
    rng = np.random.default_rng(SEED)
    before = 0
    with reporting(progress, count, f"drawing {registered.name}", "images") as advance:

        def tell(done: int, _: int) -> None:
            nonlocal before
            advance(done - before)
            before = done

        return make_phantoms(count, registered.size, task=task, rng=rng, progress=tell)


def _version() -> str:
    """Hash the generator's own source: an edited generator must not meet old images."""
    from minicnn.data import phantom

    digest = hashlib.sha256(str(SEED).encode())
    for source in sorted(Path(phantom.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
