"""Things that happen beside the training: stopping early, keeping the best, logging.

A callback is told what the `Trainer` is doing and may answer with ``trainer.stop(reason)``.
What it has to remember across a kill goes through ``state_dict`` / ``load_state_dict``;
the checkpoint carries it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import ArgumentError, StateError

if TYPE_CHECKING:
    from minicnn.training.history import Row
    from minicnn.training.loop import Trainer


class Callback:
    """Base class: every hook does nothing."""

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Run before the first epoch; a resumed state is already in place."""

    def on_batch_end(self, trainer: Trainer, so_far: Mapping[str, float]) -> None:
        """Run after each step; ``so_far`` has this epoch's images, loss and accuracy."""

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """Run after each epoch and its validation; ``row`` is the new row of the history."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Run at the end, also when an exception ended the training."""

    def state_dict(self) -> dict[str, Any]:
        """What to remember in a checkpoint: names to arrays, numbers, strings or None."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""


class _Monitor(Callback):
    """What `EarlyStopping` and `BestWeights` share: the best value of one column so far."""

    def __init__(self, monitor: str, mode: str | None, min_delta: float) -> None:
        if mode not in ("min", "max", None):
            raise ArgumentError(f"mode is {mode!r}; expected 'min', 'max' or None (from the name)")
        if not (math.isfinite(min_delta) and min_delta >= 0):
            raise ArgumentError(f"min_delta is {min_delta}; expected a number from 0 up")
        self.monitor = monitor
        self.mode = mode or ("min" if monitor.endswith(("loss", "error")) else "max")
        self.min_delta = min_delta
        self.best_value: float | None = None
        self.best_epoch = 0

    def improved(self, row: Row) -> bool:
        """Compare this epoch with the best one and remember it where it is better.

        NaN (an AUC where only one class is present, say) is never better.
        """
        if self.monitor not in row:
            raise ArgumentError(
                f"{type(self).__name__} watches {self.monitor!r}, which this training does not "
                f"measure; choose one of {', '.join(row)}"
                + ("" if "val_loss" in row else ", or give fit() validation data")
            )
        value = float(row[self.monitor])
        if math.isnan(value):
            return False
        if self.best_value is not None:
            gain = self.best_value - value if self.mode == "min" else value - self.best_value
            if not gain > self.min_delta:
                return False
        self.best_value, self.best_epoch = value, int(row["epoch"])
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return the best value and its epoch."""
        return {"best_value": self.best_value, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back the best value and its epoch."""
        self.best_value, self.best_epoch = state["best_value"], int(state["best_epoch"])


class EarlyStopping(_Monitor):
    """Stop when a column of the history has not improved for ``patience`` epochs.

    Parameters
    ----------
    monitor : str
        Column to watch, such as ``"val_loss"`` or ``"val_auc"``.
    patience : int
        Epochs without improvement after which to stop, at least 1.
    mode : {"min", "max"}, optional
        Whether less or more is better; by default less for losses, more otherwise.
    min_delta : float
        An improvement must be larger than this.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        mode: str | None = None,
        min_delta: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if patience < 1:
            raise ArgumentError(f"patience is {patience}; expected at least 1 epoch")
        self.patience = int(patience)

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """Count the epochs since the best one, and stop after too many."""
        if not self.improved(row) and row["epoch"] - self.best_epoch >= self.patience:
            trainer.stop(
                f"{self.monitor} has not improved for {self.patience} epochs "
                f"(best: epoch {self.best_epoch})"
            )


class BestWeights(_Monitor):
    """Keep a copy of parameters and buffers as they were after the best epoch.

    Call `restore` after ``fit`` to put them back into the model.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str | None = None, min_delta: float = 0.0
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.weights: dict[str, NDArray] = {}

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """Copy the weights if this epoch is the best so far."""
        if self.improved(row):
            self.weights = {k: np.array(v) for k, v in trainer.model.state_dict().items()}

    def restore(self, model: Any) -> None:
        """Copy the best weights into ``model``."""
        if not self.weights:
            raise StateError(
                f"there are no best weights yet: {self.monitor} was never measured as a number; "
                "call fit first"
            )
        model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, its epoch and its weights."""
        return super().state_dict() | {f"weights/{k}": v for k, v in self.weights.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back the best value, its epoch and its weights."""
        super().load_state_dict(state)
        prefix = "weights/"
        self.weights = {
            k.removeprefix(prefix): np.array(v) for k, v in state.items() if k.startswith(prefix)
        }


class BestCheckpoint(BestWeights):
    """As `BestWeights`, and write the model to a file at each improvement.

    Parameters
    ----------
    path : path
        The model file; the format follows the suffix, as in `minicnn.save`.
    metadata : dict, optional
        Stored with the model (classes, preprocessing, ...).
    """

    def __init__(
        self,
        path: str | Path,
        monitor: str = "val_loss",
        mode: str | None = None,
        min_delta: float = 0.0,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.path = Path(path)
        self.metadata = metadata

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """Copy the weights and write the file if this epoch is the best so far."""
        from minicnn import storage

        before = self.best_epoch
        super().on_epoch_end(trainer, row)
        if self.best_epoch != before:
            storage.save(trainer.model, self.path, metadata=dict(self.metadata or {}))


class CSVLog(Callback):
    """Write the history to a CSV file after each epoch.

    The whole small file is rewritten under a temporary name and renamed, so that a kill
    leaves either the old or the new one, and a resumed training never repeats a row.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """Write all rows so far."""
        trainer.history.to_csv(self.path)
