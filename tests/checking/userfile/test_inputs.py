from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minicnn.checking import CheckError
from minicnn.checking.userfile.inputs import parse_input


def make(text: str, seed: int = 0) -> object:
    return parse_input(text)(np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("2,3,5,6", (2, 3, 5, 6)),
        ("2x3x5", (2, 3, 5)),
        (" (2, 3) ", (2, 3)),
        ("4", (4,)),
        ("(4,)", (4,)),
        ("normal:2,2", (2, 2)),
    ],
)
def test_a_shape_gives_normal_numbers(text: str, shape: tuple[int, ...]) -> None:
    value = make(text)
    assert isinstance(value, np.ndarray) and value.shape == shape and value.dtype == np.float64
    assert np.array_equal(value, make(text)) and not np.array_equal(value, make(text, 1))


def test_large_draws_look_as_they_are_called() -> None:
    normal, positive, binary = (
        np.asarray(make(f"{k}100,50")) for k in ("", "positive:", "binary:")
    )
    assert abs(normal.mean()) < 0.1 and 0.9 < normal.std() < 1.1
    assert 0.5 <= positive.min() < 0.52 and 1.48 < positive.max() <= 1.5
    assert set(binary.ravel()) == {0.0, 1.0} and binary.dtype == np.float64


def test_labels_and_one_hot_rows() -> None:
    labels = np.asarray(make("labels:200:3"))
    assert labels.shape == (200,) and labels.dtype.kind == "i" and set(labels) == {0, 1, 2}
    assert np.asarray(make("labels:4,5:3")).shape == (4, 5)
    assert np.asarray(make("labels:4x5:3")).shape == (4, 5)
    rows = np.asarray(make("onehot:50:4"))
    assert rows.shape == (50, 4) and (rows.sum(axis=1) == 1).all() and rows.max() == 1.0
    assert rows.dtype == np.float64 and (rows.sum(axis=0) > 0).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('json:{"stride": 1, "pad": [1, 2]}', {"stride": 1, "pad": [1, 2]}),
        ("json:null", None),
        ("json:3", 3),
        ('json:"train"', "train"),
        ("json:0.5", 0.5),
    ],
)
def test_constants(text: str, value: object) -> None:
    assert make(text) == value


def test_an_array_from_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(2, 3))
    assert np.array_equal(np.asarray(make(str(tmp_path / "x.npy"))), np.arange(6.0).reshape(2, 3))
    with pytest.raises(CheckError, match=r"nothere.npy' cannot be read: .*; give"):
        make(str(tmp_path / "nothere.npy"))
    (tmp_path / "text.npy").write_text("hello")
    with pytest.raises(CheckError, match="is no array of numbers"):
        make(str(tmp_path / "text.npy"))
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(CheckError, match="is no array of numbers"):
        make(str(tmp_path / "object.npy"))
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(CheckError, match="empty.npy"):
        make(str(tmp_path / "empty.npy"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a shape is whole numbers"),
        ("2,,3", "a shape is whole numbers"),
        ("-2,3", "a shape is whole numbers"),
        ("2.5", "a shape is whole numbers"),
        ("abc", "a shape is whole numbers"),
        ("²", "a shape is whole numbers"),
        ("2,0,3", "size of 0"),
        ("100000,100000", "10,000,000,000 entries; at most 20,000,000"),
        ("9999999999", "a shape is whole numbers"),
        ("lables:4:3", "begins with 'lables', which is no kind of input"),
        ("labels:4", "names no number of classes"),
        ("labels:4:0", "at least 1"),
        ("labels:4:2,2", "one number of classes"),
        ("onehot:4,5:3", "one number of rows"),
        ("onehot:90000:90000", "entries; at most"),
        ("json:{", "is not JSON"),
        ("json:", "is not JSON"),
        ("json:" + "[" * 100_000, "is not JSON"),
    ],
)
def test_what_means_nothing_is_refused_in_three_parts(text: str, words: str) -> None:
    with pytest.raises(CheckError) as caught:
        make(text)
    assert words in str(caught.value)
    assert str(caught.value).count(";") >= 1 and "--input" in str(caught.value)
