from __future__ import annotations

import json

import numpy as np
import pytest

from minicnn.cli import train
from minicnn.cli.main import main
from minicnn.training import job as jobs
from minicnn.training import loop
from minicnn.training.rundir import RunDir

SMALL = ["--model", "lenet", "--epochs", "2", "--batch-size", "16"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 32), ("val", 16), ("test", 16)):
        images = rng.integers(40, 160, (n, 28, 28))
        images[1::2, 4:12, 4:12] += 60
        arrays[f"{part}_images"] = images.astype(np.uint8)
        arrays[f"{part}_labels"] = (np.arange(n) % 2)[:, None].astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "my squares.npz"
    np.savez(path, **arrays)
    return path


def test_a_training_from_the_command_line(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", "--data", str(data), *SMALL, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "AUC" in captured.out
    assert f"report: {out / 'report.html'}" in captured.out
    for words in ("train 32, val 16, test 16", "lenet, 205,890 parameters", "epoch 2/2", str(out)):
        assert words in captured.err
    assert captured.err.count("Fewer than 10 images with") == 1  # what the figures cannot say

    assert main(["train", "--resume", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads((out / "metrics.json").read_text())
    assert "nothing is left to do" in captured.err


def test_json_stands_alone_on_stdout(data, tmp_path, capsys):
    out = tmp_path / "run"
    options = ["--no-augment", "--l2", "1e-4", "--optimizer", "sgd", "--lr", "0.01", "--seed", "5"]
    assert main(["train", "--data", str(data), *SMALL, *options, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == RunDir(out).read_metrics()
    config = RunDir(out).read_config()
    assert config["options"]["seed"] == 5
    assert config["options"]["data"] == str(data)
    assert config["recipe"]["augment"] is None
    assert config["recipe"]["optimizer"] == "sgd"
    assert config["recipe"]["l2"] == 1e-4


def test_the_default_folder_is_named_after_data_and_model(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = []

    def only_the_folder(self, run, resume=False):
        made.append(run.path.as_posix())
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs.TrainingJob, "run", only_the_folder)
    for model in ([], [], ["--model", "lenet"]):
        assert main(["train", "--data", str(data), *model]) == 130
    assert made == [f"runs/my-squares-{name}" for name in ("lungnet-1", "lungnet-2", "lenet-1")]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (None, "training on pneumoniamnist"),
        ("PneumoniaMNIST is not at hand: no network", "no network\nTraining on the built-in phan"),
    ],
)
def test_without_data_it_says_what_it_takes_instead(tmp_path, monkeypatch, capsys, reason, words):
    spec = "phantom" if reason else "pneumoniamnist"
    monkeypatch.setattr("minicnn.data.default_spec", lambda progress: (spec, reason))
    monkeypatch.setattr(
        jobs.TrainingJob, "run", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    assert main(["train", "--out", str(tmp_path / "run")]) == 130
    assert words in capsys.readouterr().err
    assert RunDir.open(tmp_path / "run").read_config()["options"]["data"] == spec


def test_steps_and_strengths_are_kept_and_said(data, tmp_path, capsys):
    out = tmp_path / "run"
    words = ["--step", "median", "--step", "equalize", "--augment-with", "mixup=0.3"]
    assert main(["train", "--data", str(data), *SMALL, "--out", str(out), *words]) == 0
    err = capsys.readouterr().err
    assert "preprocessing median equalize" in err
    assert "doing the preprocessing of 32 images: median, equalize" in err
    run = RunDir.open(out)
    config = run.read_config()
    assert config["options"]["step"] == ["median", "equalize"]
    assert config["recipe"]["augment"]["mixup"] == 0.3
    assert "--step median --step equalize" in run.report.read_text(encoding="utf-8")


def test_ctrl_c_says_what_is_saved_and_how_to_go_on(data, tmp_path, monkeypatch, capsys):
    out = tmp_path / "my run"
    step, calls = loop.Trainer._step, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 5:  # a rehearsal of two, two steps of epoch 1, the first of epoch 2
            raise KeyboardInterrupt
        return step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "_step", interrupted)
        assert main(["train", "--data", str(data), *SMALL, "--out", str(out)]) == 130
    err = capsys.readouterr().err
    assert f"interrupted; 1 of 2 epochs are saved in {out}; " in err
    assert f"go on with: minicnn train --resume '{out}'" in err
    assert main(["train", "--resume", str(out)]) == 0


def test_ctrl_c_before_the_first_epoch(data, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "fingerprint", interrupted)
        out = str(tmp_path / "run")
        assert main(["train", "--data", str(data), *SMALL, "--out", out]) == 130
    assert "before the first epoch" in capsys.readouterr().err
    monkeypatch.setattr(train, "_options", interrupted)
    assert main(["train", "--data", str(data), *SMALL]) == 130
    assert "before anything was begun" in capsys.readouterr().err


def fails(capsys, *words):
    code = main(["train", *words])
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    line = captured.err.splitlines()[-1]
    assert line.startswith("minicnn: error: ")
    assert "Traceback" not in captured.err
    return line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "pneumoniamnits"], "pneumoniamnist"),
        (["--data", "no/such.npz"], "does not exist"),
        (["--model", "lenett"], "did you mean 'lenet'"),
        (["--optimizer", "adan"], "did you mean 'adam'"),
        (["--epochs", "0"], "'0' does not fit"),
        (["--lr", "nan"], "'nan'"),
        (["--l1", "-1"], "'-1'"),
        (["--seed", "-3"], "'-3'"),
        (["--batch-size", "1000"], "batch_size is 1000 but there are only 32"),
        (["--lr", "1e30", "--optimizer", "sgd"], "(--lr, now"),
        (["--step", "clahee"], "did you mean 'clahe'"),
        (["--step", "normalize", "--step", "clahe"], "impossible order"),
        (["--step", "crop:size=40"], "crop: size is 40, but the images have 28 x 28"),
        (["--augment-with", "nois=1"], "did you mean 'noise'"),
        (["--augment-with", "noise=0.1", "--no-augment"], "augmentation is off"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_bad_input_is_one_clear_line(data, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    if "--data" not in words:
        words = ["--data", str(data), *words]
    if "--model" not in words:
        words = [*words, "--model", "lenet"]
    assert message in fails(capsys, *words)
    if "--lr" not in words:
        assert list(tmp_path.iterdir()) == []


def test_an_output_folder_in_use_is_refused_before_anything_else(data, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")
    assert "not empty" in fails(capsys, "--data", str(data), "--out", str(tmp_path))
    assert "is a file" in fails(capsys, "--data", str(data), "--out", str(tmp_path / "letter.txt"))


def test_resume_takes_no_other_options(tmp_path, capsys):
    line = fails(capsys, "--resume", str(tmp_path), "--epochs", "9", "--no-augment")
    assert "--epochs, --augment" in line
    assert "no run folder" in fails(capsys, "--resume", str(tmp_path / "nowhere"))
    assert "config.json" in fails(capsys, "--resume", str(tmp_path))


def test_help_shows_an_example(capsys):
    assert main(["train", "--help"]) == 0
    assert "minicnn train --resume runs/first" in capsys.readouterr().out
