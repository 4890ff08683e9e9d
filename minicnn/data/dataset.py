"""Images with their labels, and the three parts a data set comes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minicnn.errors import ArgumentError, DataError, DtypeError, ShapeError

IMAGE_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
PARTS = ("train", "val", "test")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images with one label each, or with several yes/no labels each.

    Parameters
    ----------
    images
        (N, C, H, W), uint8 as read from files; float32 and float64 are accepted.
    labels
        (N,) integers 0 .. classes - 1, stored as int64; or (N, L) zeros and ones, one
        column per finding, stored as uint8.
    classes
        The names of the classes, or of the L findings.
    ids
        (N,) whose image it is: one text per patient, or None where nobody knows.
    names
        (N,) the file each image came from, or None.

    Raises
    ------
    ShapeError, DtypeError, DataError
        If the arrays do not fit together, a dtype is wrong, a pixel is NaN or infinite,
        or a label names no class.
    """

    images: NDArray  # (N, C, H, W)
    labels: NDArray  # (N,) or (N, L)
    classes: tuple[str, ...]
    ids: NDArray | None = None  # (N,)
    names: NDArray | None = None  # (N,)

    def __post_init__(self) -> None:
        # The class is frozen, so the checked and converted values are set from below.
        put = object.__setattr__
        put(self, "images", _check_images(self.images))
        put(self, "classes", _check_classes(self.classes))
        put(self, "labels", _check_labels(self.labels, self.classes, len(self.images)))
        for field in ("ids", "names"):
            put(self, field, _check_texts(field, getattr(self, field), len(self.images)))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        kind = "findings" if self.multilabel else "classes"
        shape = "x".join(map(str, self.image_shape))
        return f"Dataset({len(self)} images {shape} {self.images.dtype}, {kind} {self.classes})"

    @property
    def multilabel(self) -> bool:
        """Whether each image carries several yes/no labels."""
        return self.labels.ndim == 2

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def class_counts(self) -> NDArray[np.int64]:
        """Count the images of each class, or those that show each finding: (classes,)."""
        if self.multilabel:
            return self.labels.sum(axis=0, dtype=np.int64)  # (L,)
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    def with_images(self, images: NDArray) -> Dataset:
        """Return the same labels, ids and names with other images, one for each of these."""
        return self if images is self.images else dataclasses.replace(self, images=images)

    def subset(self, indices: ArrayLike | slice) -> Dataset:
        """Return the images at ``indices`` (integers, a mask or a slice), in that order.

        Raises
        ------
        ArgumentError
            If an index is out of range, or they are no indices at all.
        """
        index = indices if isinstance(indices, slice) else np.asarray(indices)
        if isinstance(index, np.ndarray) and index.size == 0:
            index = index.astype(np.intp)
        try:
            images, labels = self.images[index], self.labels[index]
        except IndexError as error:
            raise ArgumentError(
                f"indices do not fit {len(self)} images: {error}; "
                f"give whole numbers from 0 to {len(self) - 1}, or one True or False per image"
            ) from None
        return Dataset(
            images,
            labels,
            self.classes,
            None if self.ids is None else self.ids[index],
            None if self.names is None else self.names[index],
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """A data set in its three parts, with where it came from.

    Parameters
    ----------
    train, val, test
        The parts; same classes, same image shape, none empty.
    name
        What to call the data set in a report.
    credit
        Whose data it is and under which licence; empty where nobody knows.
    notes
        Sentences a user must hear: files skipped, a split that leaks, a guess made.
    split
        How the split came about, ready for JSON (see `minicnn.data.splits`).

    Raises
    ------
    DataError
        If a part is empty or the parts differ in classes or image shape.
    """

    train: Dataset
    val: Dataset
    test: Dataset
    name: str
    credit: str = ""
    notes: tuple[str, ...] = ()
    split: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(self.notes))
        for part in PARTS:
            dataset = getattr(self, part)
            if len(dataset) == 0:
                raise DataError(
                    f"the {part} part of {self.name} holds no images; each of train, val and "
                    f"test needs at least one"
                )
            for what in ("classes", "image_shape", "multilabel"):
                mine, first = getattr(dataset, what), getattr(self.train, what)
                if mine != first:
                    raise DataError(
                        f"the {part} part of {self.name} has {what} {mine} but train has {first}; "
                        f"all parts must agree"
                    )

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes or findings."""
        return self.train.classes

    @property
    def multilabel(self) -> bool:
        """Whether each image carries several yes/no labels."""
        return self.train.multilabel

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        return self.train.image_shape

    @property
    def sizes(self) -> dict[str, int]:
        """The number of images in each part."""
        return {part: len(getattr(self, part)) for part in PARTS}

    def part(self, name: str) -> Dataset:
        """Return ``"train"``, ``"val"``, ``"test"``, or ``"all"`` three joined in this order.

        Raises
        ------
        ArgumentError
            If ``name`` is none of them.
        """
        if name in PARTS:
            dataset: Dataset = getattr(self, name)
            return dataset
        if name == "all":
            return _join([self.train, self.val, self.test])
        raise ArgumentError(f"part is {name!r}; expected one of {', '.join(PARTS)} or all")


def _join(datasets: Sequence[Dataset]) -> Dataset:
    def join(field: str) -> NDArray | None:
        arrays = [getattr(dataset, field) for dataset in datasets]
        return None if any(array is None for array in arrays) else np.concatenate(arrays)

    images, labels = join("images"), join("labels")
    assert images is not None and labels is not None
    return Dataset(images, labels, datasets[0].classes, join("ids"), join("names"))


def _check_images(images: Any) -> NDArray:
    if not isinstance(images, np.ndarray):
        raise DtypeError(f"images is a {type(images).__name__}; expected a NumPy array")
    if images.dtype not in IMAGE_DTYPES:
        raise DtypeError(
            f"images has dtype {images.dtype}; expected uint8, float32 or float64: "
            f"scale the pixels to 0 .. 255 and convert with .astype(np.uint8)"
        )
    if images.ndim == 4 and 0 in images.shape[1:]:
        raise ShapeError(
            f"images has shape {images.shape}: the images have no pixels; expected (N, C, H, W) "
            f"with at least 1 channel, row and column"
        )
    if images.ndim != 4:
        raise ShapeError(
            f"images has shape {images.shape}; expected (N, C, H, W), four axes: number of "
            f"images, channels, height, width"
        )
    if images.dtype != np.uint8:
        _check_finite(images)
    return images


def _check_finite(images: NDArray) -> None:
    # One image at a time: a mask of the whole array would be a quarter of its size again.
    bad = [i for i, image in enumerate(images) if not np.isfinite(image).all()]
    if bad:
        raise DataError(
            f"{len(bad)} of {len(images)} images contain NaN or infinite pixels, the first is "
            f"image {bad[0]}; remove them or mend the pixels"
        )


def _check_classes(classes: Iterable[str]) -> tuple[str, ...]:
    if isinstance(classes, str):
        raise DtypeError(f"classes is the text {classes!r}; expected a sequence of names")
    names = tuple(str(name) for name in classes)
    if len(set(names)) != len(names) or not names:
        raise DataError(f"classes is {names}; expected at least one name, no name twice")
    return names


def _check_labels(labels: Any, classes: tuple[str, ...], count: int) -> NDArray:
    if not isinstance(labels, np.ndarray):
        raise DtypeError(f"labels is a {type(labels).__name__}; expected a NumPy array")
    if labels.dtype.kind not in "iub":
        raise DtypeError(
            f"labels has dtype {labels.dtype}; expected integers (a class number per image, or "
            f"zeros and ones): convert it with labels.astype(np.int64)"
        )
    if labels.ndim not in (1, 2):
        raise ShapeError(
            f"labels has shape {labels.shape}; expected (N,) class numbers or (N, L) zeros and ones"
        )
    if len(labels) != count:
        raise ShapeError(f"labels has {len(labels)} rows but images has {count}; expected as many")
    if labels.ndim == 1:
        if len(classes) < 2:
            raise DataError(f"classes is {classes}; a classifier needs at least two")
        _check_range(labels, len(classes) - 1, f"{len(classes)} classes {_shorten(classes)}")
        return labels.astype(np.int64)  # (N,)
    if labels.shape[1] != len(classes):
        raise ShapeError(
            f"labels has {labels.shape[1]} columns but classes has {len(classes)} names "
            f"{_shorten(classes)}; expected one column per name. For one class number per image, "
            f"flatten the labels to (N,)"
        )
    _check_range(labels, 1, "zeros and ones, one column per finding")
    return labels.astype(np.uint8)  # (N, L)


def _check_range(labels: NDArray, largest: int, meaning: str) -> None:
    outside = (labels < 0) | (labels > largest)
    if outside.any():
        first = tuple(int(i) for i in np.argwhere(outside)[0])
        raise DataError(
            f"labels holds {int(outside.sum())} values out of range, the first is "
            f"{labels[first]} in row {first[0]}; expected 0 .. {largest} ({meaning})"
        )


def _check_texts(field: str, texts: Any, count: int) -> NDArray | None:
    if texts is None:
        return None
    array = np.asarray(texts, dtype=np.str_)
    if array.shape != (count,):
        raise ShapeError(f"{field} has shape {array.shape}; expected ({count},), one per image")
    return array


def _shorten(classes: tuple[str, ...]) -> str:
    shown = ", ".join(classes[:4])
    return f"({shown}, ...)" if len(classes) > 4 else f"({shown})"
