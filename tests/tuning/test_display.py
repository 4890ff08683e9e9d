from __future__ import annotations

import io
from typing import Any

import numpy as np

from minicnn.data.dataset import Dataset
from minicnn.data.development import Development
from minicnn.tuning.display import Display, plan_in_words
from minicnn.tuning.settings import Settings

PART = Dataset(np.zeros((8, 1, 28, 28), np.uint8), np.arange(8) % 2, ("well", "ill"))
DATA = Development(PART, PART, "squares", ("A note.",))


def result(trial: int, auc: float | None, status: str = "ok") -> dict[str, Any]:
    return {
        "trial": trial,
        "rung": 0,
        "status": status,
        "values": {"lr": 0.001234 * (trial + 1)},
        "epochs": 2,
        "val_auc": auc,
        "val_accuracy": 0.5,
        "val_loss": 0.7,
        "seconds": 1.25,
    }


def settings(**options: Any) -> Settings:
    return Settings(data="phantom", space={"lr": {"uniform": [1e-3, 1]}}, trials=3, **options)


def test_the_plan_in_words() -> None:
    assert plan_in_words(settings()) == "random search: 3 trials"
    assert plan_in_words(settings(epochs=1)) == "random search: 3 trials, 1 epoch each"
    words = plan_in_words(settings(method="halving", epochs=3))
    assert words == "successive halving: 3 x 1 epoch, then 1 x 3 epochs; 6 epochs in all"


def test_a_pipe_gets_one_line_per_trial() -> None:
    file = io.StringIO()
    display = Display(file)
    display.begin(settings(), DATA, [])
    before = file.getvalue()
    assert "test is never loaded" in before and "note: A note." in before
    display.epoch(0, 1, 2)
    assert file.getvalue() == before
    display.finished(result(0, 0.9))
    display.finished(result(1, None, "diverged"))
    display.finished(result(2, 0.8))
    display.end()
    lines = file.getvalue().removeprefix(before).splitlines()
    assert len(lines) == 3 and "\x1b" not in file.getvalue()
    assert lines[0].startswith("[1/3] trial 0: val AUC 0.9000") and "lr 0.00123" in lines[0]
    assert [("best so far" in line) for line in lines] == [True, False, False]
    assert "diverged" in lines[1]


def test_a_terminal_gets_a_table_that_is_drawn_over(monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    file = io.StringIO()
    display = Display(file, live=True)
    display.begin(settings(), DATA, [result(0, 0.9)])
    assert "1 training done before" in file.getvalue()
    display.epoch(1, 1, 2)
    display.finished(result(1, 0.95))
    display.end()
    text = file.getvalue()
    drawings = text.split("\x1b[J")
    assert len(drawings) == 3
    assert "trial 1 [##########..........] epoch 1/2" in drawings[0]
    assert drawings[1].splitlines()[1].split()[:3] == ["1", "1", "0.9500"]
    assert "trial 1 [" not in drawings[2]
    # As many lines up as were drawn before.
    up = text.split("\x1b[")[1]
    assert up == f"{len(drawings[0].split('done before')[1].splitlines()) - 2}A"
    assert max(map(len, drawings[2].splitlines())) < 60


def test_a_finished_table_makes_room_for_the_result() -> None:
    file = io.StringIO()
    display = Display(file, live=True)
    display.begin(settings(), DATA, [])
    for trial in range(3):
        display.finished(result(trial, 0.9))
    before = file.getvalue()
    display.end()
    assert file.getvalue().removeprefix(before) == "\x1b[5A\x1b[J"
