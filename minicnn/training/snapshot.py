"""From a trainer to a checkpoint after an epoch, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.errors import ModelFileError
from minicnn.training.checkpoint import Checkpoint, generator_states, set_generator_states
from minicnn.training.history import History

if TYPE_CHECKING:
    from minicnn.training.callbacks import Callback
    from minicnn.training.loop import Trainer


def take(trainer: Trainer) -> Checkpoint:
    """Collect all that later epochs depend on."""
    assert trainer.preprocess is not None
    schedule: Any = trainer.schedule
    return Checkpoint(
        epoch=trainer.epoch,
        model=trainer.model.state_dict(),
        optimizer=trainer.optimizer.state_dict(),
        generators=generator_states(trainer.model),
        callbacks=[(type(c).__name__, c.state_dict()) for c in _lasting(trainer)],
        history=trainer.history.rows,
        extra={
            "preprocess": trainer.preprocess.to_config(),
            "stop_reason": trainer.stop_reason,
            "schedule": schedule.state_dict() if hasattr(schedule, "state_dict") else None,
        },
    )


def restore(trainer: Trainer, saved: Checkpoint) -> None:
    """Put a trainer, built as the first one was, where that one stood after its epoch.

    Raises
    ------
    ModelFileError
        The checkpoint was written by a training with other callbacks or generators.
    StateError, ShapeError, ArgumentError
        It was written for another model or optimizer.
    """
    from minicnn.data.preprocess import Preprocess

    lasting = _lasting(trainer)
    theirs, own = [kind for kind, _ in saved.callbacks], [type(c).__name__ for c in lasting]
    if theirs != own:
        raise ModelFileError(
            f"the checkpoint was written with the callbacks {theirs or 'none'}, this training has "
            f"{own or 'none'}; give it the same ones"
        )
    trainer.model.load_state_dict(saved.model)
    trainer.optimizer.load_state_dict(saved.optimizer)
    set_generator_states(trainer.model, saved.generators)
    for callback, (_, state) in zip(lasting, saved.callbacks, strict=True):
        callback.load_state_dict(state)
    schedule: Any = trainer.schedule
    if saved.extra["schedule"] is not None:
        schedule.load_state_dict(saved.extra["schedule"])
    trainer.preprocess = Preprocess.from_config(saved.extra["preprocess"])
    trainer.history = History(saved.history)
    trainer.epoch = trainer.saved_epochs = saved.epoch
    trainer.stop_reason = saved.extra["stop_reason"]


def _lasting(trainer: Trainer) -> list[Callback]:
    """Callbacks with something to remember: a progress bar may come and go between runs."""
    return [c for c in trainer.callbacks if c.state_dict()]
