"""One trial: train with one set of values, and measure on val."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from minicnn.errors import DivergedError, MinicnnError
from minicnn.training.assemble import make_trainer
from minicnn.training.callbacks import Callback
from minicnn.training.options import Options
from minicnn.training.recipe import Task, choose

if TYPE_CHECKING:
    from minicnn.data.development import Development
    from minicnn.training.history import Row
    from minicnn.training.loop import Trainer


@dataclasses.dataclass(frozen=True)
class Assignment:
    """What to train: the number of the trial and the rung, its values, its epochs or None."""

    trial: int
    rung: int
    values: Mapping[str, Any]
    epochs: int | None

    def options(self, base: Mapping[str, Any]) -> Options:
        """Return the options of this training; ``base`` names the data and the seed."""
        given = dict(base) | dict(self.values)
        if self.epochs is not None:
            given["epochs"] = self.epochs
        return Options(**given)


class _Tell(Callback):
    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self.tell = tell

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        self.tell(int(row["epoch"]), trainer.epochs)


def run_trial(
    assignment: Assignment,
    data: Development,
    base: Mapping[str, Any],
    tell: Callable[[int, int], None] = lambda epoch, epochs: None,
) -> dict[str, Any]:
    """Train and measure.

    Parameters
    ----------
    assignment
        What to train.
    data
        Train and val.
    base
        The options that all trials share, ``data`` and ``seed`` among them.
    tell
        Called with each finished epoch and the number of epochs.

    Returns
    -------
    dict
        Fit for JSON: ``trial``, ``rung``, ``values``, ``epochs``, ``status`` (``"ok"``,
        ``"diverged"``, or ``"failed"`` with a ``reason``), ``val_auc``, ``val_accuracy``,
        ``val_loss``, ``parameters``, ``seconds``.
    """
    from minicnn.data.preprocess.spec import parse_preprocess

    start = time.perf_counter()
    result: dict[str, Any] = {
        "trial": assignment.trial,
        "rung": assignment.rung,
        "values": dict(assignment.values),
        "epochs": assignment.epochs,
        "status": "ok",
        "reason": None,
    }
    try:
        options = assignment.options(base)
        shape = parse_preprocess(options.step or ()).output_shape(data.train.image_shape)
        recipe = choose(options, Task(len(data.train), shape, data.train.multilabel))
        result["epochs"] = recipe.epochs
        trainer = make_trainer(recipe, data.train, options.seed, [_Tell(tell)])
        result["parameters"] = sum(p.size for p in trainer.model.params.values())
        history = trainer.fit(data.train, data.val, recipe.epochs, progress=False)
        for name in ("val_auc", "val_accuracy", "val_loss"):
            value = float(history[name][-1])
            result[name] = value if math.isfinite(value) else None
    except DivergedError as error:
        result |= {"status": "diverged", "reason": str(error)}
    except (MinicnnError, MemoryError) as error:
        result |= {"status": "failed", "reason": str(error) or type(error).__name__}
    result["seconds"] = round(time.perf_counter() - start, 3)
    return result
