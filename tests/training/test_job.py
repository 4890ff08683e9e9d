from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minicnn import storage
from minicnn.data.preprocess import Preprocess
from minicnn.errors import ArgumentError, DataError, DivergedError, RunFolderError
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.history import History
from minicnn.training.job import TrainingJob, fingerprint
from minicnn.training.loop import Trainer
from minicnn.training.options import Options
from minicnn.training.predicting import predict_scores
from minicnn.training.rundir import RunDir

RESULTS = [
    "checkpoint.npz",
    "config.json",
    "confusion.png",
    "curves.png",
    "history.csv",
    "metrics.json",
    "model.npz",
    "report.html",
    "roc.png",
]


def write_data(path: Path, findings: int = 0, flip: int | None = None) -> Path:
    """Write a small data set in MedMNIST format: a bright square in one of two corners."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 64), ("val", 20), ("test", 24)):
        images = rng.integers(40, 160, (n, 28, 28))
        if findings:
            labels = rng.integers(0, 2, (n, findings))
            for j in range(findings):
                images[labels[:, j] == 1, 8 * j : 8 * j + 6, 4:24] += 60
        else:
            labels = (np.arange(n) % 2)[:, None]
            images[labels[:, 0] == 1, 4:12, 4:12] += 40
        arrays[f"{part}_images"] = images.astype(np.uint8)
        arrays[f"{part}_labels"] = labels.astype(np.uint8)
    if flip is not None:
        arrays["test_labels"][flip] ^= 1
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "squares.npz")


def job_for(data, **options) -> TrainingJob:
    return TrainingJob(
        Options(data=str(data), **{"model": "lenet", "epochs": 3, "batch_size": 16} | options)
    )


def start(data, path, **options):
    job = job_for(data, **options)
    run = RunDir.create(path, job.config())
    return run, job.run(run)


def weights(run):
    return storage.load(run.model).state_dict()


def assert_same_weights(a, b):
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


# ---- a whole run ------------------------------------------------------------------------


def test_a_run_folder_holds_everything(tmp_path, data):
    run, metrics = start(data, tmp_path / "run")
    assert sorted(p.name for p in run.path.iterdir()) == RESULTS
    assert json.loads(run.metrics.read_text()) == metrics
    contract = "data split n accuracy precision recall f1 auc confusion intervals val"
    assert set(contract.split()) <= metrics.keys()
    assert (metrics["data"], metrics["split"], metrics["n"]) == ("squares", "test", 24)
    assert metrics["val"]["n"] == 20
    assert metrics["train_seconds"] > 0
    assert metrics["parameters"] == sum(p.size for p in storage.load(run.model).params.values())
    assert len(History.from_csv(run.history)) == 3
    config = run.read_config()
    assert config["options"]["data"] == str(data)
    assert config["recipe"]["epochs"] == 3
    page = run.report.read_text(encoding="utf-8")
    assert "lenet on squares" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_model_file_says_all_that_predict_needs(tmp_path, data):
    from minicnn import data as loading

    run, metrics = start(data, tmp_path / "run")
    about = storage.read_metadata(run.model)
    assert about["task"] == "classification"
    assert len(about["classes"]) == 2
    assert about["input_shape"] == [1, 28, 28]
    assert about["data"] == "squares"
    splits = loading.load(data)
    assert about["preprocess"] == Preprocess().fit(splits.train.images).to_config()
    test = splits.test
    scores = predict_scores(
        storage.load(run.model), test.images, Preprocess.from_config(about["preprocess"])
    )
    assert np.mean(scores.argmax(axis=1) == test.labels) == metrics["accuracy"]


def test_several_labels(tmp_path):
    data = write_data(tmp_path / "three.npz", findings=3)
    run, metrics = start(data, tmp_path / "run", epochs=2)
    assert len(metrics["labels"]) == 3
    assert storage.read_metadata(run.model)["task"] == "multilabel"
    assert run.roc.is_file()


def test_the_same_seed_gives_the_same_weights_and_another_others(tmp_path, data):
    first, second, third = (
        start(data, tmp_path / name, epochs=1, seed=seed)[0]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert_same_weights(first, second)
    name = next(iter(weights(first)))
    assert not np.array_equal(weights(first)[name], weights(third)[name])


def test_patience_stops_early_and_keeps_the_best_weights(tmp_path, data, monkeypatch):
    losses = iter([3.0, 2.0, 4.0, 5.0, 6.0])
    monkeypatch.setattr(
        "minicnn.training.loop.Trainer._measure",
        lambda self, dataset, scores: {"loss": next(losses), "accuracy": 0.5, "auc": 0.5},
    )
    said = []
    job = job_for(data, epochs=9, patience=2)
    job.say = said.append
    run = RunDir.create(tmp_path / "run", job.config())
    metrics = job.run(run)
    assert (metrics["epochs"], metrics["kept_epoch"]) == (4, 2)
    assert any("stopped after epoch 4" in line for line in said)
    saved = Checkpoint.load(run.checkpoint)
    best = dict(saved.callbacks)["BestWeights"]
    for name, value in weights(run).items():
        np.testing.assert_array_equal(value, best[f"weights/{name}"])
    assert any(not np.array_equal(v, saved.model[k]) for k, v in weights(run).items())


# ---- killed and resumed -----------------------------------------------------------------


class Killed(BaseException):
    """Like a kill, nothing in the library catches it."""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, data):
    return start(data, tmp_path_factory.mktemp("runs") / "whole")[0]


def kill_in(monkeypatch, where):
    """Make the job die when it calls ``where`` (for an epoch: the second time)."""
    target, calls = where.split("*"), []
    module, _, name = target[0].rpartition(".")
    owner = __import__(module, fromlist=[name]) if "." not in name else None
    original = getattr(owner, name)

    def dying(*args, **kwargs):
        calls.append(1)
        if len(calls) == int(target[1]):
            raise Killed
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, dying)


@pytest.mark.parametrize(
    "where",
    [
        "minicnn.data.load*1",
        "minicnn.training.job.fingerprint*1",
        "minicnn.training.job.rehearse*1",
        "minicnn.training.snapshot.take*1",
        "minicnn.training.snapshot.take*2",
        "minicnn.training.loop.predict_scores*4",
        "minicnn.training.loop.mixed_accuracy*6",
        "minicnn.training.results.predict_scores*1",
        "minicnn.evaluation.results.probabilities*1",
        "minicnn.evaluation.results.write_report*1",
    ],
)
def test_a_run_killed_anywhere_ends_where_an_uninterrupted_one_does(
    tmp_path, data, uninterrupted, monkeypatch, where
):
    with monkeypatch.context() as patch:
        kill_in(patch, where)
        with pytest.raises(Killed):
            start(data, tmp_path / "run")
    run = RunDir.open(tmp_path / "run")
    (run.path / ".model.npz.x7.part").write_bytes(b"half")
    assert not run.finished
    metrics = TrainingJob.of(run).run(run, resume=True)
    assert_same_weights(run, uninterrupted)
    assert metrics["auc"] == uninterrupted.read_metrics()["auc"]
    assert sorted(p.name for p in run.path.iterdir()) == RESULTS
    rows = [
        {k: v for k, v in r.items() if "second" not in k} for r in History.from_csv(run.history)
    ]
    expected = [
        {k: v for k, v in r.items() if "second" not in k}
        for r in History.from_csv(uninterrupted.history)
    ]
    assert rows == expected


def test_finished_epochs_are_not_trained_again(tmp_path, data, monkeypatch):
    with monkeypatch.context() as patch:
        kill_in(patch, "minicnn.training.snapshot.take*3")
        with pytest.raises(Killed):
            start(data, tmp_path / "run")
    trained = []
    epoch = Trainer._run_epoch

    def counting(self, *args):
        trained.append(self.epoch)
        epoch(self, *args)

    monkeypatch.setattr(Trainer, "_run_epoch", counting)
    run = RunDir.open(tmp_path / "run")
    TrainingJob.of(run).run(run, resume=True)
    assert trained == [3]


def test_a_finished_run_is_left_as_it_is(uninterrupted):
    before = {p.name: p.stat().st_mtime_ns for p in uninterrupted.path.iterdir()}
    said = []
    job = TrainingJob.of(uninterrupted, said.append)
    assert job.run(uninterrupted, resume=True) == uninterrupted.read_metrics()
    assert "nothing is left to do" in said[0]
    assert {p.name: p.stat().st_mtime_ns for p in uninterrupted.path.iterdir()} == before


def test_other_data_under_the_same_name_are_noticed(tmp_path, monkeypatch):
    data = write_data(tmp_path / "squares.npz")
    with monkeypatch.context() as patch:
        kill_in(patch, "minicnn.training.snapshot.take*2")
        with pytest.raises(Killed):
            start(data, tmp_path / "run")
    write_data(data, flip=3)
    run = RunDir.open(tmp_path / "run")
    with pytest.raises(DataError, match="other images or labels"):
        TrainingJob.of(run).run(run, resume=True)
    assert run.checkpoint.is_file()


def test_the_fingerprint_sees_every_label_and_pixel(data):
    from minicnn import data as loading

    splits = loading.load(data)
    before = fingerprint(splits)
    splits.val.images[3, 0, 5, 5] ^= 1
    changed = fingerprint(splits)
    splits.val.images[3, 0, 5, 5] ^= 1
    splits.test.labels[0] ^= 1
    assert len({before, changed, fingerprint(splits)}) == 3


SCRIPT = """
import sys
from minicnn.training.job import TrainingJob
from minicnn.training.options import Options
from minicnn.training.rundir import RunDir
path, data = sys.argv[1:]
if RunDir(path).path.exists():
    run = RunDir.open(path)
    job, resume = TrainingJob.of(run), True
