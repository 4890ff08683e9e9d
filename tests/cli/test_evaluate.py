"""``minicnn evaluate``."""

from __future__ import annotations

import dataclasses
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


# ---- operating points, calibration ------------------------------------------------------


def noisy_run(folder: Path, data: Path, make_run: Callable[..., Path], scale: float = 1.0) -> Path:
    """Write a run whose model is right most of the time, on data that are hard to tell apart."""
    rng = np.random.default_rng(5)
    arrays = dict(np.load(data))
    for part in ("train", "val", "test"):
        labels = arrays[f"{part}_labels"].ravel()
        level = 100 + 25 * labels[:, None, None] + 20 * rng.normal(size=(len(labels), 1, 1))
        noise = rng.normal(size=(len(labels), 28, 28)) * 20
        arrays[f"{part}_images"] = np.clip(level + noise, 0, 255).astype(np.uint8)
    np.savez(data, **arrays)
    return make_run(folder, data, [0.0, 12.0 * scale])


@pytest.fixture
def noisy(tmp_path: Path, dataset: Path, make_run: Callable[..., Path]) -> Path:
    return noisy_run(tmp_path / "noisy", dataset, make_run)


def test_thresholds_are_chosen_on_val(cli: Cli, noisy: Path) -> None:
    got = cli("evaluate", noisy, "--threshold", "0.25", "--threshold", "1", "--json").json
    points = got["operating_points"]["pneumonia"]
    names = ["0.5", "given 0.25", "given 1", "youden", "sensitivity 0.95"]
    assert [p["name"] for p in points] == names
    assert points[2]["sensitivity"] == 0 and points[2]["ppv"] is None
    assert points[3]["chosen_on"] == "12 val images of small"
    assert got["chosen"]["thresholds"]["pneumonia"]["youden"] == points[3]["margin"]
    assert got["calibration"]["scaled"]["fitted_on"] == "12 val images of small"
    assert not any("too good" in note for note in got["notes"])


def test_another_target(cli: Cli, noisy: Path) -> None:
    got = cli("evaluate", noisy, "--target-sensitivity", "0.5", "--json").json
    last = got["operating_points"]["pneumonia"][-1]
    assert last["name"] == "sensitivity 0.5" and got["chosen"]["target"] == 0.5


def test_measuring_the_images_one_chose_on_is_said(cli: Cli, noisy: Path) -> None:
    for part in ("val", "all"):
        assert "figures are too good" in cli("evaluate", noisy, "--split", part).err


def test_a_choice_kept_with_the_run_is_taken(cli: Cli, noisy: Path, tmp_path: Path) -> None:
    first = cli("evaluate", noisy, "--split", "val", "--json").json
    first["chosen"]["source"] = "those images"
    first["chosen"]["thresholds"]["pneumonia"]["youden"] = 0.125
    (noisy / "metrics.json").write_text(json.dumps(first))
    got = cli("evaluate", noisy, "--json").json
    points = {p["name"]: p for p in got["operating_points"]["pneumonia"]}
    assert points["youden"]["margin"] == 0.125
    assert points["youden"]["chosen_on"] == "those images"
    # A damaged one is not.
    (noisy / "metrics.json").write_text("[1, 2")
    got = cli("evaluate", noisy, "--json").json
    assert got["chosen"]["source"] == "12 val images of small"


def test_the_tables_of_operating_points_and_calibration(cli: Cli, noisy: Path) -> None:
    out = cli("evaluate", noisy).out
    rows = [line.split() for line in out.splitlines()]
    assert ["operating", "point", "threshold", "sensitivity", "specificity", "PPV", "NPV"] in rows
    assert any(row[:1] == ["youden"] for row in rows)
    assert "chosen on 12 val images of small" in out
    assert any(row[:2] == ["as", "trained"] for row in rows)


def test_several_labels_have_an_operating_point_each(cli: Cli, several_run: Path) -> None:
    result = cli("evaluate", several_run)
    assert "edema: youden" in result.out and "hernia: fixed" in result.out
    assert "No threshold could be chosen for hernia" in result.err


def test_bad_thresholds(cli: Cli, run: Path) -> None:
    for value in ("1.5", "-0.1", "nan", "half"):
        cli("evaluate", run, f"--threshold={value}").assert_error("--threshold", value)
    for value in ("0", "1.2", "inf"):
        cli("evaluate", run, f"--target-sensitivity={value}").assert_error(
            "--target-sensitivity", value
        )


def test_one_class_in_the_split(cli: Cli, noisy: Path, dataset: Path) -> None:
    rewrite(dataset, test_labels=np.ones((20, 1), np.int64))
    result = cli("evaluate", noisy, "--json")
    got = result.json
    assert got["auc"] is None and "No examples of: normal" in result.err
    assert got["operating_points"]["pneumonia"][0]["specificity"] is None
    rewrite(dataset, val_labels=np.zeros((12, 1), np.int64))
    result = cli("evaluate", noisy, "--corruptions", "--out", noisy.parent / "out")
    assert result.code == 0
    assert "No threshold could be chosen for pneumonia" in result.err


