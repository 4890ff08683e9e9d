"""A whole training, from options to a finished run folder, and on again after a kill.

    load the data -> choose the recipe -> train -> keep weights -> measure -> write results

``config.json`` is in the folder before any of this starts, ``metrics.json`` is written
last, and between them each finished epoch leaves a checkpoint. So whatever the moment of
a kill, `TrainingJob.run` on the same folder finds out where it was and goes on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.data.preprocess.spec import parse_preprocess
from minicnn.errors import DataError, DivergedError, MinicnnError
from minicnn.training.assemble import make_trainer
from minicnn.training.callbacks import BestWeights, Callback, CSVLog, EarlyStopping
from minicnn.training.compiling import compiling_notice, live_stderr
from minicnn.training.loop import Trainer
from minicnn.training.options import Options
from minicnn.training.recipe import Recipe, Task, choose
from minicnn.training.rundir import RunDir

if TYPE_CHECKING:
    from minicnn.data.dataset import Splits

Say = Callable[[str], None]


def _silent(line: str) -> None:
    pass


@dataclasses.dataclass
class TrainingJob:
    """Train as the options say, in a run folder.

    Parameters
    ----------
    options : Options
        What was asked for.
    say : callable, optional
        Called with lines of text for the user; by default nothing is said.
    progress : bool
        Show progress bars on standard error.

    Examples
    --------
    >>> job = TrainingJob(Options(data="phantom", epochs=3))  # doctest: +SKIP
    >>> run = RunDir.create("runs/first", job.config())  # doctest: +SKIP
    >>> metrics = job.run(run)  # doctest: +SKIP
    """

    options: Options
    say: Say = _silent
    progress: bool = False

    @classmethod
    def of(cls, run: RunDir, say: Say = _silent, progress: bool = False) -> TrainingJob:
        """Return the job that an existing run folder was made for."""
        return cls(Options.from_json(run.read_config().get("options")), say, progress)

    def config(self) -> dict[str, Any]:
        """Return what ``config.json`` holds before anything has begun."""
        from minicnn import __version__

        return {"minicnn": __version__, "options": self.options.to_json()}

    def run(self, run: RunDir, resume: bool = False) -> dict[str, Any]:
        """Do what is left to do in ``run`` and return the content of ``metrics.json``.

        Parameters
        ----------
        run : RunDir
            A new folder, or one that a kill left behind at any moment.
        resume : bool
            Whether the folder is an old one. A new one is removed again where the options
            turn out to be impossible, so that it does not block the corrected command.

        Raises
        ------
        DataError
            The data cannot be loaded, or they are not those the run began with.
        RunFolderError
            The folder cannot be written to. What was finished before is safe.
        DivergedError
            The loss became NaN or infinite.
        """
        with run.alone():
            return self._run(run, resume)

    def _run(self, run: RunDir, resume: bool) -> dict[str, Any]:
        run.tidy()
        if run.finished:
            self.say(f"{run.path} is finished; nothing is left to do")
            return run.read_metrics()
        try:
            splits = self._load()
            config = self._settle(run, splits)
            recipe = Recipe.from_json(config["recipe"])
            trainer, best = self._prepare(run, splits, recipe)
        except MinicnnError:
            if not resume:
                run.discard()
            raise
        try:
            return self._train(run, splits, trainer, best, config, recipe)
        except DivergedError:
            # Nothing worth keeping yet: leave the folder free for a better learning rate.
            if not resume and not trainer.saved_epochs:
                run.discard()
            raise

    def _train(
        self,
        run: RunDir,
        splits: Splits,
        trainer: Trainer,
        best: BestWeights | None,
        config: dict[str, Any],
        recipe: Recipe,
    ) -> dict[str, Any]:
        with run.writing(lambda: _what_is_safe(trainer)):
            seconds = rehearse(trainer, splits, self.say, self.progress)
            history = trainer.fit(
                splits.train,
                splits.val,
                recipe.epochs,
                checkpoint=run.checkpoint,
                resume=True,
                progress=self.progress,
            )
            if trainer.stop_reason is not None:
                self.say(f"stopped after epoch {len(history)}: {trainer.stop_reason}")
            if best is not None:
                best.restore(trainer.model)
            facts = {
                "model": recipe.model,
                "parameters": sum(p.size for p in trainer.model.params.values()),
                "train_seconds": seconds + sum(history["seconds"]),
                "epochs": len(history),
                "kept_epoch": len(history) if best is None else best.best_epoch,
                "seed": self.options.seed,
            }
            return self._write_results(run, splits, trainer, facts, config)

    # ---- the steps ------------------------------------------------------------------

    def _load(self) -> Splits:
        from minicnn import data

        o = self.options
        splits = data.load(
            o.data,
            size=o.size,
            id_pattern=o.id_pattern,
            split_by=o.split_by,
            progress=self.progress,
        )
        self.say(describe_splits(splits))
        for note in splits.notes:
            self.say(f"  note: {note}")
        return splits

    def _settle(self, run: RunDir, splits: Splits) -> dict[str, Any]:
        """Write recipe, split and fingerprint into the configuration, or compare with them."""
        config = run.read_config()
        found = fingerprint(splits)
        if "recipe" in config:
            if config["data"]["fingerprint"] != found:
                raise DataError(
                    f"{self.options.data} holds other images or labels than when the run in "
                    f"{run.path} began; bring the data back, or start a new training"
                )
            return config
        # What the network sees decides, not what is stored; impossible steps are refused here.
        shape = parse_preprocess(self.options.step or ()).output_shape(splits.image_shape)
        task = Task(len(splits.train), shape, splits.multilabel)
        config["recipe"] = choose(self.options, task).to_json()
        config["data"] = {"name": splits.name, "fingerprint": found, "split": splits.split}
        with run.writing(lambda: "no epoch was finished"):
            run.write_config(config)
        return config

    def _prepare(
        self, run: RunDir, splits: Splits, recipe: Recipe
    ) -> tuple[Trainer, BestWeights | None]:
        best = BestWeights() if recipe.weights == "best" else None
        callbacks: list[Callback] = [] if best is None else [best]
        if recipe.patience is not None:
            callbacks.append(EarlyStopping(patience=recipe.patience))
        callbacks.append(CSVLog(run.history))
        trainer = make_trainer(recipe, splits.train, self.options.seed, callbacks)
        trainer.check(splits.train, recipe.epochs)
        self.say(describe_recipe(recipe, trainer))
        return trainer, best

    def _write_results(
        self,
        run: RunDir,
        splits: Splits,
        trainer: Trainer,
        facts: dict[str, Any],
        config: dict[str, Any],
    ) -> dict[str, Any]:
        from minicnn.training.results import write_results

        self.say("measuring, drawing, writing the report")
        assert trainer.preprocess is not None
        shown = {key: config[key] for key in ("options", "recipe")}
        return write_results(
            run, splits, trainer.model, trainer.preprocess, trainer.history, facts, shown
        )


def rehearse(trainer: Trainer, splits: Splits, say: Say, progress: bool = False) -> float:
    """Let the kernels compile before the clock of the progress bar starts; return the seconds."""
    steps = [] if trainer.preprocess is None else trainer.preprocess.pixel_steps
    start = time.perf_counter()
    if steps:
        names = ", ".join(step.name for step in steps)
        say(f"doing the preprocessing of {len(splits.train):,} images: {names}")
        trainer.prepare(splits.train, progress)
    with compiling_notice(say, live_stderr() if progress else None):
        trainer.rehearse(splits.train)
    return time.perf_counter() - start


def fingerprint(splits: Splits) -> str:
    """Return the SHA-256 of all images and labels with their shapes and class names."""
    digest = hashlib.sha256(repr(splits.classes).encode())
    for part in ("train", "val", "test"):
        dataset = splits.part(part)
        for array in (dataset.images, dataset.labels):
            digest.update(f"{part} {array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def describe_splits(splits: Splits) -> str:
    """Say in one line what was loaded."""
    size = "x".join(map(str, splits.image_shape[1:]))
    counts = ", ".join(f"{part} {count:,}" for part, count in splits.sizes.items())
    classes = splits.classes
    kind = f"{len(classes)} findings" if splits.multilabel else f"{len(classes)} classes"
    shown = ", ".join(classes) if len(classes) <= 4 else f"{', '.join(classes[:3])}, ..."
    return f"data    {splits.name}: {size} pixels, {counts}; {kind} ({shown})"


def describe_recipe(recipe: Recipe, trainer: Trainer) -> str:
    """Say in two lines what will be trained and how."""
    parameters = sum(p.size for p in trainer.model.params.values())
    extras = [
        f"weight decay {recipe.weight_decay:g}" if recipe.weight_decay else "",
        f"l1 {recipe.l1:g}" if recipe.l1 else "",
        f"l2 {recipe.l2:g}" if recipe.l2 else "",
        "augmentation" if recipe.augment else "no augmentation",
        f"preprocessing {' '.join(recipe.preprocess)}" if recipe.preprocess else "",
    ]
    return (
        f"model   {recipe.model}, {parameters:,} parameters\n"
        f"recipe  {recipe.epochs} epochs, batches of {recipe.batch_size}, {recipe.optimizer}, "
        f"{recipe.schedule.replace('_', ' ')} to {recipe.lr:g}, " + ", ".join(filter(None, extras))
    )


def _what_is_safe(trainer: Trainer) -> str:
    # A checkpoint that failed was that of the epoch in progress.
    done = trainer.saved_epochs
    return f"{done} of {trainer.epochs} epochs are safe" if done else "no epoch was finished"
