"""Pixel steps and mix-up in a training: done once, done in time, and the same after a resume."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from minicnn.data.augment import Augment
from minicnn.data.preprocess import Normalize, PixelStep, Preprocess
from minicnn.data.preprocess.spec import parse_preprocess
from minicnn.layers import Flatten, Linear
from minicnn.losses import CrossEntropyLoss
from minicnn.model import Sequential
from minicnn.optimizers import SGD, Adam
from minicnn.training.callbacks import Callback
from minicnn.training.loop import Trainer
from minicnn.training.randomness import generator

NOTHING = dict.fromkeys(Augment().to_config(), 0.0)


@dataclasses.dataclass(frozen=True)
class Halve(PixelStep):
    """Halve every pixel, and count the images seen."""

    name = "halve"
    seen: list = dataclasses.field(default_factory=list)

    def __call__(self, x):
        self.seen.append(len(x))
        return x / 2


def make_trainer(model, **options):
    return Trainer(model, CrossEntropyLoss(), Adam(model, 0.01), batch_size=16, seed=3, **options)


def test_pixel_steps_are_done_once_and_not_in_every_epoch(make_model, train, val):
    step, shown = Halve(), []

    class Watch(Augment):
        def __call__(self, x, rng):
            shown.append(x)
            return super().__call__(x, rng)

    trainer = make_trainer(
        make_model(), preprocess=Preprocess([step, Normalize()]), augment=Watch()
    )
    trainer.rehearse(train)
    assert sum(step.seen) == len(train)
    del shown[:]
    history = trainer.fit(train, val, epochs=3)
    assert sum(step.seen) == len(train) + len(val)
    assert max(x.max() for x in shown) <= np.ceil(train.images.max() / 2) / 255
    # What fit measured on prepared images is what evaluate finds on stored ones.
    assert trainer.evaluate(val)["loss"] == history["val_loss"][-1]


def test_the_normalisation_is_fitted_on_prepared_images(make_model, train):
    trainer = make_trainer(make_model(), preprocess=Preprocess([Halve(), Normalize()]))
    trainer.fit(train, epochs=1)
    x = trainer.preprocess(train.images)
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=1e-4)


def test_a_fitted_preprocessing_is_not_fitted_again(make_model, train):
    preprocess = Preprocess([Normalize([0.3], [0.7])])
    trainer = make_trainer(make_model(), preprocess=preprocess)
    trainer.fit(train, epochs=1)
    assert trainer.preprocess.to_config()["steps"][0]["mean"] == [0.3]


def test_other_training_images_are_prepared_anew(make_model, train, val):
    trainer = make_trainer(make_model(), preprocess=parse_preprocess(["equalize"]))
    trainer.prepare(val)
    assert len(trainer.prepare(train)) == len(train)


def test_mix_up_is_what_its_paper_writes(train):
    """Gradient descent with mixed images and labels in between, beside the trainer."""
    model = Sequential(Flatten(), Linear(64, 2, rng=np.random.default_rng(5)))
    w, b = (model.params[k].astype(float) for k in ("1.weight", "1.bias"))
    trainer = Trainer(
        model,
        CrossEntropyLoss(),
        SGD(model, 0.5),
        augment=Augment(**NOTHING | {"mixup": 1.0}),
        batch_size=len(train),
        seed=9,
    )
    history = trainer.fit(train, epochs=3)
    images = Preprocess().fit(train.images)(train.images).reshape(len(train), 64).astype(float)
    for epoch, loss in enumerate(history["loss"], start=1):
        order = np.arange(len(train))
        generator(9, "shuffle", epoch).shuffle(order)
        rng = generator(9, "mix", epoch)
        share = rng.beta(1, 1)
        share = max(share, 1 - share)
        partner = rng.permutation(len(train))
        x, target = images[order], np.eye(2)[train.labels[order]]
        x = share * x + (1 - share) * x[partner]
        target = share * target + (1 - share) * target[partner]
        scores = x @ w.T + b
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        assert loss == pytest.approx(-(target * np.log(p)).sum(axis=1).mean(), rel=1e-5)
        w, b = w - 0.5 * (p - target).T @ x / len(x), b - 0.5 * (p - target).mean(axis=0)
    np.testing.assert_allclose(model.params["1.weight"], w, rtol=1e-3, atol=1e-5)


def test_without_mix_up_nothing_is_drawn_for_it(make_model, train):
    plain, off = make_model(), make_model()
    make_trainer(plain, augment=Augment()).fit(train, epochs=2)
    make_trainer(off, augment=Augment(mixup=0.0)).fit(train, epochs=2)
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(value, off.state_dict()[name])


@pytest.mark.parametrize("stop", [16, 64])
def test_a_resumed_training_with_everything_on_ends_bit_for_bit_the_same(
    tmp_path, make_model, train, val, stop
):
    class Interrupt(Callback):
        def on_batch_end(self, trainer, so_far):
            if (trainer.epoch, so_far["images"]) == (3, stop):
                raise KeyboardInterrupt

    def trainer_for(model, *callbacks):
        return make_trainer(
            model,
            augment=Augment(gamma=0.3, noise=0.1, blur=1, cutout=0.4, mixup=0.4, flip=0.5),
            preprocess=parse_preprocess(["clahe:tiles=2", "median", "crop:size=8"]),
            callbacks=callbacks,
        )

    whole, broken, resumed = make_model(), make_model(), make_model()
    expected = trainer_for(whole).fit(train, val, epochs=4)
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        trainer_for(broken, Interrupt()).fit(train, val, epochs=4, checkpoint=path)
    history = trainer_for(resumed).fit(train, val, epochs=4, checkpoint=path, resume=True)
    assert history["val_loss"] == expected["val_loss"]
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(value, resumed.state_dict()[name], err_msg=name)
