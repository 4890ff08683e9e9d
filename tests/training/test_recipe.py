from __future__ import annotations

import json
import math

import numpy as np
import pytest

from minicnn.errors import RunFolderError
from minicnn.layers import Linear
from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss
from minicnn.training import recipe as r
from minicnn.training.options import Options
from minicnn.training.recipe import Recipe, Task, choose, epochs_for

TASK = Task(images=4000, image_shape=(1, 28, 28), multilabel=False)


def test_everything_is_chosen():
    recipe = choose(Options(data="phantom"), TASK)
    assert recipe.model == "lungnet"
    assert recipe.batch_size == 64
    assert recipe.augment is not None
    assert recipe.augment["flip"] == 0
    assert recipe.patience is None
    assert recipe.weights == "last"
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_the_name_of_the_data_changes_nothing():
    assert choose(Options(data="phantom"), TASK) == choose(Options(data="chestmnist"), TASK)


def test_what_was_asked_for_is_done():
    options = Options(
        data="x",
        model="lenet",
        epochs=3,
        batch_size=7,
        optimizer="sgd",
        lr=0.5,
        l1=0.1,
        augment=False,
        patience=4,
    )
    recipe = choose(options, TASK)
    asked = ("model", "epochs", "batch_size", "optimizer", "lr", "l1", "patience")
    assert [getattr(recipe, k) for k in asked] == [getattr(options, k) for k in asked]
    assert recipe.augment is None
    assert recipe.weights == "best"


def test_a_penalty_replaces_the_weight_decay():
    assert choose(Options(data="x"), TASK).weight_decay > 0
    assert choose(Options(data="x", l2=0.0), TASK).weight_decay == 0
    assert choose(Options(data="x", l1=0.1), TASK).weight_decay == 0
    assert r.make_penalty(choose(Options(data="x"), TASK)) is None
    penalty = r.make_penalty(choose(Options(data="x", l1=0.1, l2=0.2), TASK))
    assert (penalty.l1, penalty.l2) == (0.1, 0.2)


@pytest.mark.parametrize(
    ("images", "batch"), [(5, 5), (20, 8), (300, 8), (600, 16), (2000, 32), (2048, 64), (10**6, 64)]
)
def test_few_images_get_small_batches_and_small_steps(images, batch):
    recipe = choose(Options(data="x"), Task(images, (1, 28, 28), False))
    assert recipe.batch_size == batch
    assert recipe.lr == pytest.approx(r.OPTIMIZERS["adamw"].lr * math.sqrt(batch / 64))


def test_more_and_larger_images_get_fewer_epochs():
    counts = [epochs_for(Task(n, (1, s, s), False)) for n, s in [(10, 28), (4000, 28), (4000, 64)]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == r.MOST_EPOCHS
    assert epochs_for(Task(10**6, (1, 224, 224), True)) == r.FEWEST_EPOCHS


def test_the_loss_suits_the_labels():
    recipe = choose(Options(data="x"), TASK)
    loss = r.make_loss(recipe, np.array([0, 1, 1, 1]), 2)
    assert isinstance(loss, CrossEntropyLoss)
    np.testing.assert_allclose(loss.weight[0] / loss.weight[1], np.sqrt(3))
    several = choose(Options(data="x"), Task(4, (1, 28, 28), multilabel=True))
    assert isinstance(r.make_loss(several, np.zeros((4, 3), np.uint8), 3), BCEWithLogitsLoss)


def test_rare_classes_weigh_more_and_an_absent_one_does_no_harm():
    labels = np.array([0] * 4 + [1] * 16 + [3] * 64)
    weights = r.class_weights(labels, 4)
    np.testing.assert_allclose(weights[[0, 1]] / weights[3], [4, 2])
    assert weights[2] == 1
    assert weights[labels].mean() == pytest.approx(1)
    np.testing.assert_allclose(r.class_weights(np.array([0, 1, 2]), 3), 1)


@pytest.mark.parametrize("name", list(r.OPTIMIZERS))
def test_every_optimizer_can_be_made(name):
    recipe = choose(Options(data="x", optimizer=name), TASK)
    optimizer = r.make_optimizer(recipe, Linear(2, 2))
    assert type(optimizer).__name__.lower() == name
    assert optimizer.lr == recipe.lr == r.OPTIMIZERS[name].lr  # at the largest batch
    assert optimizer.weight_decay == recipe.weight_decay


def test_the_schedule_covers_the_whole_training():
    recipe = choose(Options(data="x", epochs=2, batch_size=30, lr=1.0), TASK)
    schedule = r.make_schedule(recipe, 100)  # 4 batches, twice
    rates = [schedule(step) for step in range(8)]
    assert max(rates) > 0.9
    assert rates[-1] < 1e-3 < rates[-2]
    assert math.isclose(schedule(9), rates[-1])


def test_a_damaged_recipe_is_refused():
    with pytest.raises(RunFolderError, match="recipe"):
        Recipe.from_json({"model": "lenet"})
    with pytest.raises(RunFolderError, match="recipe"):
        Recipe.from_json(None)


def test_strengths_that_are_given_replace_the_usual_ones():
    from minicnn.data.augment import Augment

    usual = Augment().to_config()
    given = choose(Options(data="x", augment_with="noise=0.1,rotation=3"), TASK).augment
    assert given == usual | {"noise": 0.1, "rotation": 3.0}
    both = choose(Options(data="x", augment_strength=0.5, augment_with="rotation=3"), TASK).augment
    assert both == {name: value / 2 for name, value in usual.items()} | {"rotation": 3.0}
    only = choose(Options(data="x", augment_strength=0.0, augment_with="noise=0.1"), TASK).augment
    assert only == dict.fromkeys(usual, 0.0) | {"noise": 0.1}


def test_steps_are_kept_and_recipes_without_any_are_read():
    recipe = choose(Options(data="x", step=["clahe", "crop:size=20"]), TASK)
    assert recipe.preprocess == ["clahe", "crop:size=20"]
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    old = choose(Options(data="x"), TASK).to_json()
    del old["preprocess"]
    assert Recipe.from_json(old).preprocess == []


def test_a_weight_decay_that_is_given_counts_beside_penalties():
    assert choose(Options(data="x", weight_decay=0.0), TASK).weight_decay == 0
    assert choose(Options(data="x", weight_decay=0.3, l2=0.1), TASK).weight_decay == 0.3
    assert choose(Options(data="x", l2=0.1), TASK).weight_decay == 0
    assert choose(Options(data="x"), TASK).weight_decay == 0.02


def test_width_and_strength_reach_the_recipe():
    recipe = choose(Options(data="x", width=0.5, augment_strength=0.5), TASK)
    assert recipe.width == 0.5
    assert recipe.augment["rotation"] == choose(Options(data="x"), TASK).augment["rotation"] / 2
    assert choose(Options(data="x", augment_strength=0), TASK).augment is None
    old = recipe.to_json()
    del old["width"]
    assert Recipe.from_json(old).width == 1
