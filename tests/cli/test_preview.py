"""``minicnn data preview`` and ``minicnn data montage --augment``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.cli.augmented import changed
from minicnn.cli.preview import stages
from minicnn.data.augment import Augment
from minicnn.data.augment.mixup import draw_mix
from minicnn.data.preprocess.spec import parse_preprocess

Cli = Callable[..., Any]
Data = Callable[..., Path]


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.size


# ---- before and after -------------------------------------------------------------------


def test_preview(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.png"
    words = ("data", "preview", dataset, "--out", out)
    result = cli(*words, "--step", "clahe:tiles=2", "--step", "crop:size=20", "--json")
    assert result.code == 0
    assert result.json["image_shape"] == [1, 20, 20]
    assert [step["step"] for step in result.json["steps"]] == ["clahe", "crop"]
    assert result.json["count"] == 4
    two = size(out)
    result = cli(*words, "--step", "median", "--count", "2", "--seed", "3", "--split", "all")
    assert result.code == 0 and "2 images of small before and after" in result.out
    one = size(out)
    assert one[0] < two[0] and one[1] < two[1]


def test_preview_of_a_normalisation_measures_it(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    words = ("data", "preview", dataset, "--out", tmp_path / "p.png", "--json")
    steps = cli(*words, "--step", "equalize", "--step", "normalize").json["steps"]
    assert 0.3 < steps[1]["mean"][0] < 0.7
    assert cli(*words, "--step", "normalize-image").code == 0


def test_preview_in_colour_and_of_several_findings(
    cli: Cli, make_data: Data, several: Path, tmp_path: Path
) -> None:
    colour = make_data(tmp_path / "colour.npz", channels=3)
    for data in (colour, several):
        for extra in (["--step", "align"], ["--step", "normalize"]):
            assert cli("data", "preview", data, "--out", tmp_path / "p.png", *extra).code == 0


def test_stages_are_what_the_pipeline_does_step_by_step() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 12, 12)).astype(np.uint8)
    words = ["median", "crop:size=8", "normalize:mean=0.5,std=0.25"]
    steps = parse_preprocess(words).steps
    columns = stages(images, steps, words)
    assert [head.split("\n")[0] for head, _ in columns] == [
        "as it is",
        "median",
        "crop",
        "normalize",
    ]
    np.testing.assert_allclose(columns[0][1], images / 255, rtol=1e-6)
    np.testing.assert_array_equal(columns[2][1], steps[1](steps[0](columns[0][1])))
    # 0.5 is normalised to 0, which is shown as middle grey; two deviations are white.
    np.testing.assert_allclose(columns[3][1], columns[2][1], atol=1e-6)


def test_preview_errors(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    words = ("data", "preview", dataset, "--out", tmp_path / "p.png")
    cli(*words).assert_error("at least one", "--step clahe")
    cli(*words, "--step", "clahee").assert_error("did you mean 'clahe'")
    cli(*words, "--step", "crop:size=40").assert_error("size is 40", "28 x 28")
    cli(*words, "--step", "normalize", "--step", "median").assert_error("impossible order")
    cli("data", "preview", dataset, "--step", "median").assert_error("--out")
    cli("data", "preview", dataset, "--step", "median", "--out", "no/p.png").assert_error(
        "existing folder"
    )
    assert not (tmp_path / "p.png").exists()


# ---- augmented contact sheets -----------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "count", "draws"),
    [
        (["--augment"], 5, 7),
        (["--augment", "--count", "2", "--draws", "3"], 2, 3),
        (["--augment-with", "noise=0.1,mixup=0.4,cutout=0.5,blur=1"], 5, 7),
        (["--augment", "--step", "crop:size=20", "--seed", "1"], 5, 7),
    ],
)
def test_augmented(
    cli: Cli, dataset: Path, tmp_path: Path, extra: list[str], count: int, draws: int
) -> None:
    out = tmp_path / "sheet.png"
    result = cli("data", "montage", dataset, "--out", out, "--json", *extra)
    assert result.code == 0
    assert (result.json["count"], result.json["draws"]) == (count, draws)
    assert result.json["augment"]["rotation"] == 10
    width, height = size(out)
    assert width == pytest.approx(144 * 1.39 * (draws + 1), abs=30) and height > 100
    assert cli("data", "montage", dataset, "--out", out, *extra).code == 0


def test_the_seed_of_a_sheet_decides_its_draws(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    def sheet(*extra: str) -> bytes:
        out = tmp_path / "s.png"
        assert cli("data", "montage", dataset, "--out", out, "--augment", *extra).code == 0
        return out.read_bytes()

    assert sheet() == sheet()
    assert sheet("--seed", "1") == sheet("--seed", "1") != sheet("--seed", "2")


def test_augmented_errors(cli: Cli, dataset: Path, tmp_path: Path) -> None:
    words = ("data", "montage", dataset, "--out", tmp_path / "s.png")
    cli(*words, "--draws", "3").assert_error("--draws", "--augment")
    cli(*words, "--step", "clahe").assert_error("--step", "data preview")
    cli(*words, "--augment-with", "nois=1").assert_error("did you mean 'noise'")
    cli(*words, "--augment-with", "noise=2").assert_error("noise is 2")
    cli(*words, "--augment", "--step", "crop:size=99").assert_error("size is 99")


def test_a_sheet_shows_what_mix_up_does() -> None:
    x = np.random.default_rng(0).random((4, 1, 8, 8))
    off = dict.fromkeys(Augment().to_config(), 0.0)
    np.testing.assert_array_equal(changed(x, Augment(**off), np.random.default_rng(1)), x)
    mixed = changed(x, Augment(**off | {"mixup": 5.0}), np.random.default_rng(1))
    rng = np.random.default_rng(1)
    rng.uniform(size=(8, 4))  # those of the changes that are off
    mix = draw_mix(4, 5.0, rng)
    assert mix.share < 0.95
    np.testing.assert_array_equal(mixed, mix(x))
