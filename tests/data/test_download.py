from __future__ import annotations

import errno
import hashlib
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn.data.download import download
from minicnn.errors import DataError, DownloadError

BODY = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(BODY).hexdigest()


def fetch(server: Any, path: Path, **options: Any) -> None:
    server.files.setdefault("a.npz", BODY)
    options = {"size": len(BODY), "md5": MD5, "timeout": 5.0, "pause": 0.001} | options
    download(f"{server.url}/a.npz", path, **options)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_downloads_into_a_new_folder(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.npz"
    told: list[tuple[int, int | None]] = []
    fetch(server, path, progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    assert len(told) > 2
    assert leftovers(path.parent) == ["a.npz"]
    ((_, wanted, agent),) = server.requests
    assert wanted is None
    assert agent == f"Mozilla/5.0 (compatible; minicnn/{minicnn.__version__})"


def test_a_finished_file_is_not_fetched_again(server: Any, tmp_path: Path) -> None:
    fetch(server, tmp_path / "a.npz")
    fetch(server, tmp_path / "a.npz")
    assert len(server.requests) == 1


def test_continues_after_the_connection_breaks(server: Any, tmp_path: Path) -> None:
    server.plan = [("cut", 100_000), ("cut", 50_000)]
    told: list[int] = []
    fetch(server, tmp_path / "a.npz", progress=lambda done, _: told.append(done))
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.requests] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]
    assert told == sorted(told) and told[-1] == len(BODY)


def test_continues_in_another_process(server: Any, tmp_path: Path) -> None:
    server.plan = [("cut", 100_000)] + [("status", 503)] * 2
    with pytest.raises(DownloadError, match=r"503.*after 2 tries; 100,000 bytes are kept"):
        fetch(server, tmp_path / "a.npz", retries=1)
    assert leftovers(tmp_path) == ["a.npz.part"]
    told: list[int] = []
    fetch(server, tmp_path / "a.npz", progress=lambda done, _: told.append(done))
    assert server.requests[-1][1] == "bytes=100000-"
    assert told[0] > 100_000 and told[-1] == len(BODY)
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert leftovers(tmp_path) == ["a.npz"]


def test_another_piece_than_asked_for_is_not_taken(server: Any, tmp_path: Path) -> None:
    server.plan = [("cut", 100_000), ("shift",)]
    told: list[int] = []
    fetch(server, tmp_path / "a.npz", md5=None, progress=lambda done, _: told.append(done))
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert told[-1] == len(BODY)


def test_a_server_without_ranges_starts_again(server: Any, tmp_path: Path) -> None:
    server.ranges = False
    server.plan = [("cut", 100_000)]
    told: list[int] = []
    fetch(server, tmp_path / "a.npz", progress=lambda done, _: told.append(done))
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert told[-1] == len(BODY)


def test_a_server_that_always_breaks_off_is_given_up(server: Any, tmp_path: Path) -> None:
    server.ranges = False  # so that nothing is ever gained
    server.plan = [("cut", 100_000)] * 10
    with pytest.raises(DownloadError, match="closed after 100,000 of 300,000 bytes, after 3 tries"):
        fetch(server, tmp_path / "a.npz", retries=2)
    assert len(server.requests) == 4  # one that brought something, three that brought nothing new


def test_a_long_file_over_a_bad_line_arrives(server: Any, tmp_path: Path) -> None:
    server.plan = [("cut", 20_000)] * 12
    fetch(server, tmp_path / "a.npz", retries=0)
    assert (tmp_path / "a.npz").read_bytes() == BODY


def test_a_wrong_md5_is_an_error_and_removed(server: Any, tmp_path: Path) -> None:
    server.files["a.npz"] = BODY[:-1] + b"?"
    with pytest.raises(DownloadError, match=rf"its MD5 is \w+ instead of {MD5}; it was removed"):
        fetch(server, tmp_path / "a.npz")
    assert leftovers(tmp_path) == []
    assert len(server.requests) == 1


def test_a_stale_piece_is_thrown_away(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.npz.part").write_bytes(b"of an older version" * 1000)
    told: list[int] = []
    fetch(server, tmp_path / "a.npz", progress=lambda done, _: told.append(done))
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.requests] == ["bytes=19000-", None]
    assert told[-1] == len(BODY)


