from __future__ import annotations

import io
from types import SimpleNamespace

from minicnn.training.history import History
from minicnn.training.progress import ProgressBar, describe_epoch

ROW = {
    "epoch": 2,
    "lr": 0.1,
    "loss": 0.25,
    "accuracy": 0.9,
    "val_loss": 0.5,
    "val_accuracy": 0.75,
    "val_auc": 0.875,
    "seconds": 3.21,
    "images_per_second": 1234.5,
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(file, rows=()):
    trainer = SimpleNamespace(epochs=3, epoch=len(rows), history=History(rows), images_per_epoch=50)
    bar = ProgressBar(file)
    bar.on_fit_begin(trainer)
    for epoch in range(len(rows) + 1, 4):
        trainer.epoch = epoch
        for images in (20, 40, 50):
            bar.on_batch_end(trainer, {"images": images, "loss": 0.5, "accuracy": 0.75})
        bar.on_epoch_end(trainer, ROW | {"epoch": epoch})
    n = bar._bar.n if bar._bar is not None else None
    bar.on_fit_end(trainer)
    return n


def test_a_log_file_gets_one_line_per_epoch():
    file = io.StringIO()
    run(file)
    lines = file.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[1] == (
        "epoch 2/3  loss 0.2500  accuracy 0.9000  val loss 0.5000  val accuracy 0.7500  "
        "val auc 0.8750  3.2 s  1,234 images/s"
    )
    assert "\r" not in file.getvalue()


def test_a_terminal_gets_a_bar_with_everything_on_it():
    file = Terminal()
    assert run(file) == 150  # all images of all epochs
    text = file.getvalue()
    for words in ("epoch 1/3", "epoch 3/3", "loss 0.5000", "accuracy 0.750", "images/s", "<"):
        assert words in text
    assert text.count("val auc 0.8750") == 3  # the lines above the bar


def test_a_resumed_bar_starts_where_it_was():
    file = Terminal()
    assert run(file, [ROW | {"epoch": 1}]) == 150
    assert "33%" in file.getvalue()


def test_nothing_is_said_of_what_was_not_measured():
    row = {
        "epoch": 10,
        "loss": 1.0,
        "seconds": 1.0,
        "images_per_second": 2.0,
        "val_auc": float("nan"),
    }
    assert describe_epoch(row, 10) == "epoch 10/10  loss 1.0000  1.0 s  2 images/s"


def test_it_writes_to_standard_error_unless_told(capsys):
    run(None)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("epoch") == 3
