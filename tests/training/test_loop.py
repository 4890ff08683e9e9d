from __future__ import annotations

import io
import math

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.data.augment import Augment
from minicnn.data.dataset import Dataset
from minicnn.data.preprocess import Preprocess
from minicnn.errors import ArgumentError, DivergedError, ModelFileError
from minicnn.layers import Flatten, Linear
from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from minicnn.model import Sequential
from minicnn.optimizers import SGD, Adam
from minicnn.penalties import L2
from minicnn.schedules import ReduceOnPlateau, one_cycle
from minicnn.training.callbacks import BestWeights, Callback, EarlyStopping
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.compiling import compiling_notice
from minicnn.training.loop import Trainer
from minicnn.training.progress import ProgressBar

COLUMNS = [
    "epoch",
    "lr",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "val_auc",
    "seconds",
    "images_per_second",
]


class Interrupt(Callback):
    """Raise at one batch of one epoch, or just before or after a checkpoint."""

    def __init__(self, epoch, images=None):
        self.epoch, self.images = epoch, images

    def on_batch_end(self, trainer, so_far):
        if (trainer.epoch, so_far["images"]) == (self.epoch, self.images):
            raise KeyboardInterrupt

    def on_epoch_end(self, trainer, row):
        if (trainer.epoch, None) == (self.epoch, self.images):
            raise KeyboardInterrupt


def make_trainer(model, *callbacks, **options):
    options = {"augment": Augment(), "batch_size": 16, "seed": 3} | options
    return Trainer(
        model,
        CrossEntropyLoss(label_smoothing=0.05),
        Adam(model, 0.01),
        L2(1e-3),
        one_cycle(0.02, 6 * 5),
        callbacks,
        **options,
    )


def assert_same(a, b):
    for name, value in a.state_dict().items():
        np.testing.assert_array_equal(value, b.state_dict()[name], err_msg=name)


# ---- learning ---------------------------------------------------------------------------


def test_it_learns(make_model, train, val):
    trainer = make_trainer(make_model(), seed=0)
    history = trainer.fit(train, val, epochs=6)
    assert history.columns == COLUMNS
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert history["loss"][-1] < history["loss"][0]
    assert history["val_auc"][-1] > 0.95
    assert history["val_accuracy"][-1] == trainer.evaluate(val)["accuracy"]
    assert all(s > 0 for s in history["seconds"] + history["images_per_second"])


def test_the_first_loss_of_an_untrained_classifier_is_about_log_of_the_classes(train):
    model = Sequential(Flatten(), Linear(64, 2))
    for p in model.params.values():
        p[:] = 0
    trainer = Trainer(model, CrossEntropyLoss(), SGD(model, 0.0))
    assert trainer.fit(train, epochs=1)["loss"][0] == pytest.approx(math.log(2), rel=1e-6)


def test_one_epoch_is_what_the_textbook_writes(train):
    """Plain gradient descent on all images, step by step beside the trainer."""
    model, twin = (Sequential(Flatten(), Linear(64, 2, rng=np.random.default_rng(5))) for _ in "ab")
    trainer = Trainer(model, CrossEntropyLoss(), SGD(model, 0.5), L2(0.1), batch_size=len(train))
    history = trainer.fit(train, epochs=3)
    x = Preprocess().fit(train.images)(train.images).reshape(len(train), 64).astype(float)
    w, b = (twin.params[k].astype(float) for k in ("1.weight", "1.bias"))
    onehot = np.eye(2)[train.labels]
    for loss in history["loss"]:
        scores = x @ w.T + b
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        expected = -np.log(p[np.arange(len(x)), train.labels]).mean() + 0.05 * (w**2).sum()
        assert loss == pytest.approx(expected, rel=1e-5)
        w, b = w - 0.5 * ((p - onehot).T @ x / len(x) + 0.1 * w), b - 0.5 * (p - onehot).mean(0)
    np.testing.assert_allclose(model.params["1.weight"], w, rtol=1e-3, atol=1e-5)


