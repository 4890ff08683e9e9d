from __future__ import annotations

import numpy as np
import pytest

from minicnn.data import Dataset, Splits
from minicnn.errors import ArgumentError, DataError, DtypeError, ShapeError

IMAGES = np.arange(5 * 2 * 3 * 4, dtype=np.uint8).reshape(5, 2, 3, 4)  # (N, C, H, W)
LABELS = np.array([0, 1, 1, 0, 1], dtype=np.uint8)
FINDINGS = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]])


def make(**changes: object) -> Dataset:
    values: dict = {"images": IMAGES, "labels": LABELS, "classes": ("no", "yes")} | changes
    return Dataset(**values)


def test_holds_one_label_per_image() -> None:
    dataset = make(ids=["a", "a", "b", "c", "c"], names=list("vwxyz"))
    assert len(dataset) == 5
    assert dataset.image_shape == (2, 3, 4)
    assert dataset.labels.dtype == np.int64
    assert not dataset.multilabel
    assert dataset.class_counts().tolist() == [2, 3]
    assert "5 images 2x3x4 uint8" in repr(dataset)


def test_holds_several_labels_per_image() -> None:
    dataset = make(labels=FINDINGS, classes=("a", "b", "c"))
    assert dataset.multilabel
    assert dataset.labels.dtype == np.uint8
    assert dataset.class_counts().tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        ([3, 0], [3, 0]),
        (slice(1, 3), [1, 2]),
        (np.array([True, False, False, False, True]), [0, 4]),
        ([], []),
    ],
)
def test_subset_takes_everything_along(indices: object, expected: list[int]) -> None:
    dataset = make(ids=list("abcde"), names=list("vwxyz"))
    subset = dataset.subset(indices)
    assert np.array_equal(subset.images, IMAGES[expected])
    assert np.array_equal(subset.labels, LABELS[expected])
    assert subset.ids is not None and subset.names is not None
    assert subset.ids.tolist() == [list("abcde")[i] for i in expected]
    assert subset.names.tolist() == [list("vwxyz")[i] for i in expected]
    assert subset.classes == dataset.classes


@pytest.mark.parametrize("indices", [[5], [0.5], np.ones(4, dtype=bool)])
def test_subset_refuses_indices_that_do_not_fit(indices: object) -> None:
    with pytest.raises(ArgumentError, match="indices do not fit 5 images"):
        make().subset(indices)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"images": [[1]]}, DtypeError, "images is a list"),
        ({"images": IMAGES.astype(np.int64)}, DtypeError, "dtype int64; expected uint8"),
        ({"images": IMAGES.astype(np.float16)}, DtypeError, "dtype float16"),
        ({"images": IMAGES[:, 0]}, ShapeError, r"\(5, 3, 4\); expected \(N, C, H, W\)"),
        ({"labels": LABELS.astype(np.float32)}, DtypeError, "labels has dtype float32"),
        ({"labels": np.array(list("abcde"))}, DtypeError, "labels has dtype <U1"),
        ({"labels": LABELS[:4]}, ShapeError, "labels has 4 rows but images has 5"),
        ({"labels": LABELS + 1}, DataError, r"3 values out of range, the first is 2 in row 1"),
        ({"labels": -LABELS.astype(int)}, DataError, "the first is -1 in row 1"),
        ({"labels": LABELS[:, None]}, ShapeError, "1 columns but classes has 2 names"),
        ({"labels": FINDINGS * 2, "classes": tuple("abc")}, DataError, "zeros and ones"),
        ({"classes": ("one",), "labels": LABELS * 0}, DataError, "needs at least two"),
        ({"classes": ("a", "a")}, DataError, "no name twice"),
        ({"classes": "ab"}, DtypeError, "classes is the text"),
        ({"ids": ["a"]}, ShapeError, r"ids has shape \(1,\); expected \(5,\)"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(**changes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_pixels_that_are_no_numbers(value: float) -> None:
    images = IMAGES.astype(np.float32)
    images[3, 1, 2, 0] = value
    with pytest.raises(DataError, match="1 of 5 images contain NaN or infinite.*image 3"):
        make(images=images)


def splits(**changes: object) -> Splits:
    values: dict = {part: make() for part in ("train", "val", "test")} | {"name": "tiny"} | changes
    return Splits(**values)


def test_splits_agree_and_join() -> None:
    tiny = splits(val=make(names=list("vwxyz")))
    assert tiny.classes == ("no", "yes")
    assert tiny.image_shape == (2, 3, 4)
    assert tiny.sizes == {"train": 5, "val": 5, "test": 5}
    assert tiny.part("val") is tiny.val
    everything = tiny.part("all")
    assert np.array_equal(everything.images, np.concatenate([IMAGES] * 3))
    assert everything.names is None  # not known for all of them
    with pytest.raises(ArgumentError, match="part is 'dev'; expected one of train, val, test"):
        tiny.part("dev")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val": make().subset([])}, "the val part of tiny holds no images"),
        ({"test": make(classes=("no", "ja"))}, r"test part of tiny has classes \('no', 'ja'\)"),
        ({"test": make(images=IMAGES[:, :1])}, r"image_shape \(1, 3, 4\) but train has \(2, 3, 4"),
    ],
)
def test_splits_refuse_parts_that_do_not_agree(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        splits(**changes)


def test_images_without_pixels() -> None:
    with pytest.raises(ShapeError, match="no pixels"):
        make(images=IMAGES[:, :, :0])
