"""``minicnn evaluate``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Cli = Callable[..., Any]


def test_a_run_is_measured_on_its_own_test_images(cli: Cli, run: Path) -> None:
    result = cli("evaluate", run, "--json")
    assert result.code == 0
    got = result.json
    assert got["split"] == "test" and got["n"] == 20 and got["data"] == "small"
    assert got["accuracy"] == 1.0 and got["auc"] == 1.0
    assert got["confusion"] == [[10, 0], [0, 10]]
    assert got["intervals"]["accuracy"][0] < 1
    assert got["parameters"] == 2 * 28 * 28 + 2
    assert cli("evaluate", run / "model.npz", "--json").json == got


def test_the_table(cli: Cli, run: Path) -> None:
    result = cli("evaluate", run, "--split", "val")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert ["AUC", "1.000", "[1.000,", "1.000]"] in rows
    assert ["pneumonia", "0", "6"] in rows
    assert "val: 12 images" in result.out


def test_train_images_are_announced(cli: Cli, run: Path) -> None:
    result = cli("evaluate", run, "--split", "all")
    assert "62 images" in result.out and "Among these are the train images" in result.err
    assert "These are the train images" in cli("evaluate", run, "--split", "train").err


def test_several_labels(cli: Cli, several_run: Path) -> None:
    result = cli("evaluate", several_run)
    assert result.code == 0
    assert "hernia" in result.err and "left out of the means" in result.err
    rows = [line.split() for line in result.out.splitlines()]
    assert ["hernia", "0", "undefined"] in [row[:3] for row in rows]
    got = cli("evaluate", several_run, "--json").json
    assert got["labels"]["edema"]["auc"] == 1.0 and got["labels"]["hernia"]["auc"] is None


def test_out_writes_metrics_report_and_pictures(cli: Cli, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    result = cli("evaluate", run, "--out", out, "--json")
    assert result.code == 0
    assert json.loads((out / "metrics.json").read_text()) == result.json
    # No mistakes were made, so there is no picture of them.
    assert {p.name for p in out.iterdir()} == {
        "metrics.json",
        "report.html",
        "confusion.png",
        "roc.png",
        "precision_recall.png",
        "thresholds.png",
        "prevalence.png",
        "reliability.png",
    }
    report = (out / "report.html").read_text()
    assert "tiny on small" in report and f"minicnn evaluate {run}" in report


def rewrite(path: Path, **changes: Any) -> Path:
    arrays = dict(np.load(path))
    arrays |= changes
    np.savez(path, **arrays)
    return path


def test_classes_in_another_order_or_case_are_matched(cli: Cli, run: Path, dataset: Path) -> None:
    before = cli("evaluate", run, "--json").json
    labels = {
        f"{part}_labels": 1 - np.load(dataset)[f"{part}_labels"]
        for part in ("train", "val", "test")
    }
    rewrite(dataset, classes=np.array(["PNEUMONIA", "Normal"]), **labels)
    after = cli("evaluate", run, "--json").json
    assert after == before


def test_columns_in_another_order_are_matched(cli: Cli, several_run: Path, several: Path) -> None:
    before = cli("evaluate", several_run, "--json").json
    order = [2, 0, 1]
    labels = {
        f"{p}_labels": np.load(several)[f"{p}_labels"][:, order] for p in ("train", "val", "test")
    }
    rewrite(several, classes=np.array(["hernia", "edema", "mass"]), **labels)
    after = cli("evaluate", several_run, "--json").json
    assert after == before


def test_what_does_not_fit(
    cli: Cli,
    run: Path,
    several: Path,
    dataset: Path,
    tmp_path: Path,
    make_data: Callable[..., Path],
) -> None:
    wide = make_data(tmp_path / "wide.npz", size=32)
    cli("evaluate", run, "--data", wide).assert_error(
        "32x32 with 1 channel", "28x28 with 1 channel"
    )
    colour = make_data(tmp_path / "colour.npz", channels=3)
    cli("evaluate", run, "--data", colour).assert_error("28x28 with 3 channels")
    cli("evaluate", run, "--data", several).assert_error("one class per image", "several labels")
    rewrite(dataset, classes=np.array(["cat", "dog"]))
    cli("evaluate", run, "--data", dataset).assert_error("cat, dog", "normal, pneumonia")
    cli("evaluate", run, "--data", dataset, "--size", "64").assert_error("size is 64")
    cli("evaluate", run, "--data", "nothing").assert_error("neither a registered data set")


def test_a_folder_is_brought_to_the_models_size(cli: Cli, run: Path, tmp_path: Path) -> None:
    for name, level in (("normal", 20), ("pneumonia", 230)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(6):
            Image.new("L", (50, 40), level + i).save(tmp_path / "set" / name / f"{i}.png")
    got = cli("evaluate", run, "--data", tmp_path / "set", "--split", "all", "--json").json
    assert got["n"] == 12 and got["accuracy"] == 1.0


def test_patients_are_drawn_together(cli: Cli, run: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("normal", 60), ("pneumonia", 160)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(level, level + 40, (28, 28)).astype(np.uint8)
            file = f"{name[0]}{i // 3}-{i}.png"
            Image.fromarray(pixels).save(tmp_path / "set" / name / file)
    config = json.loads((run / "config.json").read_text())
    config["options"] = {"data": str(tmp_path / "set"), "size": 28, "id_pattern": r"^(\w\d+)-"}
    (run / "config.json").write_text(json.dumps(config))
    got = cli("evaluate", run, "--split", "all", "--json").json
    assert got["n"] == 24 and "resamples of patients" in got["interval_method"]


def test_models_that_cannot_be_used(cli: Cli, run: Path, tmp_path: Path, dataset: Path) -> None:
    cli("evaluate", tmp_path / "nowhere").assert_error("no model file and no run folder")
    (tmp_path / "empty").mkdir()
    cli("evaluate", tmp_path / "empty").assert_error("holds no model.npz")
    cli("evaluate", dataset).assert_error("is not a minicnn model")
    alone = tmp_path / "alone.npz"
    alone.write_bytes((run / "model.npz").read_bytes())
    cli("evaluate", alone).assert_error("--data SPEC")
    cut = tmp_path / "cut.npz"
    cut.write_bytes(alone.read_bytes()[:-100])
    cli("evaluate", cut, "--data", dataset).assert_error("cut.npz")
    (run / "model.npz").unlink()
    cli("evaluate", run).assert_error("did not finish", "--resume")


def test_a_model_that_contradicts_itself(
    cli: Cli, tmp_path: Path, dataset: Path, make_run: Callable[..., Path]
) -> None:
    three = make_run(tmp_path / "three", dataset, [1.0, 2.0], classes=["a", "b", "c"])
    cli("evaluate", three).assert_error("names 3 classes", "(1, 2)")
    larger = make_run(tmp_path / "larger", dataset, [1.0, 2.0], input_shape=[1, 64, 64])
    cli("evaluate", larger).assert_error("cannot take the images it names")
    other = make_run(tmp_path / "other", dataset, [1.0, 2.0], task="segmentation")
    cli("evaluate", other).assert_error("'segmentation'")
    steps = make_run(tmp_path / "steps", dataset, [1.0, 2.0], preprocess={"steps": [{"step": "x"}]})
    cli("evaluate", steps).assert_error("preprocessing step 'x'")


def test_a_damaged_configuration_is_no_obstacle_to_other_data(
    cli: Cli, run: Path, dataset: Path
) -> None:
    (run / "config.json").write_text("{")
    cli("evaluate", run).assert_error("config.json", "--data SPEC")
    assert cli("evaluate", run, "--data", dataset).code == 0


def test_a_model_without_metadata(cli: Cli, tmp_path: Path, dataset: Path) -> None:
    from minicnn.layers import Flatten, Linear
    from minicnn.model import Sequential
    from minicnn.storage import save

    save(Sequential(Flatten(), Linear(4, 2)), tmp_path / "bare.npz")
    cli("evaluate", tmp_path / "bare.npz", "--data", dataset).assert_error(
        "does not say", "metadata"
    )


def test_out_is_refused_before_any_work(cli: Cli, run: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("precious")
    cli("evaluate", run, "--out", taken).assert_error("not an empty folder")
    assert [p.name for p in taken.iterdir()] == ["mine.txt"]
    cli("evaluate", run, "--out", taken / "mine.txt").assert_error("not an empty folder")
    cli("evaluate", run, "--data", "nothing", "--out", tmp_path / "fresh").assert_error("nothing")
    assert not (tmp_path / "fresh").exists()


def test_a_read_only_place(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *args: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    cli("evaluate", run, "--out", tmp_path / "new").assert_error("cannot be written", "denied")


def test_a_full_disk_loses_no_figures(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minicnn.plots import confusion

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(confusion, "plot_confusion", full)
    result = cli("evaluate", run, "--out", tmp_path / "new")
    assert result.code == 2 and "No space left on device" in result.err
    assert "AUC" in result.out


def test_data_that_moved_are_said_to_be_those_of_the_training(
    cli: Cli, run: Path, dataset: Path
) -> None:
    moved = dataset.rename(dataset.with_name("elsewhere.npz"))
    cli("evaluate", run).assert_error("was trained on", "small.npz", "--data SPEC")
    assert cli("evaluate", run, "--data", moved).code == 0
    result = cli("evaluate", run, "--data", dataset)
    result.assert_error("does not exist")
    assert "was trained on" not in result.err


def test_patients_by_a_pattern_given(cli: Cli, run: Path, tmp_path: Path) -> None:
    for name, level in (("normal", 60), ("pneumonia", 160)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(12):
            file = tmp_path / "set" / name / f"{name[0]}{i // 3}-{i}.png"
            Image.new("L", (28, 28), level + i).save(file)
    words = ["evaluate", run, "--data", tmp_path / "set", "--split", "all"]
    pattern = ["--id-pattern", r"^(\w\d+)-", "--out", tmp_path / "out"]
    assert "of patients" not in cli(*words, "--json").json["interval_method"]
    assert "of patients" in cli(*words, *pattern, "--json").json["interval_method"]
    assert "--id-pattern" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_line_break_in_a_path_breaks_no_line(cli: Cli, run: Path) -> None:
    strange = run.rename(run.with_name("a\nb\x1b[2J"))
    assert cli("evaluate", strange).out.startswith(str(strange.parent / r"a\nb\x1b[2J") + "/model")
