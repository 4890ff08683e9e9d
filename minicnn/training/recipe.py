"""The recipe: how ``minicnn train`` trains when nothing else is asked for.

All its choices are in this file. They depend on the task and on the shape and number of
the images, never on the name of a data set:

==================  ====================================================================
network             ``lungnet``: five convolutions with batch norm, 70,000 weights
loss                cross-entropy, labels smoothed by 0.05, rare classes weighing more;
                    with several labels binary cross-entropy
optimizer           AdamW, decay 0.02, batches of 64, of fewer for few images
learning rate       one cycle: up to 0.004 in the first third, down to nearly 0; less for
                    smaller batches
epochs              as many as a fixed amount of work allows, see `epochs_for`
augmentation        rotation, shift, scale, brightness, contrast; no mirror image
weights             the last ones: at the end of the cycle the rate is so small that
                    the choice of a best epoch would only fit the validation images
==================  ====================================================================
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import RunFolderError

if TYPE_CHECKING:
    from minicnn.layers.base import Layer
    from minicnn.losses import Loss
    from minicnn.optimizers import Optimizer
    from minicnn.penalties import ElasticNet
    from minicnn.schedules import Schedule
    from minicnn.training.options import Options

# Pixels to show the network in all. At 28x28 about a minute on two cores.
WORK = 50_000_000
FEWEST_EPOCHS, MOST_EPOCHS = 8, 40
MODEL = "lungnet"
# The batch is halved until an epoch has at least so many steps.
LARGEST_BATCH, SMALLEST_BATCH = 64, 8
FEWEST_STEPS = 32
LABEL_SMOOTHING = 0.05


@dataclasses.dataclass(frozen=True)
class Rule:
    """An optimizer as the recipe uses it: how to make it, its rate and its decay."""

    make: Callable[[Layer, float, float], Optimizer]
    lr: float
    weight_decay: float


def _make(name: str, **extra: Any) -> Callable[[Layer, float, float], Optimizer]:
    def make(model: Layer, lr: float, weight_decay: float) -> Optimizer:
        from minicnn import optimizers

        made: Optimizer = getattr(optimizers, name)(
            model, lr=lr, weight_decay=weight_decay, **extra
        )
        return made

    return make


OPTIMIZERS: dict[str, Rule] = {
    "adamw": Rule(_make("AdamW"), 4e-3, 0.02),
    "adam": Rule(_make("Adam"), 4e-3, 0.0),
    "sgd": Rule(_make("SGD", momentum=0.9, nesterov=True), 0.1, 5e-4),
    "rmsprop": Rule(_make("RMSprop"), 2e-3, 0.0),
    "adagrad": Rule(_make("Adagrad"), 2e-2, 0.0),
}


@dataclasses.dataclass(frozen=True)
class Task:
    """All that the recipe may know about the data."""

    images: int
    image_shape: tuple[int, int, int]
    multilabel: bool


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Every choice of a training, nothing left open; stored in ``config.json``.

    ``augment`` holds the strengths of `minicnn.data.augment.Augment`, or None.
    ``preprocess`` holds the steps in words, as in `minicnn.data.preprocess.spec`.
    ``weights`` is ``"last"``, or ``"best"``: those of the epoch with the least validation
    loss, which is what ``patience`` waits for.
    """

    model: str
    epochs: int
    batch_size: int
    optimizer: str
    lr: float
    schedule: str
    weight_decay: float
    l1: float
    l2: float
    label_smoothing: float
    weighted_classes: bool
    augment: dict[str, float] | None
    patience: int | None
    weights: str
    width: float = 1.0  # recipes stored before networks had a width lack it
    # Stored before there were steps to choose, they lack this.
    preprocess: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return all choices as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Recipe:
        """Read what `to_json` returned, from a file somebody may have changed."""
        try:
            return cls(**values)
        except TypeError as error:
            raise RunFolderError(
                f"the recipe of the run is damaged or that of another version ({error}); "
                "start a new training"
            ) from error


