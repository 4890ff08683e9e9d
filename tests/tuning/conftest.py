"""A small data set on which a training takes a blink."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minicnn.backends import use_backend


@pytest.fixture(autouse=True)
def _quick_backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spare these tests the compilation, and keep them away from the user's cache."""
    use_backend("vectorized")
    monkeypatch.setenv("MINICNN_DATA_DIR", str(tmp_path / "cache"))


def _write(path: Path, **changes: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 32), ("val", 16), ("test", 16)):
        images = rng.integers(40, 160, (n, 28, 28))
        images[1::2, 4:12, 4:12] += 60
        arrays[f"{part}_images"] = images.astype(np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n) % 2)[:, None].astype(np.uint8)
    np.savez(path, **arrays | changes)
    return path


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return _write(tmp_path / "squares.npz")


@pytest.fixture
def write_squares() -> Callable[..., Path]:
    """Return the function that writes it, with some arrays exchanged."""
    return _write
