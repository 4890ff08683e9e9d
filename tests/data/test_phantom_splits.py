from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn import data
from minicnn.data import phantom


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, str]]:
    """Replace the artist by a quick one and list its commissions."""
    calls: list[tuple[int, int, str]] = []

    def draw(
        count: int, size: int = 28, *, task: str, rng: np.random.Generator, progress: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        calls.append((count, size, task))
        for done in range(100, count + 1, 100):
            progress(done, count)
        images = rng.integers(0, 256, (count, 1, size, size), dtype=np.uint8)
        shape: tuple[int, ...] = (count,) if task == "binary" else (count, 14)
        labels = rng.integers(0, 2, shape)
        # Each image carries its label in a corner, so that a test can compare.
        images[:, 0, 0, 0] = labels if task == "binary" else labels[:, 0]
        return images, labels

    monkeypatch.setattr(phantom, "make_phantoms", draw)
    monkeypatch.setattr(phantom, "CLASSES", ("normal", "pneumonia"))
    names = tuple(f"finding {k}" for k in range(14))
    monkeypatch.setattr(phantom, "FINDINGS", names)
    return calls


def test_the_default_is_large_enough_to_learn_from(drawn: list) -> None:
    told: list[tuple[int, int | None]] = []
    splits = data.load("phantom", progress=lambda done, total: told.append((done, total)))
    assert splits.sizes == {"train": 3500, "val": 500, "test": 1000}
    assert splits.image_shape == (1, 28, 28)
    assert splits.classes == ("normal", "pneumonia")
    assert "no patient" in splits.credit
    assert "drawn with seed" in splits.split["rule"]
    assert told[-1] == (5000, 5000) and len(told) > 5
    assert drawn == [(5000, 28, "binary")]
    for part in (splits.train, splits.val, splits.test):
        assert np.array_equal(part.images[:, 0, 0, 0], part.labels)
    seen = {image.tobytes() for image in splits.part("all").images}
    assert len(seen) == 5000  # no image in two parts


def test_is_drawn_once_and_the_same_for_everybody(
    drawn: list, cache_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = data.load("phantom", count=300)
    calls = len(drawn)
    second = data.load("phantom", count=300)
    assert len(drawn) == calls
    monkeypatch.setenv("MINICNN_DATA_DIR", str(tmp_path / "another computer"))
    monkeypatch.setattr("minicnn.data.cache._usual_dir", lambda: tmp_path / "none")
    third = data.load("phantom", count=300)
    assert len(drawn) == 2 * calls
    for again in (second, third):
        assert np.array_equal(first.part("all").images, again.part("all").images)
        assert np.array_equal(first.part("all").labels, again.part("all").labels)
    assert first.sizes == {"train": 210, "val": 30, "test": 60}


def test_the_real_generator_fits(cache_dir: Path) -> None:
    large = data.load("phantom", count=40)
    small = data.load("phantom", count=30).part("all")
    assert large.sizes == {"train": 28, "val": 4, "test": 8}
    assert large.image_shape == (1, 28, 28)
    assert large.classes == phantom.CLASSES
    assert np.array_equal(small.images, large.part("all").images[:30])
    assert large.part("all").class_counts().min() >= 8
    findings = data.load("phantom-14", count=20)
    assert findings.classes == phantom.FINDINGS
    assert findings.train.labels.shape == (14, 14)


def test_sizes_and_findings(drawn: list) -> None:
    splits = data.load("phantom-14-64", count=20)
    assert splits.image_shape == (1, 64, 64)
    assert splits.multilabel and len(splits.classes) == 14
    assert drawn == [(20, 64, "multilabel")]
    assert data.load("phantom", size=32, count=20).name == "phantom-32"


def test_an_edited_generator_does_not_meet_old_images(
    drawn: list, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data.load("phantom", count=20)
    (tmp_path / "__init__.py").write_text("# another generator")
    monkeypatch.setattr(phantom, "__file__", str(tmp_path / "__init__.py"))
    data.load("phantom", count=20)
    assert len(drawn) == 2


def test_a_damaged_cache_is_drawn_anew(drawn: list, cache_dir: Path) -> None:
    first = data.load("phantom", count=20)
    (kept,) = (cache_dir / "prepared").iterdir()
    kept.write_bytes(kept.read_bytes()[:500])
    again = data.load("phantom", count=20)
    assert np.array_equal(first.train.images, again.train.images)
    assert len(drawn) == 2
