"""Contestants that compute something else are found before anybody is timed."""

import numpy as np
import pytest

from benchmarks import checks
from benchmarks.peers.minicnn_peer import TrainingStep
from benchmarks.work import Work

WORK = Work("lenet", 28, 4)


def step(**options):
    return TrainingStep(WORK.build(), *WORK.data(), "vectorized", **options)


def test_equal_contestants_pass_and_are_reset():
    steps = {"one": step(), "other": step()}
    before = steps["one"].weights()
    checks.check_training(WORK, steps, checks.SINGLE)
    after = steps["one"].weights()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert steps["one"].optimizer.steps == 0


def test_another_network_has_another_loss():
    other = step()
    other.plain.params["9.bias"][0] += 0.1
    with pytest.raises(AssertionError, match="losses"):
        checks.check_training(WORK, {"one": step(), "other": other}, checks.SINGLE)


def test_a_wrong_gradient_is_found_though_the_first_loss_agrees():
    other = step()
    backward = other.model.backward

    def wrong(dy):
        dx = backward(dy)
        other.plain.grads["3.weight"][...] *= 1.1
        return dx

    other.model.backward = wrong
    with pytest.raises(AssertionError, match=r"gradients: 3\.weight is off by 10"):
        checks.check_training(WORK, {"one": step(), "other": other}, checks.SINGLE)


def test_another_learning_rate_is_found_in_the_weights():
    other = step()
    other.optimizer.lr *= 1.5
    moved = {name: checks.follow(s)["moved"] for name, s in (("one", step()), ("other", other))}
    with pytest.raises(AssertionError, match="off by"):
        checks.compare_arrays("here", moved["other"], moved["one"], checks.SINGLE.moved, set())


def test_nan_is_not_near_anything():
    with pytest.raises(AssertionError):
        checks.compare_losses("here", [float("nan")], [0.7], checks.SINGLE)
    with pytest.raises(AssertionError):
        checks.compare_arrays("here", {"w": np.array([np.nan])}, {"w": np.ones(1)}, 0.1, set())
    with pytest.raises(AssertionError):
        checks.check_scores(WORK, {"it": np.full((2, 2), np.nan)}, np.ones((2, 2)))


def test_a_bias_in_front_of_a_batch_norm_is_not_compared():
    model = Work("vgg", 28, 4).build()
    assert set(checks.without_gradient(model)) == {f"{i}.bias" for i in (0, 3, 7, 10, 14)}
    assert set(checks.without_gradient(WORK.build())) == set()


def test_without_dropout_nothing_is_silenced():
    lungnet = Work("lungnet", 28, 4)
    assert lungnet.has_dropout()
    assert not WORK.has_dropout()
    rates = [layer.p for layer in lungnet.build(dropout=False).modules() if hasattr(layer, "p")]
    assert rates == [0.0]
