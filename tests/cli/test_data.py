"""``minicnn data``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINICNN_DATA_DIR", str(tmp_path / "cache"))
    # Nothing listens here: a download must fail, and at once.
    monkeypatch.setenv("MINICNN_MIRROR", "http://127.0.0.1:9/")


def test_list_says_what_is_here(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "pneumoniamnist_64.npz").write_bytes(b"x")
    result = cli("data", "list")
    assert result.code == 0
    lines = {line.split()[0]: line for line in result.out.splitlines() if line}
    assert "drawn" in lines["phantom"] and "CC BY 4.0" in lines["chestmnist"]
    got = cli("data", "list", "--json").json
    by_name = {entry["name"]: entry for entry in got["data"]}
    assert by_name["pneumoniamnist"]["cached"] == [64]
    assert by_name["chestmnist"]["cached"] == []
    assert got["cache"] == str(tmp_path / "cache")


def test_info(cli: Cli, dataset: Path) -> None:
    result = cli("data", "info", dataset)
    assert result.code == 0
    assert "28x28 pixels, grey, 2 classes" in result.out
    assert ["images", "30", "12", "20"] in [line.split() for line in result.out.splitlines()]
    got = cli("data", "info", dataset, "--json").json
    assert got["parts"]["train"]["classes"] == {"normal": 15, "pneumonia": 15}


def test_info_says_what_was_skipped(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("ill", "well"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 255, (20, 20)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{i}.png")
    (tmp_path / "set" / "ill" / "text.png").write_text("no image")
    result = cli("data", "info", tmp_path / "set", "--size", "28")
    assert result.code == 0
    assert "minicnn: note:" in result.err and "text.png" in result.err
    assert "28x28" in result.out


@pytest.mark.parametrize("extra", [[], ["--seed", "3"], ["--count", "5", "--split", "all"]])
def test_montage(cli: Cli, dataset: Path, tmp_path: Path, extra: list[str]) -> None:
    out = tmp_path / "sheet.png"
    result = cli("data", "montage", dataset, "--out", out, "--json", *extra)
    assert result.code == 0
    assert result.json["count"] == (5 if "5" in extra else 24)
    with Image.open(out) as image:
        assert image.format == "PNG" and image.width > 300


def test_montage_by_seed(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    def sheet(seed: int) -> bytes:
        out = tmp_path / "s.png"
        words = ("--out", out, "--count", 1, "--seed", seed)
        assert cli("data", "montage", dataset, *words).code == 0
        return out.read_bytes()

    assert sheet(1) == sheet(1)
    assert len({sheet(seed) for seed in range(8)}) > 1


def test_errors(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    cli("data", "info", tmp_path / "nothing.npz").assert_error("nothing.npz", "does not exist")
    cli("data", "info", "pneumonia").assert_error("neither a registered data set", "Did you mean")
    cli("data", "montage", dataset, "--out", tmp_path / "no" / "s.png").assert_error(
        "existing folder"
    )
    cli("data", "montage", dataset, "--out", "s.gif").assert_error("ending in .png")
    cli("data", "montage", dataset).assert_error("--out")
    cli("data", "download", "phantom").assert_error("nothing to download")
    cli("data", "download", "nothing").assert_error("neither a registered")
    cli("data", "download", "pneumoniamnist", "--size", "32").assert_error("no images of size 32")
    cli("data", "montage", dataset, "--out", "s.png", "--count", "nan").assert_error("--count")


def test_a_failed_download_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from minicnn.data import cache

    real = cache.downloads.download
    monkeypatch.setattr(
        cache.downloads, "download", lambda *a, **k: real(*a, **(k | {"retries": 0}))
    )
    cli("data", "download", "pneumoniamnist").assert_error("pneumoniamnist.npz")


def test_patients_by_a_pattern(cli: Cli, tmp_path: Path) -> None:
    for name in ("ill", "well"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(12):
            Image.new("L", (20, 20), 9 * i).save(tmp_path / "set" / name / f"p{i // 2}-{i}.png")
    pattern = ["--id-pattern", r"^(p\d+)-"]
    assert "patients" not in cli("data", "info", tmp_path / "set").out
    assert "\npatients" in cli("data", "info", tmp_path / "set", *pattern).out
    sheet = tmp_path / "sheet.png"
    result = cli("data", "montage", tmp_path / "set", *pattern, "--out", sheet, "--count", "1")
    assert result.code == 0 and "1 image of set" in result.out
