"""``minicnn data audit``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.cli import audit
from minicnn.data.duplicates import NEAR

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINICNN_DATA_DIR", str(tmp_path / "cache"))


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Write two images of each of 30 patients in two classes; one pair is the same."""
    rng = np.random.default_rng(0)
    for i in range(30):
        for shot in range(2):
            pixels = rng.integers(0, 256, (32, 32)).astype(np.uint8)
            path = tmp_path / "xrays" / ("ill" if i % 2 else "well") / f"p{i}_{shot}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return tmp_path / "xrays"


def test_by_patient_is_clean_and_by_image_leaks(cli: Cli, people: Path, tmp_path: Path) -> None:
    words = ["data", "audit", people, "--size", "32", "--id-pattern", r"^(p\d+)_"]
    clean = cli(*words)
    assert clean.code == 0 and "clean: no image and no patient is in two parts" in clean.out
    leaking = cli(*words, "--split-by", "image", "--out", tmp_path / "pairs.png")
    assert leaking.code == 1 and "LEAKS" in leaking.out
    with Image.open(tmp_path / "pairs.png") as image:
        assert image.format == "PNG"
    got = cli(*words, "--split-by", "image", "--json")
    assert got.code == 1 and got.json["leaks"]
    counted = {k: s["patients"] for k, s in got.json["shared"].items()}
    assert sum(counted.values()) > 5
    # The clean split said so beforehand.
    assert cli(*words, "--json").json["patients_shared_if_split_by_image"] == counted


def test_a_duplicate_in_a_file_is_listed(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 20), ("val", 6), ("test", 8)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count) % 2)[:, None]
    arrays["test_images"][3] = arrays["train_images"][11]
    np.savez(tmp_path / "mine.npz", **arrays)
    result = cli("data", "audit", tmp_path / "mine.npz")
    assert result.code == 1
    assert "identical  train 11 (1) and test 3 (1)" in result.out
    pairs = cli("data", "audit", tmp_path / "mine.npz", "--json").json["pairs"]
    assert [[side["index"] for side in pair["images"]] for pair in pairs] == [[11, 3]]


def test_bad_input_is_refused(cli: Cli, people: Path, tmp_path: Path) -> None:
    cli("data", "audit", people, "--near", "1.1").assert_error("--near", "<= 1")
    cli("data", "audit", people, "--split-by", "ward").assert_error("'ward' is unknown")
    cli("data", "audit", people, "--out", tmp_path / "no" / "a.png").assert_error("cannot be wri")
    cli("data", "audit", tmp_path / "nowhere").assert_error("does not exist")
    cli("data", "audit", "phantom", "--split-by", "image").assert_error("brings its own split")


def test_the_threshold_is_said_alike_on_both_floors() -> None:
    assert audit.NEAR == NEAR


def test_a_run_split_by_image_is_evaluated_on_that_split(
    cli: Cli, people: Path, make_run: Callable[..., Path], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", people, [-3.0, 3.0], classes=["ill", "well"])
    config = json.loads((run / "config.json").read_text())
    config["options"] |= {"id_pattern": r"^(p\d+)_", "size": 28}
    for split_by, leaks in (("image", True), (None, False)):
        config["options"]["split_by"] = split_by
        (run / "config.json").write_text(json.dumps(config))
        result = cli("evaluate", run)
        assert result.code == 0
        assert ("in both train and test" in result.err) == leaks
