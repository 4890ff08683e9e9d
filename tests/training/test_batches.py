"""The batches of an epoch, beside a plain loop, and in a training that overlaps them."""

from __future__ import annotations

import _thread
import threading
import time

import numpy as np
import pytest

from minicnn.data.augment import Augment
from minicnn.data.preprocess import Preprocess
from minicnn.losses import CrossEntropyLoss
from minicnn.optimizers import SGD
from minicnn.training.batches import Assembly, epoch_batches
from minicnn.training.callbacks import Callback
from minicnn.training.loop import Trainer
from minicnn.training.randomness import generator

EVERYTHING = {"gamma": 0.3, "noise": 0.1, "blur": 1, "cutout": 0.4, "mixup": 0.4, "flip": 0.5}


def make_trainer(model, *callbacks, **options):
    options = {"augment": Augment(**EVERYTHING), "batch_size": 16, "seed": 3} | options
    return Trainer(model, CrossEntropyLoss(), SGD(model, 0.01), callbacks=callbacks, **options)


def test_an_epoch_is_what_a_plain_loop_draws(train):
    augment, preprocess = Augment(**EVERYTHING), Preprocess().fit(train.images)
    order = np.arange(len(train))
    generator(3, "shuffle", 2).shuffle(order)
    draws, mixing = generator(3, "augment", 2), generator(3, "mix", 2)
    batches = list(epoch_batches(train, Assembly(preprocess, augment, np.float64), 16, 3, 2))
    assert [len(batch) for batch in batches] == [16, 16, 16, 16, 6]
    for start, batch in zip(range(0, 70, 16), batches, strict=True):
        chosen = order[start : start + 16]
        mix = augment.mix(len(chosen), mixing)
        x = mix(augment(train.images[chosen] / 255, draws))
        np.testing.assert_array_equal(batch.x, preprocess.after_augmentation(x))
        np.testing.assert_array_equal(batch.labels, train.labels[chosen])
        np.testing.assert_array_equal(batch.mix.partner, mix.partner)
        assert batch.mix.share == mix.share
        assert batch.x.dtype == np.float64


def test_without_augmentation_nothing_is_mixed(train):
    assembly = Assembly(Preprocess().fit(train.images), None, np.float32)
    batch = next(epoch_batches(train, assembly, 16, 0, 1))
    assert batch.mix is None
    assert batch.x.dtype == np.float32


def test_the_next_batch_is_made_during_the_step(make_model, train):
    begun, news = [], threading.Condition()

    class Tell(Augment):
        def __call__(self, x, rng):
            with news:
                begun.append(len(x))
                news.notify()
            return super().__call__(x, rng)

    class Waiting(CrossEntropyLoss):
        steps = 0

        def forward(self, scores, target):
            self.steps += 1
            with news:  # a loop that makes its batches one by one waits in vain
                assert news.wait_for(lambda: len(begun) > min(self.steps, 4), timeout=10)
            return super().forward(scores, target)

    model, loss = make_model(), Waiting()
    trainer = Trainer(model, loss, SGD(model, 0.01), augment=Tell(), batch_size=16)
    trainer.fit(train, epochs=1, progress=False)
    assert loss.steps == 5
    assert begun == [16, 16, 16, 16, 6]


def test_callbacks_have_the_machine_to_themselves(make_model, train):
    inside, seen = [], []

    class Watch(Augment):
        def __call__(self, x, rng):
            inside.append(1)
            time.sleep(0.01)  # longer than the step
            y = super().__call__(x, rng)
            inside.pop()
            return y

    class Look(Callback):
        def on_batch_end(self, trainer, so_far):
            seen.append(len(inside))

    make_trainer(make_model(), Look(), augment=Watch()).fit(train, epochs=3, progress=False)
    assert seen == [0] * 15


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_goes_wrong_in_the_augmentation_arrives_after_the_steps_before(
    make_model, train, kind
):
    done = []

    class Bad(Augment):
        calls = 0

        def __call__(self, x, rng):
            self.calls += 1
            if self.calls == 3:
                raise kind("no such exposure")
            return super().__call__(x, rng)

    class Count(Callback):
        def on_batch_end(self, trainer, so_far):
            done.append(so_far["images"])

        def on_fit_end(self, trainer):
            done.append("end")

    with pytest.raises(kind, match="no such exposure"):
        make_trainer(make_model(), Count(), augment=Bad()).fit(train, epochs=2, progress=False)
    assert done == [16, 32, "end"]
    assert not any(t.name.startswith("minicnn-ahead") for t in threading.enumerate())


def test_a_training_stopped_by_a_callback_leaves_no_thread(make_model, train):
    class Stop(Callback):
        def on_batch_end(self, trainer, so_far):
            if so_far["images"] == 32:
                trainer.stop("enough")

    history = make_trainer(make_model(), Stop()).fit(train, epochs=9, progress=False)
    assert len(history) == 1
    assert not any(t.name.startswith("minicnn-ahead") for t in threading.enumerate())


def test_control_c_while_a_batch_is_made_ends_the_training(make_model, train):
    class Pressed(Augment):
        calls = 0

        def __call__(self, x, rng):
            self.calls += 1
            if self.calls == 3:
                _thread.interrupt_main()
            return super().__call__(x, rng)

    augment = Pressed()
    with pytest.raises(KeyboardInterrupt):
        make_trainer(make_model(), augment=augment).fit(train, epochs=2, progress=False)
    assert 3 <= augment.calls <= 5
    assert not any(t.name.startswith("minicnn-ahead") for t in threading.enumerate())
