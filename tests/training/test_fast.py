"""The trainer computes with the fused model and shows the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.data.preprocess import Preprocess
from minicnn.layers import Layer, Linear
from minicnn.losses import CrossEntropyLoss
from minicnn.model import Sequential
from minicnn.optimizers import SGD
from minicnn.training.callbacks import Callback
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.fast import fastest, fill_gradients
from minicnn.training.loop import Trainer
from minicnn.training.predicting import predict_scores

fusion = pytest.importorskip("minicnn.fusion")


@pytest.fixture
def used(monkeypatch):
    """List every pass through a fused model."""
    passes = []
    for name in ("forward", "backward"):
        original = getattr(fusion.FusedModel, name)

        def noted(self, *args, name=name, original=original, **kwargs):
            passes.append((name, kwargs))
            return original(self, *args, **kwargs)

        monkeypatch.setattr(fusion.FusedModel, name, noted)
    return passes


def make_trainer(model, *callbacks):
    return Trainer(
        model, CrossEntropyLoss(), SGD(model, 0.05), None, None, callbacks, batch_size=35
    )


def test_training_validation_and_evaluation_use_the_fused_model(make_model, train, val, used):
    trainer = make_trainer(make_model())
    trainer.fit(train, val, epochs=1, progress=False)
    no_dx = ("backward", {"input_gradient": False})
    forward = ("forward", {})
    assert used == [forward, no_dx, forward, no_dx, forward]
    trainer.evaluate(val)
    predict_scores(trainer.model, val.images, trainer.preprocess)
    assert used[5:] == [forward] * 2


@pytest.mark.parametrize("name", ["loops", "vectorized"])
def test_another_backend_trains_the_plain_layers(make_model, train, val, used, name):
    with use_backend(name):
        trainer = make_trainer(make_model())
        trainer.fit(train.subset(slice(0, 36)), val.subset(slice(0, 4)), epochs=1, progress=False)
        assert fastest(trainer.model) is trainer.model
    assert used == []


def test_the_backend_may_change_between_two_evaluations(make_model, train, val, used):
    trainer = make_trainer(make_model())
    trainer.fit(train, epochs=1, progress=False)
    del used[:]
    fused = trainer.evaluate(val)
    with use_backend("vectorized"):
        plain = trainer.evaluate(val)
    assert [name for name, _ in used] == ["forward"]
    assert fused["loss"] == pytest.approx(plain["loss"], rel=1e-5)


def test_both_learn_the_same(make_model, train, val):
    fused, plain = make_model(), make_model()
    first = make_trainer(fused).fit(train, val, epochs=3, progress=False)
    with use_backend("vectorized"):
        second = make_trainer(plain).fit(train, val, epochs=3, progress=False)
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-4)
    for name, value in fused.state_dict().items():
        np.testing.assert_allclose(value, plain.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_callbacks_and_checkpoints_see_the_plain_model(tmp_path, make_model, train):
    seen = []

    class Look(Callback):
        def on_batch_end(self, trainer, so_far):
            seen.append(trainer.model.params["7.weight"].copy())

    model = make_model()
    path = tmp_path / "c.npz"
    trainer = make_trainer(model, Look())
    trainer.fit(train, epochs=1, checkpoint=path, progress=False)
    assert trainer.model is model
    assert not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[1], model.params["7.weight"])
    saved = Checkpoint.load(path)
    assert saved.generators[0]["state"] == model.layers[4].rng.bit_generator.state["state"]
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(saved.model[name], value)


def test_weights_a_callback_puts_into_the_model_count_from_the_next_step(make_model, train):
    class Zero(Callback):
        def on_batch_end(self, trainer, so_far):
            for p in trainer.model.params.values():
                p[:] = 0

    losses = []

    class Note(CrossEntropyLoss):
        def forward(self, scores, target):
            losses.append(super().forward(scores, target))
            return losses[-1]

    model = make_model()
    trainer = Trainer(model, Note(), SGD(model, 0.05), callbacks=[Zero()], batch_size=35)
    trainer.fit(train, epochs=1, progress=False)
    assert losses[0] != pytest.approx(np.log(2), rel=1e-6)
    assert losses[1] == pytest.approx(np.log(2), rel=1e-6)


def test_another_model_in_the_trainer_is_the_one_evaluated(make_model, train, val):
    trainer = make_trainer(make_model())
    trainer.fit(train, epochs=2, progress=False)
    before = trainer.evaluate(val)["loss"]
    trainer.model = make_model(seed=8)
    assert trainer.evaluate(val)["loss"] != before


def test_a_model_that_is_fused_already_stays_it(make_model, train):
    model = make_model().compile()
    assert fastest(model) is model
    preprocess = Preprocess().fit(train.images)
    np.testing.assert_array_equal(
        predict_scores(model, train.images, preprocess),
        predict_scores(model.model, train.images, preprocess),
    )


def test_what_is_no_layer_of_ours_computes_as_it_is():
    class Bare:
        def backward(self, dy):
            self.dy = dy

    model = Bare()
    assert fastest(model) is model
    fill_gradients(model, 3)
    assert model.dy == 3


def test_a_layer_of_the_users_own_is_trained(train):
    class Unfold(Layer):
        def forward(self, x):
            self._cache = x.shape
            return x.reshape(len(x), -1)

        def backward(self, dy):
            return dy.reshape(self._cache)

        def output_shape(self, input_shape):
            return input_shape[0], int(np.prod(input_shape[1:]))

    model = Sequential(Unfold(), Linear(64, 2, rng=np.random.default_rng(0)))
    history = Trainer(model, CrossEntropyLoss(), SGD(model, 0.1), batch_size=35).fit(
        train, epochs=8, progress=False
    )
    assert history["loss"][-1] < history["loss"][0]
