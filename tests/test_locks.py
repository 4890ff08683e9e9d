from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from minicnn import locks as lock


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    inside, most, waited = 0, 0, []

    def work() -> None:
        nonlocal inside, most
        path = tmp_path / "lock"
        with lock.exclusive(path, waiting=lambda: waited.append(1), poll=0.005) as held:
            assert held
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert 1 <= len(waited) <= 3  # each says so at most once


def test_an_error_inside_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), lock.exclusive(tmp_path / "lock"):
        raise KeyError
    with lock.exclusive(tmp_path / "lock", waiting=pytest.fail) as held:
        assert held


def test_says_where_there_are_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(file: object) -> bool:
        raise OSError("this file system has no locks")

    monkeypatch.setattr(lock, "_try", no_locks)
    with lock.exclusive(tmp_path / "lock") as held:
        assert not held