def test_the_rate_follows_the_schedule_step_by_step(make_model, train):
    seen = []
    model = make_model()

    class Watch(Callback):
        def on_batch_end(self, trainer, so_far):
            seen.append(trainer.optimizer.lr)

    trainer = Trainer(
        model,
        CrossEntropyLoss(),
        SGD(model, 1.0),
        None,
        lambda step: 1 / (step + 1),
        [Watch()],
        batch_size=30,
    )
    history = trainer.fit(train, epochs=2)
    assert seen == [1 / k for k in range(1, 7)]
    assert history["lr"] == [1 / 3, 1 / 6]


def test_the_model_is_in_training_mode_for_steps_and_in_evaluation_mode_for_validation(
    make_model, train, val
):
    model = make_model()
    dropout = model.layers[4]
    modes = []
    forward = dropout.forward

    def watched(x):
        modes.append((len(x), dropout.training))
        return forward(x)

    dropout.forward = watched
    model.eval()
    with use_backend("vectorized"):  # a fused model would not ask the layer
        make_trainer(model, batch_size=35).fit(train, val, epochs=2)
    assert modes == [(35, True), (35, True), (30, False)] * 2
    assert model.training


def test_each_epoch_shows_every_image_once_in_an_order_of_its_own(make_model, train):
    seen = []

    class Watch(Augment):
        def __call__(self, x, rng):
            seen.append(np.rint(x * 255).astype(np.uint8))
            return x

    trainer = make_trainer(make_model(), augment=Watch(), batch_size=20)
    trainer.fit(train, epochs=2)
    assert [len(batch) for batch in seen] == [20, 20, 20, 10] * 2
    epochs = [np.concatenate(seen[:4]).reshape(70, -1), np.concatenate(seen[4:]).reshape(70, -1)]
    stored = train.images.reshape(70, -1)
    for shown in epochs:
        assert not np.array_equal(shown, stored)
        np.testing.assert_array_equal(np.unique(shown, axis=0), np.unique(stored, axis=0))
    assert not np.array_equal(*epochs)


def test_several_labels(make_model, findings):
    train, val = findings
    model = make_model(classes=3)
    trainer = Trainer(model, BCEWithLogitsLoss(), Adam(model, 0.02), batch_size=20)
    history = trainer.fit(train, val, epochs=8)
    assert history["val_auc"][-1] > 0.9
    assert 0.8 < history["val_accuracy"][-1] <= 1
    assert history["loss"][-1] < 0.5 < history["loss"][0]


def test_a_squared_error_on_classes_compares_with_zeros_and_ones(make_model, train, val):
    model = make_model()
    history = Trainer(model, MSELoss(), Adam(model, 0.01), batch_size=16).fit(train, val, epochs=5)
    assert history["val_accuracy"][-1] > 0.8


