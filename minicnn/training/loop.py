"""The training loop.

the pixel steps of the preprocessing, once
for each epoch:
    for each batch, shuffled:
        x = normalise(mix(augment(images)))
        loss = loss(model.forward(x), labels) + penalty
        model.backward(gradient of the loss); penalty adds its own gradient
        optimizer.step() at the learning rate of the schedule
    validate, write one row of history, tell the callbacks, write the checkpoint

While a step computes, another thread makes the batch of the next one (`minicnn.training.ahead`).
The model that computes is the fused one where there is one (`minicnn.training.fast`); it shares
its arrays with the model that callbacks and checkpoints see.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minicnn.arguments import check_count
from minicnn.backends import current_backend
from minicnn.errors import ArgumentError, DivergedError
from minicnn.layers.base import Layer
from minicnn.schedules import ReduceOnPlateau
from minicnn.training import snapshot
from minicnn.training.ahead import Ahead
from minicnn.training.batches import Assembly, Batch, epoch_batches
from minicnn.training.callbacks import Callback
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.compiling import noticing_on_stderr
from minicnn.training.diverged import explain
from minicnn.training.fast import fastest, fill_gradients
from minicnn.training.history import History
from minicnn.training.measures import (
    accuracy,
    auc,
    loss_and_gradient,
    mixed_accuracy,
    targets,
)
from minicnn.training.predicting import dtype_of, predict_scores
from minicnn.training.progress import ProgressBar
from minicnn.training.randomness import generator

if TYPE_CHECKING:
    from minicnn.data.augment import Augment
    from minicnn.data.dataset import Dataset
    from minicnn.data.preprocess import Preprocess
    from minicnn.losses import Loss
    from minicnn.optimizers import Optimizer
    from minicnn.penalties import ElasticNet

Schedule = Callable[[int], float]


class Trainer:
    """Train a model on a data set.

    Parameters
    ----------
    model : Layer
        Trained in place.
    loss : Loss
        Compares scores with labels.
    optimizer : Optimizer
        Made for this model.
    penalty : L1, L2 or ElasticNet, optional
        Added to the loss; the ``loss`` of the history includes it.
    schedule : callable, optional
        From the step, counted from 0 over the whole training, to the learning rate. By
        default the rate stays what the optimizer has. A `ReduceOnPlateau` is told the
        validation loss after each epoch (with mode "max" the accuracy).
    callbacks : iterable of Callback
        Told about each batch and epoch, in this order. The next batch is made by then: another
        ``augment`` or ``preprocess`` counts from the next epoch.
    preprocess : Preprocess, optional
        By default `Preprocess` (normalisation). `fit` fits it on the training images, unless
        it is fitted.
    augment : Augment, optional
        Changes each training batch; never validation data. With mix-up, labels are mixed too,
        and the accuracy of the history counts each label by its share.
    batch_size : int
        Images per step.
    seed : int
        Decides the order of the images and the augmentation, epoch by epoch.

    Examples
    --------
    >>> trainer = Trainer(model, CrossEntropyLoss(), Adam(model))  # doctest: +SKIP
    >>> history = trainer.fit(splits.train, splits.val, epochs=10)  # doctest: +SKIP
    >>> trainer.evaluate(splits.test)["auc"]  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Layer,
        loss: Loss,
        optimizer: Optimizer,
        penalty: ElasticNet | None = None,
        schedule: Schedule | None = None,
        callbacks: Iterable[Callback] = (),
        *,
        preprocess: Preprocess | None = None,
        augment: Augment | None = None,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        generator(seed, "shuffle")  # complains about an impossible seed now, not later
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.penalty = penalty
        self.schedule = schedule
        self.callbacks = list(callbacks)
        self.preprocess = preprocess
        self.augment = augment
        self.batch_size = check_count("batch_size", batch_size)
        self.seed = seed
        self.history = History()
        self.epoch = 0  # the one in progress or just finished, from 1
        self.epochs = 0
        self.saved_epochs = 0  # of those, in the checkpoint
        self.images_per_epoch = 0
        self.stop_reason: str | None = None
        self._told: list[Callback] = []  # the callbacks, and perhaps a progress bar
        # What the pixel steps made of the training images; rehearse does them, fit finds them.
        self._prepared: tuple[Dataset, Dataset] | None = None
        # The model that computes, and what it was chosen for.
        self._fast: tuple[Layer, str, Layer] | None = None

    # ---- training -------------------------------------------------------------------

    def fit(
        self,
        train: Dataset,
        val: Dataset | None = None,
        epochs: int = 10,
        *,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool = True,
    ) -> History:
        """Train for ``epochs`` epochs, or until a callback stops.

        Parameters
        ----------
        train : Dataset
            What to learn from.
        val : Dataset, optional
            Measured after each epoch.
        epochs : int
            How many in all, those before a resume included.
        checkpoint : path, optional
            Where to write everything after each epoch.
        resume : bool
            Go on from ``checkpoint`` where that file exists. The result is, bit for bit,
            that of a training that was never interrupted.
        progress : bool
            Show a `ProgressBar`, unless one is among the callbacks already.

        Returns
        -------
        History
            One row per epoch: epoch, lr (of its last step), loss and accuracy (means over
            its training batches, penalty included), val_loss, val_accuracy, val_auc,
            seconds, images_per_second.

        Raises
        ------
        ArgumentError
            The batch is larger than the data.
        DivergedError
            The loss became NaN or infinite.
        """
        self.check(train, epochs)
        self.history = History()
        self.epoch, self.epochs, self.stop_reason = 0, epochs, None
        self.saved_epochs, self.images_per_epoch = 0, len(train)
        if resume and checkpoint is not None and Path(checkpoint).is_file():
            snapshot.restore(self, Checkpoint.load(checkpoint))
        prepared = self.prepare(train, progress)
        self._prepared = None  # the memory is needed
        checked = None if val is None else self._pixels(val, progress)
        self._told = list(self.callbacks)
        notice: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if progress and not any(isinstance(c, ProgressBar) for c in self.callbacks):
            self._told.append(ProgressBar())
            notice = noticing_on_stderr()
        try:
            for callback in self._told:
                callback.on_fit_begin(self)
            # Overflow has its own, better message: DivergedError.
            with notice, np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                while self.epoch < epochs and self.stop_reason is None:
                    self.epoch += 1
                    self._run_epoch(prepared, checked)
                    if checkpoint is not None:
                        snapshot.take(self).save(checkpoint)
                        self.saved_epochs = self.epoch
        finally:
            for callback in self._told:
                callback.on_fit_end(self)
        return self.history

    def check(self, train: Dataset, epochs: int) -> None:
        """Complain about what `fit` could not do, without doing anything."""
        check_count("epochs", epochs)
        if self.batch_size > len(train):
            raise ArgumentError(
                f"batch_size is {self.batch_size} but there are only {len(train)} training "
                f"images; use a batch of at most {len(train)} (--batch-size {len(train)})"
            )

    def rehearse(self, train: Dataset) -> None:
        """Do two steps and evaluations on copies, so that every kernel gets compiled.

        Nothing of the model, the optimizer or their random generators changes.
        """
        prepared = self.prepare(train)
        twin = copy.copy(self)
        twin.model, twin.optimizer = copy.deepcopy((self.model, self.optimizer))
        twin._fast = None
        some = prepared.subset(slice(0, self.batch_size))
        # What goes wrong here goes wrong again in the real step, with epoch and batch.
        with contextlib.suppress(DivergedError), np.errstate(all="ignore"):
            draws, mixing = generator(self.seed, "augment"), generator(self.seed, "mix")
            for _ in range(2):  # the second time is another one: it finds what the first left
                twin._step(twin._assembly().make(some.images, some.labels, draws, mixing), 0)
                scores = twin._scores_of(some)
                self.loss.forward(scores, targets(self.loss, some.labels, scores))

    def stop(self, reason: str) -> None:
        """End the training after this epoch (for callbacks)."""
        self.stop_reason = reason

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """Measure loss, accuracy and AUC in evaluation mode, without augmentation.

        The loss includes the penalty, as in training. Accuracy takes the highest score, or
        with several labels each label at 0.5. The AUC is a mean over classes or labels that
        have positives and negatives, NaN where none has.
        """
        return self._measure(dataset, self.predict_scores(dataset.images))

    def _measure(self, dataset: Dataset, scores: NDArray) -> dict[str, float]:
        return {
            "loss": self.loss.forward(scores, targets(self.loss, dataset.labels, scores))
            + self._penalty(),
            "accuracy": accuracy(dataset.labels, scores),
            "auc": auc(dataset.labels, scores),
        }

    def predict_scores(self, images: NDArray) -> NDArray[np.float64]:
        """Compute the raw scores (N, K) of images (N, C, H, W) in evaluation mode."""
        if self.preprocess is None:
            raise ArgumentError(
                "the trainer has no preprocessing yet; call fit first, or pass preprocess="
            )
        return predict_scores(self._computing(), images, self.preprocess)

    # ---- preprocessing --------------------------------------------------------------

    def prepare(self, train: Dataset, progress: bool = False) -> Dataset:
        """Do the pixel steps on the training images, and fit what has to be fitted.

        `fit` does this by itself; done before, it is not done again. ``progress`` shows a bar.
        """
        if self._prepared is None or self._prepared[0] is not train:
            self._prepared = train, self._fit_preprocess(train, progress)
        return self._prepared[1]

    def _fit_preprocess(self, train: Dataset, progress: bool) -> Dataset:
        if self.preprocess is None:
            from minicnn.data.preprocess import Preprocess

            self.preprocess = Preprocess()
        if self.preprocess.fitted:
            return self._pixels(train, progress)
        return train.with_images(self.preprocess.fit_prepare(train.images, progress))

    def _pixels(self, dataset: Dataset, progress: bool) -> Dataset:
        """Do the pixel steps; without any, the data set stays as it is."""
        assert self.preprocess is not None
        return dataset.with_images(self.preprocess.prepare(dataset.images, progress))

    def _scores_of(self, prepared: Dataset) -> NDArray[np.float64]:
        """Compute scores of images whose pixel steps are done."""
        assert self.preprocess is not None
        return predict_scores(self._computing(), prepared.images, self.preprocess.finishing())

    # ---- one epoch ------------------------------------------------------------------

    def _run_epoch(self, train: Dataset, val: Dataset | None) -> None:
        start = time.perf_counter()
        batches = math.ceil(len(train) / self.batch_size)
        loss = correct = images = 0.0
        made = epoch_batches(train, self._assembly(), self.batch_size, self.seed, self.epoch)
        self.model.train()
        with Ahead(made) as walk:
            for i, batch in enumerate(walk):
                if self.schedule is not None:
                    self.optimizer.lr = self.schedule((self.epoch - 1) * batches + i)
                value, scores = self._step(batch, i + 1)
                walk.settle()  # callbacks may do as they like: nobody else is at work
                images += len(batch)
                loss += value * len(batch)
                correct += mixed_accuracy(batch.labels, scores, batch.mix) * len(batch)
                so_far = {"images": images, "loss": loss / images, "accuracy": correct / images}
                for callback in self._told:
                    callback.on_batch_end(self, so_far)
        trained = time.perf_counter() - start

        self._check_weights(batch.x)
        row: dict[str, int | float] = {
            "epoch": self.epoch,
            "lr": float(self.optimizer.lr),
            "loss": loss / images,
            "accuracy": correct / images,
        }
        if val is not None:
            measured = self._measure(val, self._scores_of(val))
            row |= {f"val_{name}": value for name, value in measured.items()}
            if not math.isfinite(measured["loss"]):
                what = f"the validation loss of epoch {self.epoch} is not finite"
                raise explain(what, self.model, batch.x, self.optimizer.lr)
        row["seconds"] = time.perf_counter() - start
        row["images_per_second"] = images / trained
        self.history.append(row)
        self._tell_schedule(row)
        for callback in self._told:
            callback.on_epoch_end(self, row)

    def _assembly(self) -> Assembly:
        assert self.preprocess is not None
        return Assembly(self.preprocess, self.augment, dtype_of(self.model))

    def _computing(self) -> Layer:
        """Return the fused model where there is one, chosen anew with another backend."""
        backend = current_backend()
        if self._fast is None or self._fast[0] is not self.model or self._fast[1] != backend:
            self._fast = self.model, backend, fastest(self.model)
        return self._fast[2]

    def _step(self, batch: Batch, number: int) -> tuple[float, NDArray]:
        """Do one update; return the loss with its penalty, and the scores."""
        model = self._computing()
        scores = model.forward(batch.x)  # (B, K)
        value, gradient = loss_and_gradient(self.loss, batch.labels, scores, batch.mix)
        value += self._penalty()
        if not math.isfinite(value):
            what = f"the loss became {value} in epoch {self.epoch}, batch {number}"
            raise explain(what, self.model, batch.x, self.optimizer.lr)
        fill_gradients(model, gradient)
        if self.penalty is not None:
            self.penalty.add_gradient(model.params, model.grads)
        self.optimizer.step()
        return value, scores

    def _tell_schedule(self, row: dict[str, int | float]) -> None:
        """Let a schedule that listens (`ReduceOnPlateau`) hear loss, or else accuracy."""
        if not isinstance(self.schedule, ReduceOnPlateau):
            return
        name = "loss" if self.schedule.mode == "min" else "accuracy"
        self.schedule.update(row.get(f"val_{name}", row[name]))

    def _penalty(self) -> float:
        return 0.0 if self.penalty is None else self.penalty.value(self.model.params)

    def _check_weights(self, x: NDArray) -> None:
        """Notice a last step of the epoch that ruined the weights, before they are saved."""
        arrays = [*self.model.params.values(), *self.model.buffers.values()]
        if not all(np.isfinite(a).all() for a in arrays):
            what = f"the last step of epoch {self.epoch} gave unusable weights"
            raise explain(what, self.model, x, self.optimizer.lr)
