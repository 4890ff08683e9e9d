from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from minicnn import data


def test_the_default_is_pneumoniamnist_where_it_is_cached(
    cache_dir: Path, registered: bytes
) -> None:
    cache_dir.mkdir()
    (cache_dir / "pneumoniamnist.npz").write_bytes(registered)
    assert data.default_spec() == ("pneumoniamnist", None)


def test_the_default_is_downloaded_where_it_can_be(
    server: Any, cache_dir: Path, registered: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["pneumoniamnist.npz"] = registered
    monkeypatch.setenv("MINICNN_MIRROR", server.url)
    assert data.default_spec() == ("pneumoniamnist", None)
    assert (cache_dir / "pneumoniamnist.npz").read_bytes() == registered
    assert [wanted for _, wanted, _ in server.requests] == ["bytes=0-3", None]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (None, "cannot be reached"),
        ([("page",)], "sends another file"),
        ([("status", 403)], "cannot be reached .*Forbidden"),
        ([("hang",)], "did not answer|timed out"),
        ([("ok",), ("page",)], "offers 27 bytes"),
    ],
)
def test_otherwise_the_phantoms_with_a_reason_and_soon(
    server: Any,
    registered: bytes,
    monkeypatch: pytest.MonkeyPatch,
    plan: list[tuple] | None,
    reason: str,
) -> None:
    if plan is not None:
        server.files["pneumoniamnist.npz"] = registered
        server.plan = plan
        monkeypatch.setenv("MINICNN_MIRROR", server.url)
    monkeypatch.setattr("minicnn.data.default.PROBE_SECONDS", 0.5)
    start = time.perf_counter()
    spec, told = data.default_spec()
    assert time.perf_counter() - start < 3
    assert spec == "phantom"
    assert told is not None and told.startswith("PneumoniaMNIST is not at hand: ")
    assert re.search(reason, told)


def test_a_look_up_that_hangs_is_not_waited_for(
    registered: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: over.wait(8))
    monkeypatch.setattr("minicnn.data.default.PROBE_SECONDS", 0.2)
    start = time.perf_counter()
    spec, told = data.default_spec()
    over.set()
    assert time.perf_counter() - start < 2
    assert spec == "phantom" and told is not None and "did not answer within 0.2 s" in told


def test_a_damaged_copy_of_the_default_is_told(cache_dir: Path, registered: bytes) -> None:
    cache_dir.mkdir()
    (cache_dir / "pneumoniamnist.npz").write_bytes(b"")
    spec, told = data.default_spec()
    assert spec == "phantom" and told is not None and "not the registered" in told
