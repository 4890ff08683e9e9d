from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn.data import cache
from minicnn.data import download as downloads
from minicnn.data.registry import RemoteFile
from minicnn.errors import DataError, DownloadError

BODY = b"not a real data set, but its bytes are known" * 100
FILE = RemoteFile("tiny.npz", hashlib.md5(BODY).hexdigest(), len(BODY))


@pytest.fixture
def count_checks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    checked: list[Path] = []
    md5_of = downloads.md5_of
    monkeypatch.setattr(downloads, "md5_of", lambda path: checked.append(path) or md5_of(path))
    return checked


def test_the_variable_names_the_folder(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.data_dir() == cache_dir
    monkeypatch.setenv("MINICNN_DATA_DIR", "")
    assert cache.data_dir().name == "usual"
    monkeypatch.setenv("MINICNN_DATA_DIR", "~/xrays")
    assert cache.data_dir() == Path.home() / "xrays"


def test_the_variable_must_not_name_a_file(cache_dir: Path) -> None:
    cache_dir.write_text("a file")
    with pytest.raises(DataError, match="MINICNN_DATA_DIR is .* which is a file"):
        cache.data_dir()


def test_the_mirror_replaces_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINICNN_MIRROR")
    assert cache.url_of(FILE) == "https://zenodo.org/records/10519652/files/tiny.npz?download=1"
    for mirror in ("https://school.example/data", "https://school.example/data/"):
        monkeypatch.setenv("MINICNN_MIRROR", mirror)
        assert cache.url_of(FILE) == "https://school.example/data/tiny.npz"
    monkeypatch.setenv("MINICNN_MIRROR", "/mnt/data")
    with pytest.raises(DownloadError, match=r"MINICNN_MIRROR is '/mnt/data'.*MINICNN_DATA_DIR"):
        cache.url_of(FILE)


def test_downloads_once_and_works_offline_afterwards(
    server: Any, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["tiny.npz"] = BODY
    monkeypatch.setenv("MINICNN_MIRROR", server.url)
    assert cache.find_file(FILE) is None
    assert cache.fetch_file(FILE) == cache_dir / "tiny.npz"
    monkeypatch.setenv("MINICNN_MIRROR", "http://127.0.0.1:9/")
    assert cache.fetch_file(FILE).read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_file_put_there_by_hand_is_checked_once(
    cache_dir: Path, count_checks: list[Path]
) -> None:
    cache_dir.mkdir()
    path = cache_dir / "tiny.npz"
    path.write_bytes(BODY)
    for _ in range(3):
        assert cache.find_file(FILE) == path
    assert count_checks == [path]
    os.utime(path, ns=(1, 1))  # touched: it may have changed
    assert cache.find_file(FILE) == path
    assert len(count_checks) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (BODY[:-1], "it has 4,399 bytes instead of 4,400"),
        (BODY[:-1] + b"?", "its MD5 is"),
    ],
)
def test_another_file_of_that_name_is_left_alone(
    cache_dir: Path, body: bytes, message: str
) -> None:
    cache_dir.mkdir()
    path = cache_dir / "tiny.npz"
    path.write_bytes(body)
    with pytest.raises(DataError, match=rf"not the registered tiny.npz: {message}.*delete it"):
        cache.fetch_file(FILE)
    assert path.read_bytes() == body


def test_a_changed_file_is_noticed_after_the_check(cache_dir: Path) -> None:
    cache_dir.mkdir()
    path = cache_dir / "tiny.npz"
    path.write_bytes(BODY)
    cache.find_file(FILE)
    path.write_bytes(BODY[:-1])
    with pytest.raises(DataError, match="not the registered"):
        cache.find_file(FILE)


@pytest.mark.parametrize("junk", [b"", b"{", b"[1, 2]"])
def test_a_damaged_memory_of_the_check_is_ignored(cache_dir: Path, junk: bytes) -> None:
    cache_dir.mkdir()
    (cache_dir / "tiny.npz").write_bytes(BODY)
    cache.find_file(FILE)
    (cache_dir / ".tiny.npz.checked.json").write_bytes(junk)
    assert cache.find_file(FILE) == cache_dir / "tiny.npz"


def test_keeps_arrays(cache_dir: Path) -> None:
    arrays = {"images": np.arange(6, dtype=np.uint8).reshape(2, 3), "words": np.array(["a", "é"])}
    assert cache.load_arrays("set") is None
    assert cache.store_arrays("set", arrays)
    assert [path.name for path in (cache_dir / "prepared").iterdir()] == ["set.npz"]
    loaded = cache.load_arrays("set")
    assert loaded is not None and loaded.keys() == arrays.keys()
    assert all(np.array_equal(loaded[key], arrays[key]) for key in arrays)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_damaged_arrays_count_as_absent(cache_dir: Path, damage: str) -> None:
    cache.store_arrays("set", {"images": np.arange(10_000)})
    path = cache_dir / "prepared" / "set.npz"
    whole = bytearray(path.read_bytes())
    whole[40_000] ^= 1
    bodies = {"cut": whole[:50_000], "flip": whole, "empty": b"", "text": b"hello"}
    path.write_bytes(bytes(bodies[damage]))
    assert cache.load_arrays("set") is None


def test_never_unpickles(cache_dir: Path) -> None:
    (cache_dir / "prepared").mkdir(parents=True)
    np.savez(cache_dir / "prepared" / "set.npz", images=np.array([{}], dtype=object))
    assert cache.load_arrays("set") is None


def test_a_folder_that_cannot_be_written_hands_over_to_the_usual_one(
    cache_dir: Path, tmp_path: Path
) -> None:
    cache_dir.mkdir()
    (cache_dir / "prepared").write_text("in the way")
    assert cache.store_arrays("set", {"x": np.ones(3)})
    assert (tmp_path / "usual" / "prepared" / "set.npz").is_file()
    assert cache.load_arrays("set") is not None


def test_says_where_no_folder_can_be_written(cache_dir: Path, tmp_path: Path) -> None:
    for folder in (cache_dir, tmp_path / "usual"):
        folder.mkdir()
        (folder / "prepared").write_text("in the way")
    assert not cache.store_arrays("set", {"x": np.ones(3)})
    assert cache.load_arrays("set") is None


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such mark on Windows")
def test_nothing_is_left_in_a_folder_marked_read_only(cache_dir: Path, tmp_path: Path) -> None:
    cache_dir.mkdir()
    (cache_dir / "tiny.npz").write_bytes(BODY)
    cache_dir.chmod(0o555)  # an administrator could write there even so
    try:
        assert cache.find_file(FILE) is not None
        assert cache.store_arrays("set", {"x": np.ones(3)})
        assert [path.name for path in cache_dir.iterdir()] == ["tiny.npz"]
        assert (tmp_path / "usual" / "prepared" / "set.npz").is_file()
    finally:
        cache_dir.chmod(0o755)
