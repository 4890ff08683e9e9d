from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from minicnn.errors import ArgumentError, StateError
from minicnn.training.callbacks import BestCheckpoint, BestWeights, Callback, CSVLog, EarlyStopping
from minicnn.training.history import History


class Fake(SimpleNamespace):
    """A trainer of which only the visible state is there."""

    def stop(self, reason):
        self.reason = reason


def feed(callback, column, values, first=1, trainer=None):
    trainer = trainer or Fake(reason=None)
    for epoch, value in enumerate(values, start=first):
        trainer.epoch = epoch
        callback.on_epoch_end(trainer, {"epoch": epoch, column: value})
        if trainer.reason:
            return epoch
    return None


def test_early_stopping_waits_for_patience_epochs():
    assert feed(EarlyStopping(patience=3), "val_loss", [5, 4, 4.1, 4.2, 3.9, 4, 5, 6]) == 8
    assert feed(EarlyStopping(patience=3), "val_loss", [5, 4, 4.1, 4.2, 3.9, 4, 5]) is None


def test_more_is_better_for_an_auc_and_less_for_a_loss():
    assert feed(EarlyStopping("val_auc", 2), "val_auc", [0.5, 0.6, 0.7, 0.8]) is None
    assert feed(EarlyStopping("val_auc", 2), "val_auc", [0.8, 0.7, 0.6]) == 3
    assert feed(EarlyStopping("val_auc", 2, mode="min"), "val_auc", [0.8, 0.9, 0.9]) == 3


def test_equal_and_nan_are_no_improvement():
    assert feed(EarlyStopping(patience=2), "val_loss", [1, 1, 1]) == 3
    assert feed(EarlyStopping(patience=2), "val_loss", [1, math.nan, math.nan]) == 3
    assert feed(EarlyStopping(patience=2, min_delta=0.5), "val_loss", [1, 0.8, 0.6]) == 3


def test_a_first_epoch_without_a_number_is_not_the_best_for_ever():
    callback = EarlyStopping("val_auc", patience=9)
    feed(callback, "val_auc", [math.nan, 0.5, 0.4])
    assert (callback.best_epoch, callback.best_value) == (2, 0.5)


def test_the_reason_names_column_and_epoch():
    trainer = Fake(reason=None)
    feed(EarlyStopping(patience=1), "val_loss", [1, 2], trainer=trainer)
    assert "val_loss" in trainer.reason
    assert "epoch 1" in trainer.reason


def test_early_stopping_goes_on_where_it_was():
    values = [5, 4, 4.1, 4.2, 4.3]
    first = EarlyStopping(patience=3)
    feed(first, "val_loss", values[:3])
    second = EarlyStopping(patience=3)
    second.load_state_dict(first.state_dict())
    assert feed(second, "val_loss", values[3:], first=4) == 5


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ArgumentError, match=r"'val_auc'.*epoch, loss.*validation data"):
        feed(EarlyStopping("val_auc"), "loss", [1])


@pytest.mark.parametrize(
    "bad", [{"patience": 0}, {"mode": "up"}, {"min_delta": -1}, {"min_delta": math.nan}]
)
def test_impossible_options(bad):
    with pytest.raises(ArgumentError):
        EarlyStopping(**bad)


def test_best_weights_are_those_of_the_best_epoch(make_model):
    model = make_model()
    best = BestWeights("val_loss")
    trainer = Fake(model=model, reason=None)
    for epoch, loss in enumerate([3, 1, 2], start=1):
        model.params["7.bias"][:] = epoch
        model.buffers["1.running_mean"][:] = epoch
        best.on_epoch_end(trainer, {"epoch": epoch, "val_loss": loss})
    best.restore(model)
    assert (model.params["7.bias"] == 2).all()
    assert (model.buffers["1.running_mean"] == 2).all()
    assert (best.best_epoch, best.best_value) == (2, 1)


def test_best_weights_survive_their_state(make_model):
    model, other = make_model(0), make_model(1)
    first, second = BestWeights(), BestWeights()
    first.on_epoch_end(Fake(model=model), {"epoch": 1, "val_loss": 0.5})
    second.load_state_dict(first.state_dict())
    second.restore(other)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
    assert second.best_value == 0.5


def test_restoring_nothing_is_an_error(make_model):
    with pytest.raises(StateError, match="val_loss"):
        BestWeights().restore(make_model())


def test_best_checkpoint_writes_a_file_only_when_better(tmp_path, make_model):
    from minicnn import storage

    model, path = make_model(), tmp_path / "best.npz"
    callback = BestCheckpoint(path, "val_loss", metadata={"classes": ["a", "b"]})
    trainer = Fake(model=model)
    for epoch, loss in enumerate([2, 1, 3], start=1):
        model.params["7.bias"][:] = epoch
        callback.on_epoch_end(trainer, {"epoch": epoch, "val_loss": loss})
    assert (storage.load(path).params["7.bias"] == 2).all()
    assert storage.read_metadata(path) == {"classes": ["a", "b"]}


def test_csv_log_holds_the_whole_history(tmp_path):
    history = History()
    log = CSVLog(tmp_path / "history.csv")
    for epoch in (1, 2, 3):
        history.append({"epoch": epoch, "loss": 1 / epoch})
        log.on_epoch_end(Fake(history=history), history.last)
        assert History.from_csv(tmp_path / "history.csv").rows == history.rows
    assert [p.name for p in tmp_path.iterdir()] == ["history.csv"]


def test_a_bare_callback_does_nothing():
    callback = Callback()
    callback.on_fit_begin(None)
    callback.on_batch_end(None, {})
    callback.on_epoch_end(None, {})
    callback.on_fit_end(None)
    callback.load_state_dict(callback.state_dict())
