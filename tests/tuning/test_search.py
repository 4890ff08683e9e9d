from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.errors import ArgumentError, DataError, DivergedError, RunFolderError, StateError
from minicnn.locks import exclusive
from minicnn.tuning import trial as trials
from minicnn.tuning import workers
from minicnn.tuning.folder import SearchDir
from minicnn.tuning.ranking import best_of, ranked
from minicnn.tuning.search import Watcher, search
from minicnn.tuning.settings import Settings

SPACE = {
    "model": "lenet",
    "width": 0.25,
    "batch_size": [8, 16],
    "lr": {"log_uniform": [1e-4, 1e-2]},
    "augment": False,
}


def begin(path: Path, data: Path, **options: Any) -> tuple[SearchDir, Settings]:
    options = {"space": SPACE, "trials": 4, "epochs": 1} | options
    settings = Settings(data=str(data), **options)
    return SearchDir.create(path, {"settings": settings.to_json()}), settings


def without_times(results: dict[str, Any]) -> dict[str, Any]:
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in results["trials"]]
    return {k: v for k, v in results.items() if k not in ("seconds", "folder")} | {"trials": rows}


class Killed(BaseException):
    pass


class KillAfter(Watcher):
    def __init__(self, count: int) -> None:
        self.left = count

    def finished(self, result: Any) -> None:
        self.left -= 1
        if not self.left:
            raise Killed


def test_a_search_leaves_all_it_promises(tmp_path: Path, squares: Path) -> None:
    folder, settings = begin(tmp_path / "a", squares)
    results = search(folder, settings)
    assert results == json.loads(folder.metrics.read_text())
    assert results["counts"] == {"ok": 4, "diverged": 0, "failed": 0}
    aucs = [row["val_auc"] for row in results["trials"]]
    assert aucs == sorted(aucs, reverse=True)
    best = json.loads(folder.best.read_text())
    assert best == results["best"]["config"]
    assert best["data"] == str(squares) and best["epochs"] == 1 and best["model"] == "lenet"
    assert best["lr"] == results["trials"][0]["values"]["lr"]
    assert folder.table.read_text().count("\n") == 5
    assert folder.picture.read_bytes()[1:4] == b"PNG"
    assert not folder.data.exists() and not folder.lock.exists()
    # Finished is finished.
    assert search(folder, settings, watcher=KillAfter(1)) == results


@pytest.mark.parametrize("method", ["random", "halving"])
def test_an_interrupted_search_ends_with_the_same_table(
    tmp_path: Path, squares: Path, method: str
) -> None:
    options: dict[str, Any] = {"method": method, "epochs": 2, "eta": 2}
    whole, settings = begin(tmp_path / "whole", squares, **options)
    expected = search(whole, settings)
    folder, settings = begin(tmp_path / "pieces", squares, **options)
    for count in (1, 2):
        with pytest.raises(Killed):
            search(folder, settings, watcher=KillAfter(count))
    kept = {path.name: path.read_bytes() for path in folder.trials.iterdir()}
    assert len(kept) == 3
    results = search(folder, Settings.from_json(folder.read_config()["settings"]))
    assert without_times(results) == without_times(expected)
    assert folder.table.read_bytes() == whole.table.read_bytes()
    assert folder.best.read_bytes() == whole.best.read_bytes()
    assert kept.items() <= {p.name: p.read_bytes() for p in folder.trials.iterdir()}.items()


def test_processes_change_nothing(tmp_path: Path, squares: Path) -> None:
    one, settings = begin(tmp_path / "one", squares, trials=3)
    two, _ = begin(tmp_path / "two", squares, trials=3)
    expected = search(one, settings)
    assert without_times(search(two, settings, jobs=2)) == without_times(expected)
    assert one.table.read_bytes() == two.table.read_bytes()
    assert not two.data.exists()


def test_halving_trains_the_better_ones_longer(tmp_path: Path, squares: Path) -> None:
    folder, settings = begin(tmp_path / "a", squares, method="halving", trials=4, epochs=4, eta=2)
    rows = search(folder, settings)["trials"]
    by_rung = {r: [row for row in rows if row["rung"] == r] for r in range(3)}
    assert {r: (len(v), v[0]["epochs"]) for r, v in by_rung.items()} == {
        0: (4, 1),
        1: (2, 2),
        2: (1, 4),
    }
    first = [row["trial"] for row in ranked(by_rung[0], "auc")]
    assert {row["trial"] for row in by_rung[1]} == set(first[:2])
    assert by_rung[2][0]["trial"] == ranked(by_rung[1], "auc")[0]["trial"]
    assert rows[0]["rung"] == 2


