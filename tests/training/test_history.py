from __future__ import annotations

import math

import numpy as np
import pytest

from minicnn.errors import ArgumentError, DataError
from minicnn.training.history import History


def test_csv_restores_every_bit(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {"epoch": i, "lr": 10.0 ** rng.uniform(-300, 300), "loss": float(rng.normal())}
        for i in range(1, 40)
    ]
    rows[3]["loss"], rows[4]["loss"], rows[5]["loss"] = math.inf, 0.1 + 0.2, 5.0
    history = History(rows)
    history.to_csv(tmp_path / "history.csv")
    back = History.from_csv(tmp_path / "history.csv")
    assert back.rows == rows
    assert type(back["epoch"][0]) is int
    assert type(back["loss"][5]) is float


def test_csv_keeps_nan_and_missing_apart(tmp_path):
    history = History([{"epoch": 1, "auc": math.nan}, {"epoch": 2}])
    history.to_csv(tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_text() == "epoch,auc\n1,nan\n2,\n"
    back = History.from_csv(tmp_path / "h.csv")
    assert math.isnan(back.rows[0]["auc"])
    assert "auc" not in back.rows[1]


def test_numpy_numbers_are_written_as_plain_ones(tmp_path):
    History([{"epoch": 1, "loss": np.float64(0.1)}]).to_csv(tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_text() == "epoch,loss\n1,0.1\n"


def test_columns_come_in_order_of_appearance():
    history = History([{"epoch": 1, "loss": 2.0}])
    history.append({"epoch": 2, "loss": 1.0, "val_loss": 3.0})
    assert history.columns == ["epoch", "loss", "val_loss"]
    assert history["loss"] == [2.0, 1.0]
    assert math.isnan(history["val_loss"][0])
    assert "val_loss" in history
    assert len(history) == 2
    assert history.last["epoch"] == 2


def test_an_unknown_column_names_the_known_ones():
    with pytest.raises(ArgumentError, match=r"'los'.*epoch, loss"):
        History([{"epoch": 1, "loss": 2.0}])["los"]
    with pytest.raises(ArgumentError, match="empty"):
        _ = History().last


@pytest.mark.parametrize(
    ("text", "words"), [("epoch,loss\n1\n", "line 2.*1 cells"), ("epoch\n1\nx\n", "line 3.*number")]
)
def test_a_damaged_file_names_the_line(tmp_path, text, words):
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        History.from_csv(tmp_path / "h.csv")


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        History.from_csv(tmp_path / "h.csv")