def test_a_model_that_gives_nan(
    cli: Cli, tmp_path: Path, dataset: Path, make_run: Callable[..., Path]
) -> None:
    broken = make_run(tmp_path / "broken", dataset, [float("nan"), 1.0])
    with np.errstate(invalid="ignore"):
        cli("evaluate", broken).assert_error("NaN", "look at the model")


# ---- corruptions ------------------------------------------------------------------------


def test_corruptions(cli: Cli, noisy: Path, tmp_path: Path) -> None:
    from minicnn.data.corruptions import NAMES

    out = tmp_path / "robust"
    result = cli("evaluate", noisy, "--corruptions", "--out", out, "--json")
    found = result.json["robustness"]
    assert list(found["corruptions"]) == list(NAMES)
    assert all(len(c["balanced_error"]) == 5 for c in found["corruptions"].values())
    assert found["thresholds"] == "12 val images of small"
    # The model looks at brightness alone: what changes it is worst.
    worst = max(found["corruptions"], key=lambda name: found["corruptions"][name]["mean"])
    assert worst in ("brightness up", "brightness down", "gamma down", "gamma up")
    assert found["relative"] > 0
    assert {"robustness.png", "corrupted.png"} <= {p.name for p in out.iterdir()}
    report = (out / "report.html").read_text()
    assert "<h2>Robustness</h2>" in report and "--corruptions" in report
    assert cli("evaluate", noisy, "--corruptions", "--json").json["robustness"] == found
    rows = [line.split() for line in cli("evaluate", noisy, "--corruptions").out.splitlines()]
    head = ["balanced", "error", "1", "2", "3", "4", "5", "mean", "relative"]
    assert head in rows
    assert len(next(row for row in rows if row[:2] == ["brightness", "up"])) == 9


def test_corruptions_of_black_images(cli: Cli, run: Path, dataset: Path) -> None:
    rewrite(dataset, test_images=np.zeros((20, 28, 28), np.uint8))
    got = cli("evaluate", run, "--corruptions", "--json").json
    assert got["robustness"]["clean"]["balanced_error"] == 0.5


# ---- two models -------------------------------------------------------------------------


@pytest.fixture
def weaker(tmp_path: Path, noisy: Path, dataset: Path, make_run: Callable[..., Path]) -> Path:
    """Return a run with a model that looks at the upper left corner alone."""
    from minicnn.storage import load, read_metadata, save

    folder = make_run(tmp_path / "weaker", dataset, [0.0, 12.0])
    model, facts = load(folder / "model.npz"), read_metadata(folder / "model.npz")
    weights = model.params["1.weight"].reshape(2, 28, 28)
    weights[:, 3:], weights[:, :, 3:] = 0, 0
    weights *= 28 * 28 / 9
    save(model, folder / "model.npz", facts)
    return folder


def test_two_models_on_the_same_images(cli: Cli, noisy: Path, weaker: Path, tmp_path: Path) -> None:
    out = tmp_path / "both"
    result = cli("evaluate", noisy, weaker, "--out", out, "--json")
    assert result.code == 0
    got = result.json
    assert json.loads((out / "metrics.json").read_text()) == got
    assert got["names"] == ["noisy", "weaker"] and got["n"] == 20
    alone = [cli("evaluate", m, "--json").json for m in (noisy, weaker)]
    for key, one in zip("ab", alone, strict=True):
        assert got[key]["auc"] == one["auc"] and got[key]["intervals"] == one["intervals"]
    d = got["comparison"]["differences"]["auc"]
    assert d["difference"] == pytest.approx(alone[1]["auc"] - alone[0]["auc"])
    assert {p.name for p in out.iterdir()} == {
        "metrics.json",
        "report.html",
        "roc.png",
        "differences.png",
    }
    report = (out / "report.html").read_text()
    assert "noisy and weaker on small" in report and "Not for clinical use" in report
    assert "http" not in report.replace("http-equiv", "")
    back = cli("evaluate", weaker, noisy, "--json").json["comparison"]
    assert back["differences"]["auc"]["difference"] == -d["difference"]
    assert back["mcnemar"]["all"]["only_a"] == got["comparison"]["mcnemar"]["all"]["only_b"]


def test_the_table_of_two_models(cli: Cli, noisy: Path, weaker: Path) -> None:
    out = cli("evaluate", noisy, weaker).out
    rows = [line.split() for line in out.splitlines()]
    assert ["noisy", "weaker", "difference", "95", "%"] in rows
    assert "DeLong's test" in out and "McNemar's test" in out and "only noisy right" in out


def test_a_model_beside_itself(cli: Cli, noisy: Path) -> None:
    got = cli("evaluate", noisy, noisy, "--json").json
    assert len(set(got["names"])) == 2
    assert got["comparison"]["delong"]["pneumonia"]["p"] == 1


