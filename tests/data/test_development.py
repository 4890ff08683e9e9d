from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minicnn import data
from minicnn.data import medmnist
from minicnn.data.development import load_development
from minicnn.errors import ArgumentError, DataError


def test_train_and_val_are_those_of_load(
    write_npz: Callable[..., Path], two_classes: Path, tmp_path: Path, registered: bytes
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "pneumoniamnist.npz").write_bytes(registered)
    for spec in (str(write_npz(tmp_path / "a.npz")), str(two_classes), "pneumoniamnist"):
        whole, part = data.load(spec), load_development(spec)
        for name in ("train", "val"):
            mine, theirs = getattr(part, name), whole.part(name)
            np.testing.assert_array_equal(mine.images, theirs.images)
            np.testing.assert_array_equal(mine.labels, theirs.labels)
        assert part.name == whole.name
        assert not hasattr(part, "test")


def test_the_test_arrays_of_a_file_are_not_read(
    write_npz: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_npz(tmp_path / "a.npz")
    read: list[str] = []
    original = medmnist._read_array

    def watched(path: Path, archive: zipfile.ZipFile, key: str) -> np.ndarray:
        read.append(key)
        return original(path, archive, key)

    monkeypatch.setattr(medmnist, "_read_array", watched)
    load_development(str(path))
    assert sorted(read) == ["train_images", "train_labels", "val_images", "val_labels"]
    data.load(path)
    assert "test_images" in read


def test_a_poisoned_test_part_does_not_matter(
    write_npz: Callable[..., Path], tmp_path: Path
) -> None:
    with np.load(write_npz(tmp_path / "a.npz")) as archive:
        arrays = dict(archive)
    clean = load_development(str(tmp_path / "a.npz")).fingerprint()
    arrays["test_labels"] = np.full_like(arrays["test_labels"], 77)
    arrays["test_images"] = np.full(arrays["test_images"].shape, np.nan)
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(DataError):
        data.load(tmp_path / "b.npz")
    assert load_development(str(tmp_path / "b.npz")).fingerprint() == clean
    arrays["val_labels"] = 1 - arrays["val_labels"]
    np.savez(tmp_path / "c.npz", **arrays)
    assert load_development(str(tmp_path / "c.npz")).fingerprint() != clean


def test_what_does_not_apply_is_refused(write_npz: Callable[..., Path], tmp_path: Path) -> None:
    path = str(write_npz(tmp_path / "a.npz"))
    for options in ({"size": 64}, {"id_pattern": "(a)"}, {"split_by": "image"}):
        with pytest.raises(ArgumentError, match=next(iter(options))):
            load_development(path, **options)
    with pytest.raises(DataError, match="does not exist"):
        load_development(str(tmp_path / "nowhere.npz"))
