from __future__ import annotations

import errno
import json
import os

import pytest

from minicnn.errors import RunFolderError
from minicnn.training import rundir
from minicnn.training.rundir import RunDir

CONFIG = {"options": {"seed": 1}}


def names(path):
    return sorted(p.name for p in path.iterdir())


def test_a_new_folder_holds_its_configuration_and_nothing_else(tmp_path):
    run = RunDir.create(tmp_path / "a" / "b", CONFIG)
    assert names(tmp_path / "a") == ["b"]
    assert names(run.path) == ["config.json"]
    assert RunDir.open(run.path).read_config() == {"format": 1, **CONFIG}
    assert not run.finished


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "run").mkdir()
    assert names(RunDir.create(tmp_path / "run", CONFIG).path) == ["config.json"]


def test_what_a_kill_left_of_a_write_does_not_count(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".config.json.x7.part").write_text("{")
    assert RunDir.create(tmp_path / "run", CONFIG).config.is_file()


def test_the_folder_never_exists_without_its_configuration(tmp_path, monkeypatch):
    seen = []
    write = rundir.write_text

    def watched(path, text):
        seen.append((tmp_path / "run").exists())
        write(path, text)

    monkeypatch.setattr(rundir, "write_text", watched)
    RunDir.create(tmp_path / "run", CONFIG)
    assert seen == [False]


def test_a_folder_in_use_is_refused(tmp_path):
    RunDir.create(tmp_path / "run", CONFIG)
    with pytest.raises(RunFolderError, match=r"already holds a run.*--resume"):
        RunDir.create(tmp_path / "run", CONFIG)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("hello")
    with pytest.raises(RunFolderError, match=r"not empty.*dear\.txt"):
        RunDir.create(tmp_path / "letters", CONFIG)
    assert names(tmp_path / "letters") == ["dear.txt"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="is a file"):
        RunDir.create(tmp_path / "file", CONFIG)
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunDir.create(tmp_path / "file" / "run", CONFIG)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), PermissionError(13, "denied")]
)
def test_a_disk_that_cannot_be_written_to_is_found_out_and_left_clean(
    tmp_path, monkeypatch, error, exists
):
    if exists:
        (tmp_path / "a" / "run").mkdir(parents=True)

    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(RunFolderError, match=f"cannot be written: {error.strerror}"):
        RunDir.create(tmp_path / "a" / "run", CONFIG)
    monkeypatch.undo()
    assert names(tmp_path) == (["a"] if exists else [])
    assert not exists or names(tmp_path / "a" / "run") == []


def test_room_for_the_configuration_alone_is_not_enough(tmp_path, monkeypatch):
    def small_disk(handle):
        if os.fstat(handle).st_size > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", small_disk)
    (tmp_path / "there").mkdir()
    for path in (tmp_path / "there", tmp_path / "new"):
        with pytest.raises(RunFolderError, match="No space left"):
            RunDir.create(path, CONFIG)


def test_the_next_free_number(tmp_path):
    first, second = (RunDir.create_next(tmp_path / "runs", "x-lenet", CONFIG) for _ in range(2))
    assert [first.path.name, second.path.name] == ["x-lenet-1", "x-lenet-2"]
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunDir.create_next(first.config, "x", CONFIG)


def test_opening_what_is_not_there(tmp_path):
    with pytest.raises(RunFolderError, match="no run folder"):
        RunDir.open(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match=r"no config\.json"):
        RunDir.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"text"'])
def test_a_damaged_configuration(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunFolderError, match="cannot be read"):
        RunDir.open(tmp_path)


def test_a_newer_configuration(tmp_path):
    (tmp_path / "config.json").write_text('{"format": 99}')
    with pytest.raises(RunFolderError, match="format 99"):
        RunDir.open(tmp_path)


def test_metrics_mark_the_end(tmp_path):
    run = RunDir.create(tmp_path / "run", CONFIG)
    run.write_metrics({"auc": 0.1 + 0.2, "name": "Löwe"})
    assert run.finished
    assert run.read_metrics() == {"auc": 0.1 + 0.2, "name": "Löwe"}
    with pytest.raises(ValueError, match="JSON"):
        run.write_metrics({"auc": float("nan")})
    assert json.loads(run.metrics.read_text(encoding="utf-8"))["auc"] == 0.1 + 0.2
    run.metrics.write_text("{")
    with pytest.raises(RunFolderError, match="cannot be read"):
        run.read_metrics()


def test_discarding_spares_a_folder_with_anything_in_it(tmp_path):
    run = RunDir.create(tmp_path / "run", CONFIG)
    run.checkpoint.write_bytes(b"precious")
    run.discard()
    assert names(run.path) == ["checkpoint.npz", "config.json"]
    run.checkpoint.unlink()
    run.discard()
    assert not run.path.exists()


def test_a_failing_write_becomes_one_clear_line(tmp_path):
    run = RunDir(tmp_path)
    with (
        pytest.raises(RunFolderError, match=r"No space.*epoch 3 is safe.*--resume") as caught,
        run.writing(lambda: "epoch 3 is safe"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value)
    with pytest.raises(BrokenPipeError), run.writing(lambda: ""):
        raise BrokenPipeError


def test_two_processes_cannot_work_in_one_folder(tmp_path):
    run = RunDir.create(tmp_path / "run", {})
    with run.alone():
        with (
            pytest.raises(RunFolderError, match="another process is at work"),
            RunDir.open(run.path).alone(),
        ):
            pass
        with pytest.raises(RunFolderError, match="already holds a run"):
            RunDir.create(run.path, {})
    with RunDir.open(run.path).alone():
        pass
    assert [p.name for p in run.path.iterdir()] == ["config.json"]