def test_classes_in_another_order_are_matched_in_both(
    cli: Cli, noisy: Path, dataset: Path, tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    turned = make_run(tmp_path / "turned", dataset, [12.0, 0.0], classes=["Pneumonia", "NORMAL"])
    got = cli("evaluate", noisy, turned, "--json").json["comparison"]
    assert got["mcnemar"]["all"] == {"only_a": 0, "only_b": 0, "p": 1.0}
    assert got["differences"]["auc"]["difference"] == 0
    got = cli("evaluate", turned, noisy, "--json").json["comparison"]
    assert got["mcnemar"]["all"] == {"only_a": 0, "only_b": 0, "p": 1.0}


def test_two_models_of_several_labels(cli: Cli, several_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "both"
    got = cli("evaluate", several_run, several_run, "--out", out, "--json").json
    assert set(got["comparison"]["delong"]) == {"edema", "mass", "hernia"}
    assert got["comparison"]["delong"]["hernia"]["p"] is None
    assert (out / "report.html").is_file()


def test_models_of_two_sizes_meet_on_a_folder(
    cli: Cli, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minicnn.data.preprocess import Preprocess
    from minicnn.layers import Flatten, Linear
    from minicnn.model import Sequential
    from minicnn.storage import save

    for name, level in (("normal", 20), ("pneumonia", 230)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(10):
            Image.new("L", (50, 40), level + i).save(tmp_path / "set" / name / f"{i}.png")
    large = Sequential(Flatten(), Linear(32 * 32, 2))
    large.params["1.weight"][...] = np.array([[-1], [1]]) / 1024
    large.params["1.bias"][...] = 0
    facts = {
        "task": "classification",
        "classes": ["normal", "pneumonia"],
        "input_shape": [1, 32, 32],
        "preprocess": Preprocess.from_config(
            {"steps": [{"step": "normalize", "mean": [0.5], "std": [0.2]}]}
        ).to_config(),
    }
    save(large, tmp_path / "large.npz", facts)
    words = ["evaluate", run, tmp_path / "large.npz"]
    got = cli(*words, "--data", tmp_path / "set", "--split", "all", "--json").json
    assert got["n"] == 20 and got["comparison"]["mcnemar"]["all"]["p"] == 1
    # An array file comes in one size.
    cli(*words).assert_error("28x28", "32x32")

    from minicnn.cli import evaluate_two

    real = evaluate_two.load_for

    def turned(trained: Any, *args: Any, **options: Any) -> Any:
        splits = real(trained, *args, **options)
        backwards = splits.test.subset(np.arange(len(splits.test))[::-1])
        return dataclasses.replace(splits, test=backwards) if trained.run is None else splits

    monkeypatch.setattr(evaluate_two, "load_for", turned)
    cli(*words, "--data", tmp_path / "set").assert_error("not the same ones")


def test_images_of_two_sizes_must_be_the_same_ones(run: Path) -> None:
    from minicnn.cli.evaluate_two import _check_same_images
    from minicnn.cli.trained import open_trained
    from minicnn.data.dataset import Dataset
    from minicnn.errors import DataError

    models = [open_trained(run)] * 2

    def part(labels: list[int], names: str | None = None) -> Dataset:
        images = np.zeros((len(labels), 1, 8, 8), np.uint8)
        return Dataset(images, np.array(labels), ("a", "b"), None, names and list(names))

    _check_same_images(models, part([0, 1, 1]), part([0, 1, 1]), [0, 1])
    _check_same_images(models, part([0, 1, 1]), part([1, 0, 0]), [1, 0])
    for other in (part([0, 1, 0]), part([0, 1]), part([1, 0, 0])):
        with pytest.raises(DataError, match="not the same ones"):
            _check_same_images(models, part([0, 1, 1]), other, [0, 1])
    with pytest.raises(DataError, match="not the same ones"):
        _check_same_images(models, part([0, 1, 1], "xyz"), part([0, 1, 1], "xzy"), [0, 1])


def test_models_that_do_not_go_together(
    cli: Cli,
    run: Path,
    several_run: Path,
    dataset: Path,
    tmp_path: Path,
    make_run: Callable[..., Path],
) -> None:
    cli("evaluate", run, several_run).assert_error("one class per image", "several labels")
    other = make_run(tmp_path / "other", dataset, [1.0, 2.0], classes=["cat", "dog"])
    cli("evaluate", run, other).assert_error("cat, dog", "normal, pneumonia", "same classes")
    elsewhere = make_run(tmp_path / "elsewhere", tmp_path / "different.npz", [1.0, 2.0])
    cli("evaluate", run, elsewhere).assert_error("small.npz", "different.npz", "--data SPEC")
    assert cli("evaluate", run, elsewhere, "--data", dataset).code == 0
    cli("evaluate", run, run, run).assert_error("3 models", "two to compare")
    cli("evaluate", run, run, "--corruptions").assert_error("--corruptions", "one model")
    cli("evaluate", run, run, "--threshold", "0.3").assert_error("--threshold", "one model")


def test_the_card_says_what_a_model_was_trained_on(
    cli: Cli, run: Path, tmp_path: Path, make_data: Callable[..., Path]
) -> None:
    other = make_data(tmp_path / "other.npz", seed=3)
    cli("evaluate", run, "--data", other, "--out", tmp_path / "out")
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Model card" in report and "Intended use" in report
    assert "Measured on other" in report and "Trained on 30 images of other" not in report