def test_a_diverged_trial_is_recorded_and_never_wins(tmp_path: Path, squares: Path) -> None:
    space = SPACE | {"optimizer": "sgd", "lr": [1e-3, 1e30]}
    folder, settings = begin(tmp_path / "a", squares, space=space, trials=6, method="halving")
    results = search(folder, settings)
    lost = [row for row in results["trials"] if row["status"] == "diverged"]
    assert lost and results["counts"]["diverged"] == len(lost)
    assert all(row["values"]["lr"] == 1e30 and "learning rate" in row["reason"] for row in lost)
    assert all(row["rung"] == 0 for row in lost)
    assert "diverged" in folder.table.read_text()
    assert results["best"]["config"]["lr"] == 1e-3


def test_places_that_nobody_deserves_stay_empty(tmp_path: Path, squares: Path) -> None:
    """Three of six may go on, but fewer came to a score."""
    space = SPACE | {"optimizer": "sgd", "lr": [1e-3, 1e30, 1e31, 1e32]}
    options: dict[str, Any] = {"method": "halving", "trials": 6, "epochs": 2, "eta": 2}
    folder, settings = begin(tmp_path / "a", squares, space=space, seed=1, **options)
    rows = search(folder, settings)["trials"]
    good = {row["trial"] for row in rows if row["rung"] == 0 and row["status"] == "ok"}
    assert 1 <= len(good) <= 2
    assert {row["trial"] for row in rows if row["rung"] == 1} == good


def test_a_search_in_which_all_diverge_says_so(tmp_path: Path, squares: Path) -> None:
    space = SPACE | {"optimizer": "sgd", "lr": 1e30}
    folder, settings = begin(tmp_path / "a", squares, space=space, trials=2)
    with pytest.raises(DivergedError, match="not one of 2 trials came to a score"):
        search(folder, settings)
    assert folder.table.read_text().count("diverged") == 2
    assert not folder.finished