@pytest.mark.parametrize("extra", [0, 10])
def test_a_complete_piece_is_only_checked(server: Any, tmp_path: Path, extra: int) -> None:
    (tmp_path / "a.npz.part").write_bytes(BODY + b"?" * extra)
    told: list[int] = []
    fetch(server, tmp_path / "a.npz", progress=lambda done, _: told.append(done))
    assert not told or told[-1] == len(BODY)
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert len(server.requests) == (1 if extra else 0)  # too long a piece is dropped


def test_a_complete_piece_of_unknown_size(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.npz.part").write_bytes(BODY)
    fetch(server, tmp_path / "a.npz", size=None)  # the server answers 416
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_piece_longer_than_the_file(server: Any, tmp_path: Path) -> None:
    (tmp_path / "a.npz.part").write_bytes(BODY + b"more")
    fetch(server, tmp_path / "a.npz", size=None)
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.requests] == ["bytes=300004-", None]


def test_an_unknown_size_and_md5_are_taken_as_they_come(server: Any, tmp_path: Path) -> None:
    server.plan = [("cut", 10)]
    fetch(server, tmp_path / "a.npz", size=None, md5=None)
    assert (tmp_path / "a.npz").read_bytes() == BODY


def test_a_refusal_is_final(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"cannot download .*/b.npz: the server answered 404"):
        download(f"{server.url}/b.npz", tmp_path / "b.npz")
    assert len(server.requests) == 1
    assert leftovers(tmp_path) == []


def test_an_overloaded_server_is_asked_again(server: Any, tmp_path: Path) -> None:
    server.plan = [("status", 503), ("status", 429)]
    fetch(server, tmp_path / "a.npz")
    assert len(server.requests) == 3


def test_a_login_page_is_recognised(server: Any, tmp_path: Path) -> None:
    server.plan = [("page",)]
    with pytest.raises(DownloadError, match="offers 27 bytes instead of 300,000"):
        fetch(server, tmp_path / "a.npz")


def test_a_page_of_unknown_length_is_recognised_at_once(server: Any, tmp_path: Path) -> None:
    server.plan = [("page", "no length")] * 2
    with pytest.raises(DownloadError, match="sent a web page instead of the file"):
        fetch(server, tmp_path / "a.npz")
    assert len(server.requests) == 1
    assert leftovers(tmp_path) == []


def test_a_piece_kept_earlier_outlives_a_login_page(server: Any, tmp_path: Path) -> None:
    server.plan = [("cut", 100_000), ("page", "no length")]
    with pytest.raises(DownloadError, match="web page"):
        fetch(server, tmp_path / "a.npz")
    assert (tmp_path / "a.npz.part").read_bytes() == BODY[:100_000]


def test_a_file_that_is_only_called_a_page_is_taken(server: Any, tmp_path: Path) -> None:
    server.kind = "text/html"
    body = b"PK" + BODY
    server.files["a.npz"] = body
    fetch(server, tmp_path / "a.npz", size=len(body), md5=None)
    assert (tmp_path / "a.npz").read_bytes() == body


def test_a_silent_server_times_out(server: Any, tmp_path: Path) -> None:
    server.plan = [("hang",), ("hang",)]
    with pytest.raises(DownloadError, match="did not answer in time, after 2 tries"):
        fetch(server, tmp_path / "a.npz", timeout=0.1, retries=1)


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"cannot download .*refused.*after 2 tries"):
        download("http://127.0.0.1:9/a.npz", tmp_path / "a.npz", retries=1, pause=0.001)


@pytest.mark.parametrize("url", ["file:///etc/hosts", "a.npz", "http://[bad"])
def test_refuses_what_is_no_web_address(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="no web address"):
        download(url, tmp_path / "a.npz")


def test_several_at_once_download_once(server: Any, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            fetch(server, tmp_path / "a.npz")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert (tmp_path / "a.npz").read_bytes() == BODY
    assert len(server.requests) == 1


def test_says_before_it_starts_that_the_disk_is_too_small(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DownloadError, match="no space for .*MINICNN_DATA_DIR"):
        fetch(server, tmp_path / "a.npz")
    assert server.requests == []


def test_a_disk_that_fills_up_is_a_clear_error(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("minicnn.data.download.os.fsync", full)
    with pytest.raises(DownloadError, match="cannot write .*No space left on device; free some"):
        fetch(server, tmp_path / "a.npz")


def test_a_folder_that_cannot_be_made_is_a_clear_error(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot write .*; set MINICNN_DATA_DIR"):
        fetch(server, tmp_path / "file" / "a.npz")


def test_the_error_is_a_data_error() -> None:
    assert issubclass(DownloadError, DataError)
