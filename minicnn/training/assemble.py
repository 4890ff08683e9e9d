"""From a recipe to everything a training needs: network, loss, optimizer, augmentation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from minicnn import zoo
from minicnn.training.callbacks import Callback
from minicnn.training.loop import Trainer
from minicnn.training.randomness import generator
from minicnn.training.recipe import (
    Recipe,
    make_loss,
    make_optimizer,
    make_penalty,
    make_schedule,
)

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset


def make_trainer(
    recipe: Recipe, train: Dataset, seed: int, callbacks: Iterable[Callback] = ()
) -> Trainer:
    """Build network, loss, optimizer and the rest as the recipe says, ready to fit ``train``."""
    from minicnn.data.augment import Augment
    from minicnn.data.preprocess.spec import parse_preprocess

    classes = len(train.classes)
    preprocess = parse_preprocess(recipe.preprocess)
    model = zoo.build(
        recipe.model,
        input_shape=preprocess.output_shape(train.image_shape),
        classes=classes,
        rng=generator(seed, "weights"),
        width=recipe.width,
    )
    return Trainer(
        model,
        make_loss(recipe, train.labels, classes),
        make_optimizer(recipe, model),
        make_penalty(recipe),
        make_schedule(recipe, len(train)),
        callbacks,
        preprocess=preprocess,
        augment=None if recipe.augment is None else Augment.from_config(recipe.augment),
        batch_size=recipe.batch_size,
        seed=seed,
    )