def test_progress_is_shown_unless_told_otherwise(make_model, train, capsys):
    make_trainer(make_model()).fit(train, epochs=2)
    assert capsys.readouterr().err.count("images/s") == 2
    make_trainer(make_model(), ProgressBar(io.StringIO())).fit(train, epochs=2)
    make_trainer(make_model()).fit(train, epochs=2, progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_model_turned_to_float64_is_trained_in_float64(make_model, train):
    model = make_model()
    trainer = make_trainer(model)
    model.astype(np.float64)
    trainer.fit(train, epochs=1)
    assert all(p.dtype == np.float64 for p in model.params.values())


def test_a_rehearsal_changes_nothing(make_model, train):
    rehearsed, plain = make_model(), make_model()
    trainer = make_trainer(rehearsed)
    trainer.rehearse(train)
    assert_same(rehearsed, plain)
    trainer.fit(train, epochs=1)
    make_trainer(plain).fit(train, epochs=1)
    assert_same(rehearsed, plain)


def test_after_a_rehearsal_nothing_is_left_to_compile(make_model, train, val):
    with use_backend("compiled"):
        trainer = make_trainer(make_model())
        trainer.rehearse(train)
        said = []
        with compiling_notice(said.append):
            trainer.fit(train, val, epochs=2, progress=False)
    assert said == []


def test_a_schedule_that_listens_hears_the_validation(tmp_path, make_model, train, val):
    def trainer_with(schedule):
        model = make_model()
        return Trainer(model, CrossEntropyLoss(), SGD(model, 1.0), None, schedule, batch_size=35)

    def schedule():
        return ReduceOnPlateau(1e-9, factor=0.5, patience=0, threshold=0.5)

    # At this rate nothing improves by half: the first epoch sets the mark, each later cuts.
    assert trainer_with(schedule()).fit(train, val, epochs=4)["lr"] == [1e-9, 1e-9, 5e-10, 2.5e-10]
    path = tmp_path / "c.npz"
    trainer_with(schedule()).fit(train, val, epochs=3, checkpoint=path)
    resumed = trainer_with(schedule()).fit(train, val, epochs=4, checkpoint=path, resume=True)
    assert resumed["lr"][-1] == 2.5e-10


# ---- randomness and resuming ------------------------------------------------------------


def test_the_seed_decides_everything(make_model, train, val):
    first, second, third = (make_model() for _ in range(3))
    make_trainer(first).fit(train, val, epochs=2)
    make_trainer(second).fit(train, val, epochs=2)
    make_trainer(third, seed=4).fit(train, val, epochs=2)
    assert_same(first, second)
    assert not np.array_equal(first.params["7.weight"], third.params["7.weight"])


@pytest.mark.parametrize(("epoch", "images"), [(2, 32), (4, 70), (5, None), (6, 16)])
def test_a_resumed_training_ends_where_an_uninterrupted_one_does(
    tmp_path, make_model, train, val, epoch, images
):
    def callbacks():
        return BestWeights("val_loss"), EarlyStopping(patience=5)

    whole = make_model()
    whole_callbacks = callbacks()
    expected = make_trainer(whole, *whole_callbacks).fit(train, val, epochs=6)

    path = tmp_path / "checkpoint.npz"
    broken = make_trainer(make_model(), *callbacks(), Interrupt(epoch, images))
    with pytest.raises(KeyboardInterrupt):
        broken.fit(train, val, epochs=6, checkpoint=path)

    model = make_model()
    # A fresh process draws other numbers first: their effect must be gone.
    model.layers[4].rng.random(17)
    resumed_callbacks = (*callbacks(), Interrupt(0))
    trainer = make_trainer(model, *resumed_callbacks)
    history = trainer.fit(train, val, epochs=6, checkpoint=path, resume=True)
    assert_same(whole, model)
    timeless = [c for c in COLUMNS if c not in ("seconds", "images_per_second")]
    assert [history[c] for c in timeless] == [expected[c] for c in timeless]
    assert resumed_callbacks[0].best_epoch == whole_callbacks[0].best_epoch
    for name, value in whole_callbacks[0].weights.items():
        np.testing.assert_array_equal(resumed_callbacks[0].weights[name], value)


def test_without_a_checkpoint_a_resumed_training_starts_from_the_beginning(
    tmp_path, make_model, train
):
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        make_trainer(make_model(), Interrupt(1)).fit(train, epochs=2, checkpoint=path)
    assert not path.exists()
    model, whole = make_model(), make_model()
    make_trainer(model).fit(train, epochs=2, checkpoint=path, resume=True)
    make_trainer(whole).fit(train, epochs=2)
    assert_same(model, whole)


def test_the_checkpoint_is_that_of_the_last_finished_epoch(tmp_path, make_model, train):
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(KeyboardInterrupt):
        make_trainer(make_model(), Interrupt(3, 32)).fit(train, epochs=6, checkpoint=path)
    assert Checkpoint.load(path).epoch == 2


def test_a_training_that_stopped_early_stays_stopped(tmp_path, make_model, train, val):
    path = tmp_path / "checkpoint.npz"

    class Stop(Callback):
        def on_epoch_end(self, trainer, row):
            if trainer.epoch == 2:
                trainer.stop("enough")

    model = make_model()
    assert len(make_trainer(model, Stop()).fit(train, val, epochs=6, checkpoint=path)) == 2
    trainer = make_trainer(make_model(), Stop())
    assert len(trainer.fit(train, val, epochs=6, checkpoint=path, resume=True)) == 2
    assert trainer.stop_reason == "enough"
    assert_same(trainer.model, model)


def test_a_finished_training_is_not_continued(tmp_path, make_model, train):
    path = tmp_path / "checkpoint.npz"
    model = make_model()
    make_trainer(model).fit(train, epochs=2, checkpoint=path)
    again = make_model(seed=9)
    make_trainer(again).fit(train, epochs=2, checkpoint=path, resume=True)
    assert_same(model, again)


def test_resuming_with_other_callbacks_is_refused(tmp_path, make_model, train, val):
    path = tmp_path / "checkpoint.npz"
    make_trainer(make_model()).fit(train, val, epochs=1, checkpoint=path)
    trainer = make_trainer(make_model(), BestWeights())
    with pytest.raises(ModelFileError, match="BestWeights"):
        trainer.fit(train, val, epochs=2, checkpoint=path, resume=True)


def test_callbacks_hear_the_end_of_a_training_that_broke(make_model, train):
    heard = []

    class Listen(Callback):
        def on_fit_end(self, trainer):
            heard.append(True)

    with pytest.raises(KeyboardInterrupt):
        make_trainer(make_model(), Interrupt(1, 16), Listen()).fit(train, epochs=1)
    assert heard


# ---- what goes wrong --------------------------------------------------------------------


def test_a_batch_larger_than_the_data_names_both(make_model, train):
    with pytest.raises(ArgumentError, match="batch_size is 100 .* 70 training"):
        make_trainer(make_model(), batch_size=100).fit(train, epochs=1)


def test_impossible_options(make_model, train):
    with pytest.raises(ArgumentError, match="epochs"):
        make_trainer(make_model()).fit(train, epochs=0)
    with pytest.raises(ArgumentError, match="batch_size"):
        make_trainer(make_model(), batch_size=0)
    with pytest.raises(ArgumentError, match="seed"):
        make_trainer(make_model(), seed=-1)
    with pytest.raises(ArgumentError, match="fit first"):
        make_trainer(make_model()).evaluate(train)


def test_a_rate_far_too_high_names_epoch_batch_layer_and_remedy(make_model, train):
    model = make_model()
    trainer = Trainer(model, CrossEntropyLoss(), SGD(model, 1e30), batch_size=16)
    with pytest.raises(DivergedError) as caught:
        trainer.fit(train, epochs=3)
    message = str(caught.value)
    for words in ("epoch 1, batch 2", "layer ", "(", "--lr, now 1e+30", "check the data"):
        assert words in message
    assert "\n" not in message


def test_a_ruined_weight_names_its_layer(make_model, train):
    class Ruin(Callback):
        def on_batch_end(self, trainer, so_far):
            if (trainer.epoch, so_far["images"]) == (2, 32):
                trainer.model.params["7.weight"][0, 3] = np.nan

    with pytest.raises(DivergedError, match=r"epoch 2, batch 3; .* layer 7 \(Linear\).*'weight'"):
        make_trainer(make_model(), Ruin()).fit(train, epochs=3)


def test_weights_ruined_by_the_last_step_are_not_saved(tmp_path, make_model, train):
    class Ruin(Callback):
        def on_batch_end(self, trainer, so_far):
            if (trainer.epoch, so_far["images"]) == (2, 70):
                trainer.model.params["0.weight"][0] = np.inf

    path = tmp_path / "checkpoint.npz"
    with pytest.raises(DivergedError, match=r"last step of epoch 2.*layer 0 \(Conv2d\)"):
        make_trainer(make_model(), Ruin()).fit(train, epochs=3, checkpoint=path)
    assert Checkpoint.load(path).epoch == 1


def test_nan_in_the_images_is_called_by_its_name(make_model):
    images = np.random.default_rng(0).random((20, 1, 8, 8))
    data = Dataset(images, np.arange(20) % 2, ("a", "b"))
    data.images[7, 0, 3, 3] = np.nan  # after the check at the door
    trainer = make_trainer(make_model(), preprocess=Preprocess([]), augment=None, batch_size=20)
    with pytest.raises(DivergedError, match="images of the batch hold NaN"):
        trainer.fit(data, epochs=1)


def test_a_penalty_that_overflows(make_model, train):
    model = make_model()
    trainer = Trainer(model, CrossEntropyLoss(), SGD(model, 0.1), L2(1e308), batch_size=16)
    model.params["7.weight"][:] = 1e3
    with pytest.raises(DivergedError, match="the loss or the penalty"):
        trainer.fit(train, epochs=1)
