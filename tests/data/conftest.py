"""What the tests of data share: a private cache, a server on this computer, small images."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from minicnn.data import cache, registry
from minicnn.data.registry import RemoteFile


@pytest.fixture(autouse=True)
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's cache and from the network."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MINICNN_DATA_DIR", str(folder))
    # Port 9 discards; nothing listens there. A test that wants a server sets its own.
    monkeypatch.setenv("MINICNN_MIRROR", "http://127.0.0.1:9/")
    monkeypatch.setattr(cache, "_usual_dir", lambda: tmp_path / "usual")
    return folder


@dataclasses.dataclass
class Server:
    """A server of files whose next answers a test can spoil.

    Each entry of ``plan`` spoils one request: ``("cut", n)`` closes after n bytes,
    ``("status", code)`` answers so, ``("hang",)`` never answers, ``("page",)`` sends a
    log-in page (``("page", "no length")`` without saying how long it is), ``("shift",)``
    another piece than it was asked for. An empty plan serves properly.
    """

    url: str
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    ranges: bool = True
    kind: str | None = None  # of content, where it is said
    plan: list[tuple] = dataclasses.field(default_factory=list)
    requests: list[tuple[str, str | None, str]] = dataclasses.field(default_factory=list)
    closing: threading.Event = dataclasses.field(default_factory=threading.Event)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted, agent = self.headers.get("Range"), self.headers.get("User-Agent", "")
            answers.requests.append((self.path, wanted, agent))
            action = answers.plan.pop(0) if answers.plan else ("ok",)
            if action[0] == "hang":
                answers.closing.wait(20)
                return
            if action[0] == "status":
                self.send_error(action[1])
                return
            body = answers.files.get(self.path.lstrip("/").partition("?")[0])
            if action[0] == "page":
                body = b"<html>Please log in.</html>"
                if len(action) > 1:
                    self.send_response(200)
                    self.send_header("Content-Type", "text/html; charset=utf-8")
                    self.end_headers()
                    self.wfile.write(body)
                    return
            if body is None:
                self.send_error(404)
                return
            self._send(body, wanted, action)

        def _send(self, body: bytes, wanted: str | None, action: tuple) -> None:
            first = 0
            if wanted and answers.ranges:
                begin, _, end = wanted.removeprefix("bytes=").partition("-")
                first = int(begin) + (action[0] == "shift")
                if first >= len(body):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(body)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                stop = int(end) + 1 if end else len(body)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{stop - 1}/{len(body)}")
                body = body[first:stop]
            else:
                self.send_response(200)
            if answers.kind:
                self.send_header("Content-Type", answers.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: action[1]] if action[0] == "cut" else body)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    answers = Server(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield answers
    finally:
        answers.closing.set()
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def paint() -> Callable[..., Path]:
    """Return a function that writes one image file, noise unless pixels are given."""

    def write(
        path: Path, pixels: np.ndarray | None = None, mode: str | None = None, seed: int = 0
    ) -> Path:
        from PIL import Image

        if pixels is None:
            rng = np.random.default_rng([seed, *path.name.encode()])
            pixels = rng.integers(0, 256, (40, 50), dtype=np.uint8)
        image = Image.fromarray(pixels)
        path.parent.mkdir(parents=True, exist_ok=True)
        (image.convert(mode) if mode else image).save(path)
        return path

    return write


@pytest.fixture
def two_classes(tmp_path: Path, paint: Callable[..., Path]) -> Path:
    """Write ten small images in each of two class folders."""
    root = tmp_path / "set"
    for label in ("ill", "well"):
        for i in range(10):
            paint(root / label / f"{label}{i}.png")
    return root


@pytest.fixture
def write_npz() -> Callable[..., Path]:
    """Return a function that writes a small set in MedMNIST format."""

    def write(path: Path, size: int = 28, labels: int = 1) -> Path:
        rng = np.random.default_rng(0)
        arrays = {}
        for part, count in (("train", 20), ("val", 6), ("test", 8)):
            arrays[f"{part}_images"] = rng.integers(0, 256, (count, size, size), dtype=np.uint8)
            marks = (np.arange(count) % 2)[:, None]
            arrays[f"{part}_labels"] = marks if labels == 1 else rng.integers(0, 2, (count, labels))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
        return path

    return write


@pytest.fixture
def registered(
    tmp_path: Path, write_npz: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """Let ``pneumoniamnist`` mean a tiny file, whose bytes are returned."""
    body = write_npz(tmp_path / "made.npz").read_bytes()
    file = RemoteFile("pneumoniamnist.npz", hashlib.md5(body).hexdigest(), len(body))
    monkeypatch.setitem(registry.FAMILIES["pneumoniamnist"].files, 28, file)
    return body