def choose(options: Options, task: Task) -> Recipe:
    """Fill in what the options leave open."""
    name = options.optimizer or "adamw"
    rule = OPTIMIZERS[name]
    batch = options.batch_size or batch_for(task)
    return Recipe(
        model=options.model or MODEL,
        epochs=options.epochs or epochs_for(task),
        batch_size=batch,
        optimizer=name,
        # Fewer images per step make a noisier gradient: the square-root rule.
        lr=options.lr or rule.lr * math.sqrt(batch / LARGEST_BATCH),
        schedule="one_cycle",
        weight_decay=_weight_decay(options, rule),
        l1=options.l1 or 0.0,
        l2=options.l2 or 0.0,
        label_smoothing=0.0 if task.multilabel else LABEL_SMOOTHING,
        weighted_classes=not task.multilabel,
        augment=_augmentation(options),
        patience=options.patience,
        weights="last" if options.patience is None else "best",
        width=1.0 if options.width is None else float(options.width),
        preprocess=list(options.step or ()),
    )


def _weight_decay(options: Options, rule: Rule) -> float:
    if options.weight_decay is not None:
        return options.weight_decay
    # Two things that shrink the weights at once would blur what --l2 does.
    penalised = options.l1 is not None or options.l2 is not None
    return 0.0 if penalised else rule.weight_decay


def _augmentation(options: Options) -> dict[str, float] | None:
    from minicnn.data.augment import Augment, parse_strengths

    given = {} if options.augment_with is None else parse_strengths(options.augment_with)
    strength = 1.0 if options.augment_strength is None else options.augment_strength
    if options.augment is False or (strength == 0 and not given):
        return None
    usual = {name: value * strength for name, value in Augment().to_config().items()}
    return usual | given


def epochs_for(task: Task) -> int:
    """Return how many epochs a fixed amount of work allows: `WORK` pixels shown in all."""
    _, height, width = task.image_shape
    affordable = round(WORK / (task.images * height * width))
    return min(max(affordable, FEWEST_EPOCHS), MOST_EPOCHS)


def batch_for(task: Task) -> int:
    """Return the largest batch of 64, 32, 16, 8 that leaves an epoch enough steps."""
    batch = LARGEST_BATCH
    while batch > SMALLEST_BATCH and task.images < FEWEST_STEPS * batch:
        batch //= 2
    return min(batch, task.images)


# ---- from the choices to objects --------------------------------------------------------


def make_loss(recipe: Recipe, labels: NDArray, classes: int) -> Loss:
    """Build the loss for training labels (N,) or (N, L)."""
    from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss

    if labels.ndim == 2:
        return BCEWithLogitsLoss()
    weight = class_weights(labels, classes) if recipe.weighted_classes else None
    return CrossEntropyLoss(weight, label_smoothing=recipe.label_smoothing)


def class_weights(labels: NDArray, classes: int) -> NDArray[np.float64]:
    """Weights (C,) proportional to 1 / sqrt(N_c), with mean 1 over the images.

    Half-way, in the exponent, between letting each image count the same (rare classes
    are missed) and letting each class count the same (they are called too often). A class
    without images gets weight 1; it never meets the loss.
    """
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    weights = np.ones(classes)
    weights[present] = counts[present] ** -0.5
    weights[present] *= len(labels) / (weights * counts)[present].sum()
    return weights


def make_optimizer(recipe: Recipe, model: Layer) -> Optimizer:
    """Build the optimizer for a model."""
    return OPTIMIZERS[recipe.optimizer].make(model, recipe.lr, recipe.weight_decay)


def make_penalty(recipe: Recipe) -> ElasticNet | None:
    """Build the penalty, None where both strengths are 0."""
    from minicnn.penalties import ElasticNet

    return ElasticNet(recipe.l1, recipe.l2) if recipe.l1 or recipe.l2 else None


def make_schedule(recipe: Recipe, images: int) -> Schedule:
    """Build the schedule for so many training images."""
    from minicnn.schedules import one_cycle

    steps = recipe.epochs * -(-images // recipe.batch_size)
    return one_cycle(recipe.lr, steps)