def test_no_trial_ever_sees_the_test_part(
    tmp_path: Path, squares: Path, write_squares: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poisoned test part changes nothing, and no training holds one of its images."""
    with np.load(squares) as archive:
        test = archive["test_images"]
    poisoned = write_squares(
        tmp_path / "poisoned.npz",
        test_images=np.full(test.shape, np.nan),
        test_labels=np.full((len(test), 1), 9, np.uint8),
    )
    seen: list[np.ndarray] = []
    original = trials.make_trainer

    def watched(recipe: Any, train: Any, *rest: Any) -> Any:
        seen.append(train.images)
        return original(recipe, train, *rest)

    monkeypatch.setattr(trials, "make_trainer", watched)
    clean, settings = begin(tmp_path / "clean", squares, trials=2)
    bad, poisoned_settings = begin(tmp_path / "bad", poisoned, trials=2)
    expected = search(clean, settings)
    got = search(bad, poisoned_settings)
    assert [r["val_loss"] for r in got["trials"]] == [r["val_loss"] for r in expected["trials"]]
    forbidden = {image.tobytes() for image in test}
    assert len(seen) == 4
    assert not forbidden & {image.tobytes() for images in seen for image in images}


def test_two_searches_at_once_in_one_folder_are_refused(tmp_path: Path, squares: Path) -> None:
    folder, settings = begin(tmp_path / "a", squares)
    with exclusive(folder.lock), pytest.raises(RunFolderError, match="another process is at work"):
        search(folder, settings)
    with pytest.raises(RunFolderError, match="minicnn tune --resume"):
        begin(tmp_path / "a", squares)


def test_other_data_than_before_are_refused(
    tmp_path: Path, squares: Path, write_squares: Any
) -> None:
    folder, settings = begin(tmp_path / "a", squares)
    with pytest.raises(Killed):
        search(folder, settings, watcher=KillAfter(1))
    write_squares(squares, val_labels=np.ones((16, 1), np.uint8))
    with pytest.raises(DataError, match="no AUC"):
        search(folder, settings)
    write_squares(squares, val_labels=np.arange(16)[::-1, None] % 2)
    with pytest.raises(DataError, match="holds other train or val images"):
        search(folder, settings)


def test_changed_and_damaged_trials_are_refused(tmp_path: Path, squares: Path) -> None:
    folder, settings = begin(tmp_path / "a", squares)
    with pytest.raises(Killed):
        search(folder, settings, watcher=KillAfter(1))
    path = folder.trials / "0000-0.json"
    result = json.loads(path.read_text())
    result["values"]["lr"] = 0.5
    path.write_text(json.dumps(result))
    with pytest.raises(RunFolderError, match="has other values"):
        search(folder, settings)
    path.write_text("{")
    with pytest.raises(RunFolderError, match="delete it"):
        search(folder, settings)
    path.unlink()
    assert search(folder, settings)["counts"]["ok"] == 4


def test_impossible_settings_are_refused(tmp_path: Path, squares: Path) -> None:
    for options, words in (
        ({"trials": 0}, "trials is 0"),
        ({"method": "grid"}, "method is 'grid'; expected one of random, halving"),
        ({"metric": "f1"}, "metric is 'f1'"),
        ({"method": "halving", "epochs": 2, "smallest": 3}, "fewest epochs are 3"),
        ({"method": "halving", "space": {"epochs": [1, 2]}}, "drop them from the space"),
        ({"space": {"lrr": 1}}, "did you mean lr"),
        ({"seed": -1}, "seed is -1"),
    ):
        with pytest.raises(ArgumentError, match=words):
            Settings(**{"data": "phantom", "space": {}} | options)
    folder, settings = begin(tmp_path / "a", squares, space=SPACE | {"batch_size": [16, 64]})
    with pytest.raises(ArgumentError, match="batches of up to 64 images but train has only 32"):
        search(folder, settings)
    with pytest.raises(ArgumentError, match="jobs is 0"):
        search(folder, settings, jobs=0)


def test_the_order_does_not_depend_on_who_finished_first() -> None:
    def row(trial: int, auc: float | None, loss: float, rung: int = 0) -> dict[str, Any]:
        status = "ok" if auc is not None else "diverged"
        return {"trial": trial, "rung": rung, "status": status, "val_auc": auc, "val_loss": loss}

    rows = [row(0, 0.9, 0.3), row(1, 0.9, 0.2), row(2, None, 0.0), row(3, 0.8, 0.1, rung=1)]
    rows += [row(4, 0.9, 0.2)]
    for order in (rows, rows[::-1]):
        assert [r["trial"] for r in ranked(order, "auc")] == [3, 1, 4, 0, 2]
        best = best_of(order, "loss")
        assert best is not None and best["trial"] == 3
    assert best_of([rows[2]], "auc") is None


CHILD = """
import sys
from minicnn.backends import use_backend
from minicnn.tuning.folder import SearchDir
from minicnn.tuning.search import search
from minicnn.tuning.settings import Settings
if __name__ == "__main__":
    use_backend("vectorized")
    folder = SearchDir.open(sys.argv[1])
    search(folder, Settings.from_json(folder.read_config()["settings"]), jobs=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_search_killed_outright_is_gone_on_with(tmp_path: Path, squares: Path) -> None:
    options: dict[str, Any] = {"trials": 6, "epochs": 3}
    folder, settings = begin(tmp_path / "killed", squares, **options)
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    child = subprocess.Popen([sys.executable, str(script), str(folder.path)])
    try:
        deadline = time.monotonic() + 60
        while not list(folder.trials.glob("[0-9]*.json")) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    done = len(list(folder.trials.glob("[0-9]*.json")))
    assert 1 <= done <= 6 and not folder.finished
    use_backend("vectorized")
    whole, _ = begin(tmp_path / "whole", squares, **options)
    expected = search(whole, settings)
    assert without_times(search(folder, settings)) == without_times(expected)
    assert folder.table.read_bytes() == whole.table.read_bytes()


def test_a_dying_worker_is_an_error_that_loses_nothing(
    tmp_path: Path, squares: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, settings = begin(tmp_path / "a", squares)
    monkeypatch.setattr(workers, "_work", print)  # returns at once
    with pytest.raises(StateError, match="ended with code 0"):
        search(folder, settings, jobs=2)
    monkeypatch.undo()
    use_backend("vectorized")
    assert search(folder, settings)["counts"]["ok"] == 4
