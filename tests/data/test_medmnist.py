from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minicnn.data.medmnist import read_npz
from minicnn.errors import DataError, DtypeError, MinicnnError, ShapeError

RNG = np.random.default_rng(0)


def arrays(**changes: object) -> dict:
    made: dict = {}
    for part, count in (("train", 20), ("val", 6), ("test", 8)):
        made[f"{part}_images"] = RNG.integers(0, 256, (count, 9, 8), dtype=np.uint8)
        made[f"{part}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
    made |= changes
    return {key: value for key, value in made.items() if value is not None}


@pytest.fixture
def write(tmp_path: Path):
    def save(**changes: object) -> Path:
        path = tmp_path / "set.npz"
        np.savez_compressed(path, **arrays(**changes))
        return path

    return save


def test_reads_grey_images_with_one_label(write) -> None:
    made = arrays()
    splits = read_npz(write(**made), credit="somebody", notes=["listen"])
    assert splits.sizes == {"train": 20, "val": 6, "test": 8}
    assert splits.image_shape == (1, 9, 8)
    assert splits.classes == ("0", "1")
    assert splits.train.images.dtype == np.uint8
    assert np.array_equal(splits.val.images[:, 0], made["val_images"])
    assert np.array_equal(splits.test.labels, made["test_labels"][:, 0])
    assert (splits.name, splits.credit, splits.notes) == ("set", "somebody", ("listen",))
    assert splits.split == {
        "rule": "as given in the file",
        "images": {"train": 20, "val": 6, "test": 8},
    }


def test_reads_colour_images_and_several_labels(write) -> None:
    made = {}
    for part, count in (("train", 20), ("val", 6), ("test", 8)):
        made[f"{part}_images"] = RNG.integers(0, 256, (count, 9, 8, 3), dtype=np.uint8)
        made[f"{part}_labels"] = RNG.integers(0, 2, (count, 5), dtype=np.uint8)
    splits = read_npz(write(**made))
    assert splits.multilabel and splits.classes == ("0", "1", "2", "3", "4")
    assert splits.image_shape == (3, 9, 8)
    assert np.array_equal(splits.train.images[:, 1], made["train_images"][..., 1])
    assert splits.train.images.flags.c_contiguous
    assert np.array_equal(splits.test.labels, made["test_labels"])


def test_takes_class_names_from_the_call_or_the_file(write) -> None:
    assert read_npz(write(), classes=["no", "yes"]).classes == ("no", "yes")
    assert read_npz(write(classes=np.array(["nein", "ja"]))).classes == ("nein", "ja")
    with pytest.raises(DataError, match="classes has dtype int64.*one name per class"):
        read_npz(write(classes=np.array([0, 1])))


def test_flat_labels_and_floats_are_taken(write) -> None:
    made = {
        f"{part}_labels": (np.arange(count) % 3).astype(np.int16)
        for part, count in (("train", 20), ("val", 6), ("test", 8))
    }
    images = {key: a / np.float32(255) for key, a in arrays().items() if key.endswith("images")}
    splits = read_npz(write(**made, **images))
    assert splits.classes == ("0", "1", "2")
    assert splits.train.images.dtype == np.float32
    assert splits.notes == ("The pixels of set.npz are float32, not uint8 from 0 to 255.",)


def test_cuts_val_from_train_where_there_is_none(write) -> None:
    path = write(val_images=None, val_labels=None)
    first, second = read_npz(path), read_npz(path)
    assert first.sizes == {"train": 17, "val": 3, "test": 8}
    assert np.array_equal(first.val.images, second.val.images)
    assert first.split == second.split
    assert "val from train fixed by the data" in first.split["rule"]
    assert "no val part: 3 of its train images" in first.notes[0]
    with np.load(path) as made:
        whole = {image.tobytes() for image in made["train_images"]}
    parts = [image.tobytes() for part in (first.train, first.val) for image in part.images]
    assert set(parts) == whole and len(parts) == 20


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"test_labels": None}, DataError, "lacks test_labels; an .npz in MedMNIST format holds"),
        (
            {"val_images": None, "test_labels": None},
            DataError,
            "lacks val_images, test_labels",
        ),
        (
            {"train_images": np.array([None] * 20)},
            DataError,
            "holds Python objects in 'train_images'; minicnn never unpickles",
        ),
        (
            {"extra": np.array([{"a": 1}], dtype=object)},
            DataError,
            "holds Python objects in 'extra'",
        ),
        (
            {"train_images": np.zeros((20, 9, 8), np.uint16)},
            DtypeError,
            "train_images has dtype uint16; expected uint8",
        ),
        ({"val_images": np.zeros((6, 72), np.uint8)}, ShapeError, r"\(6, 72\); expected \(N, H, W"),
        (
            {"val_images": np.zeros((6, 1, 9, 8), np.uint8)},
            ShapeError,
            r"with 1 or 3 channels. It looks like \(N, C, H, W\)",
        ),
        (
            {"test_images": np.zeros((8, 9, 9), np.uint8)},
            ShapeError,
            r"image shape of test is \(9, 9\) but that of train is \(9, 8\)",
        ),
        (
            {"test_labels": np.zeros((8, 2), np.uint8)},
            ShapeError,
            r"label shape of test is \(2,\) but that of train is \(1,\)",
        ),
        ({"test_labels": np.zeros((7, 1), int)}, ShapeError, "7 rows but test_images has 8"),
        (
            {"train_labels": np.zeros((20, 1))},
            DtypeError,
            "train_labels has dtype float64; expected integers",
        ),
        ({"train_labels": np.zeros((20, 0), int)}, ShapeError, r"\(20, 0\)"),
        (
            {"train_labels": np.full((20, 1), -1)},
            DataError,
            "train_labels holds -1, which is out of range",
        ),
        (
            {"val_labels": np.array([[0], [1], [2], [0], [1], [0]])},
            DataError,
            "val_labels holds 2, which is out of range; train has 2 classes, so labels must be 0",
        ),
        (
            {"train_labels": (np.arange(20) % 2 * 255).astype(np.uint8)[:, None]},
            DataError,
            "holds 255, which is out of range",
        ),
        (
            {
                f"{part}_labels": np.zeros((n, 1), int)
                for part, n in zip(("train", "val", "test"), (20, 6, 8), strict=True)
            },
            DataError,
            "train_labels holds 1 class; a classifier needs at least two",
        ),
        (
            {
                f"{part}_labels": np.full((n, 2), 2)
                for part, n in zip(("train", "val", "test"), (20, 6, 8), strict=True)
            },
            DataError,
            "train part: labels holds 40 values out of range, the first is 2",
        ),
        (
            {
                f"{part}_images": np.full((n, 9, 8), np.nan, np.float32)
                for part, n in zip(("train", "val", "test"), (20, 6, 8), strict=True)
            },
            DataError,
            "train part: 20 of 20 images contain NaN",
        ),
        (
            {"val_images": np.zeros((0, 9, 8), np.uint8), "val_labels": np.zeros((0, 1), int)},
            DataError,
            r"the val part of .*set.npz holds no images",
        ),
    ],
)
def test_refuses_what_is_wrong(write, changes: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        read_npz(write(**changes))
    assert "\n" not in str(caught.value)


def test_registered_classes_must_cover_the_labels(write) -> None:
    labels = (np.arange(20) % 3)[:, None]
    with pytest.raises(DataError, match=r"out of range.*expected 0 .. 1 \(2 classes \(no, yes\)\)"):
        read_npz(write(train_labels=labels), classes=("no", "yes"))


def test_every_way_of_cutting_a_file_short_is_an_error(write, tmp_path: Path) -> None:
    whole = write().read_bytes()
    path = tmp_path / "cut.npz"
    for length in [0, 1, 3, 40, *range(100, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="cut short, damaged or of another format"):
            read_npz(path)


def test_no_flipped_byte_gets_past_as_a_crash(write, tmp_path: Path) -> None:
    whole = write().read_bytes()
    path = tmp_path / "flipped.npz"
    refused = 0
    for position in range(0, len(whole), 13):
        body = bytearray(whole)
        body[position] ^= 0xFF
        path.write_bytes(bytes(body))
        try:
            read_npz(path)
        except MinicnnError:
            refused += 1
    # The rest hit dates and attributes of the zip, which mean nothing here.
    assert refused > 0.8 * len(range(0, len(whole), 13))


def npy(shape: tuple[int, ...], body: bytes) -> bytes:
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def add(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", content)


def test_a_header_that_promises_too_much_is_refused_before_reading(write) -> None:
    path = write(train_images=None)
    add(path, "train_images", npy((20, 10**9, 10**9), b"\0" * 1000))
    with pytest.raises(DataError, match=r"'train_images' of shape \(20, 1000000000, 1000000000"):
        read_npz(path)


def test_a_bomb_is_refused_before_reading(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.data.medmnist.LARGE", 1_000_000)
    path = write(train_images=np.zeros((20, 300, 300), np.uint8))
    with pytest.raises(DataError, match="grow from .* MB .* more than images do; it was not read"):
        read_npz(path)


def test_odd_entries(write) -> None:
    path = write(train_images=None)
    add(path, "train_images", b"no array at all")
    with pytest.raises(DataError, match="damaged: 'train_images' cannot be read"):
        read_npz(path)


def test_other_files_in_the_zip_are_passed_over(write) -> None:
    path = write()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "hello")
    assert len(read_npz(path).train) == 20


def test_what_is_no_zip_and_what_is_not_there(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    path = tmp_path / "set.npz"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match=r"set.npz cannot be read as an .npz file"):
        read_npz(path)
    with pytest.raises(DataError, match="cannot read .*none.npz: No such file"):
        read_npz(tmp_path / "none.npz")


def test_reads_real_x_rays(real_data: Path) -> None:
    splits = read_npz(real_data / "pneumoniamnist_dev.npz")
    assert splits.sizes == {"train": 4236, "val": 524, "test": 472}
    assert splits.image_shape == (1, 28, 28)
    assert splits.train.class_counts().tolist() == [1092, 3144]
    assert splits.val.class_counts().tolist() == [135, 389]


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_part_without_images_is_called_so(write, part: str) -> None:
    empty = {
        f"{part}_images": np.zeros((0, 9, 8), np.uint8),
        f"{part}_labels": np.zeros((0, 1), np.uint8),
    }
    with pytest.raises(DataError, match=f"the {part} part of .* holds no images"):
        read_npz(write(**empty))


def test_images_without_pixels(write) -> None:
    flat = {f"{p}_images": np.zeros((n, 0, 0)) for p, n in (("train", 20), ("val", 6), ("test", 8))}
    with pytest.raises(ShapeError, match=r"shape \(20, 0, 0\): the images have no pixels"):
        read_npz(write(**flat))