else:
    job, resume = TrainingJob(Options(data=data, model="lenet", epochs=3, batch_size=16)), False
    run = RunDir.create(path, job.config())
job.run(run, resume)
"""


def launch(path, data, threads):
    environment = os.environ | {"NUMBA_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), str(data)], env=environment)


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_kill_9_and_resume_with_other_numbers_of_threads(tmp_path, data, uninterrupted):
    run = RunDir(tmp_path / "run")
    moments = [run.path.exists, run.checkpoint.exists, run.model.exists]
    for threads, moment in zip((2, 1, 2), moments, strict=True):
        process = launch(run.path, data, threads)
        wait_for(moment, process)
        process.kill()
        assert process.wait() == (-signal.SIGKILL if os.name == "posix" else 1)
    assert launch(run.path, data, threads=1).wait() == 0
    assert_same_weights(run, uninterrupted)


# ---- what goes wrong --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"data": "no/such/file.npz"}, DataError, "does not exist"),
        ({"batch_size": 65}, ArgumentError, "batch_size is 65 .* 64 training"),
        ({"size": 32}, ArgumentError, "size"),
    ],
)
def test_an_impossible_training_leaves_no_folder(tmp_path, data, options, error, words):
    with pytest.raises(error, match=words):
        start(options.pop("data", data), tmp_path / "runs" / "run", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_diverges_at_once_leaves_the_folder_free(tmp_path, data):
    with pytest.raises(DivergedError, match=r"epoch 1, batch \d+; first in layer .*--lr"):
        start(data, tmp_path / "run", optimizer="sgd", lr=1e25)
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_later_keeps_its_epochs(tmp_path, data, monkeypatch):
    def diverge(self, batch, number):
        if self.epoch == 2:
            raise DivergedError("made up")
        return step(self, batch, number)

    step = Trainer._step
    monkeypatch.setattr(Trainer, "_step", diverge)
    with pytest.raises(DivergedError):
        start(data, tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint.npz").is_file()


def test_a_disk_that_fills_up_loses_no_finished_epoch(tmp_path, data, uninterrupted, monkeypatch):
    fsync, calls = os.fsync, []

    def filling(handle):
        calls.append(handle)
        # probe, two of config.json, then history and checkpoint of each epoch
        if len(calls) > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", filling)
        with pytest.raises(RunFolderError, match=r"No space left.*1 of 3 epochs.*--resume"):
            start(data, tmp_path / "run")
    run = RunDir.open(tmp_path / "run")
    assert Checkpoint.load(run.checkpoint).epoch == 1
    TrainingJob.of(run).run(run, resume=True)
    assert_same_weights(run, uninterrupted)


def test_the_user_hears_what_is_trained(tmp_path, data):
    said = []
    job = job_for(data, epochs=1)
    job.say = said.append
    job.run(RunDir.create(tmp_path / "run", job.config()))
    text = "\n".join(said)
    for words in ("train 64, val 20, test 24", "lenet, ", "1 epochs, batches of 16"):
        assert words in text


def test_predict_does_what_train_did(tmp_path, data):
    from minicnn import data as loading
    from minicnn.cli.trained import open_trained

    with np.load(data) as small:
        arrays = dict(small)
    for name in ("train_images", "val_images", "test_images"):
        arrays[name] = np.pad(arrays[name], ((0, 0), (4, 4), (4, 4)), mode="edge")
    data = tmp_path / "larger.npz"
    np.savez(data, **arrays)
    steps = ("align", "clahe:clip=3,tiles=2", "resize:size=28", "normalize-image")
    run, metrics = start(data, tmp_path / "run", step=steps, augment_with="mixup=0.3,cutout=0.2")
    assert run.read_config()["recipe"]["preprocess"] == list(steps)
    assert storage.read_metadata(run.model)["input_shape"] == [1, 36, 36]
    trained = open_trained(run.path)
    assert [step.name for step in trained.preprocess.steps] == [s.partition(":")[0] for s in steps]
    test = loading.load(data).test
    scores = predict_scores(trained.model, test.images, trained.preprocess)
    assert np.mean(scores.argmax(axis=1) == test.labels) == metrics["accuracy"]


def test_steps_that_images_cannot_take_leave_no_folder(tmp_path, data):
    with pytest.raises(ArgumentError, match=r"crop: size is 40.*28 x 28 pixels"):
        start(data, tmp_path / "run", step=("crop:size=40",))
    assert not (tmp_path / "run").exists()
