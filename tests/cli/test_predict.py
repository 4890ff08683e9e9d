"""``minicnn predict``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minicnn.cli import predict

Cli = Callable[..., Any]


def test_files_of_any_size_and_kind(cli: Cli, run: Path, images: Path) -> None:
    result = cli("predict", run, images / "dark.png", images / "bright.jpeg")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert [row[:2] for row in rows] == [
        [str(images / "dark.png"), "normal"],
        [str(images / "bright.jpeg"), "pneumonia"],
    ]
    assert all(0.5 < float(row[2]) <= 1 for row in rows)
    assert "not for clinical use" in result.err


def test_the_stored_preprocessing_is_applied(cli: Cli, run: Path, images: Path) -> None:
    # score = 3 (v / 255 - 0.5) / 0.2 for class 1 and minus that for class 0, v = 20
    got = cli("predict", run, images / "dark.png", "--json").json["predictions"][0]
    score = 3 * (20 / 255 - 0.5) / 0.2
    expected = 1 / (1 + np.exp(-2 * score))
    assert got["probabilities"]["pneumonia"] == pytest.approx(expected, rel=1e-3)


def test_folders_are_searched(cli: Cli, run: Path, images: Path) -> None:
    (images / "notes.txt").write_text("not an image, and no reason to complain")
    (images / ".hidden.png").write_text("nor this")
    got = cli("predict", run, images, "--json").json
    assert [Path(p["file"]).name for p in got["predictions"]] == [
        "bright.jpeg",
        "dark.png",
        "colour.png",
    ]
    assert got["classes"] == ["normal", "pneumonia"] and got["failed"] == []
    assert got["notice"] == "not for clinical use"
    assert sum(got["predictions"][0]["probabilities"].values()) == pytest.approx(1)


def test_batches_change_nothing(
    cli: Cli, run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cli("predict", run, images, "--json").json
    monkeypatch.setattr(predict, "BATCH", 2)
    assert cli("predict", run, images, "--json").json == whole


def test_several_labels(cli: Cli, several_run: Path, images: Path) -> None:
    result = cli("predict", several_run, images / "dark.png", images / "bright.jpeg")
    dark, bright = result.out.splitlines()
    assert "mass" in dark and "hernia" in dark and "edema" not in dark
    assert "edema" in bright and "mass" not in bright
    got = cli("predict", several_run, images / "bright.jpeg", "--json").json["predictions"][0]
    assert got["findings"] == ["edema"] and set(got["probabilities"]) == {"edema", "mass", "hernia"}
    Image.new("L", (28, 28), 120).save(images / "middle.png")
    got = cli("predict", several_run, images / "middle.png", "--json").json["predictions"][0]
    assert 0.2 < got["probabilities"]["edema"] < 0.5 and got["findings"] == ["mass", "hernia"]


def test_no_finding_is_said(cli: Cli, several_run: Path, tmp_path: Path) -> None:
    from minicnn.storage import load, read_metadata, save

    model = load(several_run / "model.npz")
    model.params["1.bias"][...] = -99
    save(model, several_run / "model.npz", read_metadata(several_run / "model.npz"))
    Image.new("L", (28, 28), 128).save(tmp_path / "x.png")
    assert "no finding above 0.5" in cli("predict", several_run, tmp_path / "x.png").out


def test_bad_files_are_named_and_the_good_ones_are_predicted(
    cli: Cli, run: Path, images: Path, tmp_path: Path
) -> None:
    (images / "text.png").write_text("no image")
    (images / "cut.jpeg").write_bytes((images / "bright.jpeg").read_bytes()[:300])
    (tmp_path / "nothing").mkdir()
    words = ("predict", run, images, "missing.png", tmp_path / "nothing")
    result = cli(*words)
    assert result.code == 2
    assert len(result.out.splitlines()) == 3
    error = result.err.splitlines()[-1]
    assert "4 inputs could not be predicted" in error
    for name in ("text.png", "cut.jpeg", "missing.png", "nothing"):
        assert name in error
    result = cli(*words, "--json")
    assert result.code == 2
    assert len(result.json["predictions"]) == 3 and len(result.json["failed"]) == 4


def test_one_bad_file(cli: Cli, run: Path) -> None:
    cli("predict", run, "missing.png").assert_error("cannot predict missing.png: there is no such")


def test_many_bad_files_are_counted(cli: Cli, run: Path) -> None:
    cli("predict", run, *(f"{i}.png" for i in range(9))).assert_error("9 inputs", "and 4 more")


@pytest.mark.parametrize(
    ("shape", "count"), [((28, 28), 1), ((1, 28, 28), 1), ((4, 28, 28), 4), ((4, 1, 28, 28), 4)]
)
def test_arrays_of_the_models_shape(
    cli: Cli, run: Path, tmp_path: Path, shape: tuple[int, ...], count: int
) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.full(shape, 240, np.uint8))
    got = cli("predict", run, path, "--json").json["predictions"]
    assert [p["class"] for p in got] == ["pneumonia"] * count
    named = [p["file"] for p in got]
    assert named == ([str(path)] if len(shape) == 2 else [f"{path}[{i}]" for i in range(count)])


def test_bytes_and_floats_together(cli: Cli, run: Path, images: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.full((28, 28), 20 / 255))
    got = cli("predict", run, tmp_path / "f.npy", images / "dark.png", "--json").json["predictions"]
    assert got[0]["probability"] == pytest.approx(got[1]["probability"], rel=1e-5)


def test_archives(cli: Cli, run: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.zeros((28, 28), np.uint8), two=np.ones((2, 28, 28)))
    got = cli("predict", run, tmp_path / "a.npz", "--json").json["predictions"]
    assert [p["file"] for p in got] == [
        f"{tmp_path / 'a.npz'}{end}" for end in ("[one]", "[two][0]", "[two][1]")
    ]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((27, 28), np.uint8), ["shape (27, 28)", "(N, 28, 28)"]),
        (np.zeros((28, 28, 3), np.uint8), ["shape (28, 28, 3)"]),
        (np.zeros(784, np.uint8), ["shape (784,)"]),
        (np.zeros((28, 28), np.int64), ["int64"]),
        (np.array([{"a": 1}], dtype=object), ["Python objects"]),
        (np.full((28, 28), np.nan), ["NaN"]),
    ],
)
def test_arrays_that_do_not_fit(
    cli: Cli, run: Path, tmp_path: Path, array: np.ndarray, words: list[str]
) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    cli("predict", run, tmp_path / "a.npy").assert_error("a.npy", *words)


def test_damaged_arrays(cli: Cli, run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((28, 28), np.uint8))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-10])
    cli("predict", run, tmp_path / "cut.npy").assert_error("cut.npy", "damaged")
    (tmp_path / "text.npz").write_text("no archive")
    cli("predict", run, tmp_path / "text.npz").assert_error("text.npz", "damaged")


def test_floats_beyond_one_are_said(cli: Cli, run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((28, 28), 200.0))
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # what a user has; here warnings are errors
        result = cli("predict", run, tmp_path / "a.npy")
    assert result.code == 0
    assert "minicnn: note:" in result.err and "floats from 200 to 200" in result.err


def test_patterns_a_shell_left_alone(cli: Cli, run: Path, images: Path) -> None:
    got = cli("predict", run, images / "*.png", "--json").json["predictions"]
    assert [Path(p["file"]).name for p in got] == ["dark.png"]
    cli("predict", run, images / "*.tiff").assert_error("no file matches")


def test_models_that_cannot_be_used(cli: Cli, images: Path) -> None:
    cli("predict", "nowhere.npz", images).assert_error("no model file")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_line_break_in_a_name_breaks_no_line(cli: Cli, run: Path, images: Path) -> None:
    strange = (images / "dark.png").rename(images / "a\n  b.png")
    result = cli("predict", run, strange)
    assert result.out.startswith(str(images / r"a\n  b.png") + "  normal")
    assert result.out.count("\n") == 1
    assert cli("predict", run, strange, "--json").json["predictions"][0]["file"] == str(strange)


def test_steps_that_the_stored_image_size_does_not_bear_are_refused(
    cli: Cli, make_run: Callable[..., Path], dataset: Path, images: Path, tmp_path: Path
) -> None:
    steps = [{"step": "crop", "size": 40}, {"step": "normalize", "mean": [0.5], "std": [0.2]}]
    run = make_run(tmp_path / "bad", dataset, [-3.0, 3.0], preprocess={"steps": steps})
    cli("predict", run, images / "dark.png").assert_error("model.npz", "crop: size is 40")


def test_a_bar_is_shown_on_a_terminal_and_never_among_the_answers(
    cli: Cli, run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "shows_bars", lambda: True)
    result = cli("predict", run, images, "--json")
    assert "predicting" in result.err and "3/3" in result.err
    assert len(result.json["predictions"]) == 3
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "predicting" not in cli("predict", run, images).err
    monkeypatch.setattr(predict, "shows_bars", lambda: False)
    assert "predicting" not in cli("predict", run, images, "--json").err


def test_json_is_whole_or_nothing(
    cli: Cli, run: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks after some answers leaves no half an object behind."""
    monkeypatch.setattr(predict, "BATCH", 1)
    calls: list[int] = []
    work = predict._predict

    def breaking(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError
        return work(*args)

    monkeypatch.setattr(predict, "_predict", breaking)
    result = cli("predict", run, images, "--json")
    assert (result.code, result.out) == (2, "")
    assert len(calls) == 3


def test_the_fused_model_predicts(cli: Cli, run: Path, images: Path) -> None:
    from minicnn.backends import use_backend

    plain = cli("predict", run, images, "--json").json["predictions"]
    use_backend("compiled")
    fused = cli("predict", run, images, "--json").json["predictions"]
    for one, other in zip(plain, fused, strict=True):
        assert one["class"] == other["class"]
        assert one["probability"] == pytest.approx(other["probability"], rel=1e-4)
