"""``minicnn tune``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minicnn.cli import tune
from minicnn.locks import exclusive
from minicnn.tuning import display, settings
from minicnn.tuning.ranking import METRICS

Cli = Callable[..., Any]
SPACE = 'model = "lenet"\nwidth = 0.25\nlr = {log_uniform = [1e-4, 1e-2]}\nbatch_size = [8, 15]\n'


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.toml"
    path.write_text(SPACE)
    return path


def test_a_search_and_a_training_with_its_best(
    cli: Cli, dataset: Path, space: Path, tmp_path: Path
) -> None:
    out = tmp_path / "search"
    words = ["--data", dataset, "--space", space, "--trials", "2", "--epochs", "1"]
    result = cli("tune", *words, "--out", out)
    assert result.code == 0
    assert f"minicnn train --config {out / 'best.json'}" in result.out
    assert "test is never loaded" in result.err and "optimistic" in result.err
    assert result.err.count("] trial ") == 2
    assert {p.name for p in out.iterdir()} == {
        *("search.json", "trials", "table.csv", "parallel.png", "best.json", "results.json"),
    }
    again = cli("tune", "--resume", out, "--json")
    assert again.json == json.loads((out / "results.json").read_text())

    run = tmp_path / "run"
    result = cli("train", "--config", out / "best.json", "--seed", "4", "--out", run)
    assert result.code == 0
    recipe = json.loads((run / "config.json").read_text())["recipe"]
    best = json.loads((out / "best.json").read_text())
    assert recipe["lr"] == best["lr"] and recipe["width"] == 0.25 and recipe["epochs"] == 1


def test_ctrl_c_says_how_to_go_on(
    cli: Cli, dataset: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Any, result: Any) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "search"
    with monkeypatch.context() as patch:
        patch.setattr(display.Display, "finished", interrupt)
        words = ["--data", dataset, "--space", space, "--trials", "2", "--epochs", "1"]
        result = cli("tune", *words, "--out", out)
    assert result.code == 130
    assert f"1 finished trainings are kept; go on with: minicnn tune --resume {out}" in result.err
    result = cli("tune", "--resume", out)
    assert result.code == 0 and "1 training done before" in result.err


def test_bad_input_is_refused(cli: Cli, dataset: Path, space: Path, tmp_path: Path) -> None:
    def refuse(*words: Any, says: str) -> None:
        out = tmp_path / "out"
        cli("tune", "--data", dataset, "--out", out, *words).assert_error(says)
        assert not out.exists()

    refuse("--trials", "0", says="--trials")
    refuse("--jobs", "0", says="--jobs")
    refuse("--eta", "1", says="--eta")
    refuse("--eta", "2", says="--eta is for successive halving")
    refuse("--min-epochs", "2", says="--min-epochs is for successive halving")
    refuse("--method", "grid", says="'grid' is unknown")
    refuse("--metric", "f1", says="'f1' is unknown")
    refuse("--space", tmp_path / "nowhere.json", says="cannot read the space")
    refuse("--size", "64", says="size is 64")
    refuse("--split-by", "image", says="brings its own split")
    refuse(says="batches of up to 128 images but train has only 30")
    for text, says in (
        ("lrr = 1", "did you mean lr"),
        ("lr = {uniform = [1, 1]}", "empty range"),
        ("lr = {log_uniform = [0, 1]}", "no logarithm"),
        ("lr = ", "not TOML"),
    ):
        space.write_text(text + "\n")
        refuse("--space", space, says=says)
    space.write_text("epochs = [1, 2]\n")
    refuse("--space", space, "--method", "halving", says="drop them from the space")


def test_folders_are_guarded(cli: Cli, dataset: Path, space: Path, tmp_path: Path) -> None:
    out = tmp_path / "search"
    words = ["--data", dataset, "--space", space, "--trials", "1", "--epochs", "1"]
    assert cli("tune", *words, "--out", out).code == 0
    cli("tune", *words, "--out", out).assert_error("already holds a run", "minicnn tune --resume")
    cli("tune", "--resume", out, "--trials", "3").assert_error("cannot take --trials")
    cli("tune", "--resume", tmp_path).assert_error("holds no search.json", "minicnn tune --out")
    cli("train", "--resume", out).assert_error("holds no config.json")
    (out / "results.json").unlink()
    with exclusive(out / ".lock"):
        cli("tune", "--resume", out).assert_error("another process is at work")
    config = json.loads((out / "search.json").read_text())
    config["settings"]["method"] = "magic"
    (out / "search.json").write_text(json.dumps(config))
    cli("tune", "--resume", out).assert_error("damaged")


def test_names_are_said_alike_on_both_floors() -> None:
    assert tune.METHODS == settings.METHODS and tuple(METRICS) == tune.METRICS
