from __future__ import annotations

import numpy as np
import pytest

from minicnn.data.augment import Mix
from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, MSELoss
from minicnn.training.measures import accuracy, auc, loss_and_gradient, mixed_accuracy

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(6, 3))
CLASSES = np.array([0, 2, 1, 1, 0, 2])
SEVERAL = rng.integers(0, 2, (6, 3)).astype(np.uint8)
MIX = Mix(np.array([2, 5, 4, 1, 3, 0]), 0.7)
CASES = [
    (CrossEntropyLoss(), CLASSES),
    (CrossEntropyLoss(label_smoothing=0.1), CLASSES),
    (CrossEntropyLoss([1.0, 3.0, 0.5]), CLASSES),
    (BCEWithLogitsLoss(), SEVERAL),
    (MSELoss(), CLASSES),
    (HuberLoss(), SEVERAL),
]


@pytest.mark.parametrize(("loss", "labels"), CASES)
@pytest.mark.parametrize("mix", [None, MIX])
def test_the_gradient_is_that_of_the_value(loss, labels, mix):
    _, gradient = loss_and_gradient(loss, labels, SCORES, mix)
    for place in np.ndindex(SCORES.shape):
        step = np.zeros_like(SCORES)
        step[place] = 1e-6
        up, _ = loss_and_gradient(loss, labels, SCORES + step, mix)
        down, _ = loss_and_gradient(loss, labels, SCORES - step, mix)
        assert gradient[place] == pytest.approx((up - down) / 2e-6, abs=1e-7)


def test_mixed_labels_are_labels_in_between():
    onehot = np.eye(3)
    soft = 0.7 * onehot[CLASSES] + 0.3 * onehot[CLASSES[MIX.partner]]
    logs = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
    value, _ = loss_and_gradient(CrossEntropyLoss(), CLASSES, SCORES, MIX)
    assert value == pytest.approx(-(soft * logs).sum(axis=1).mean())
    between = 0.7 * SEVERAL + 0.3 * SEVERAL[MIX.partner]
    value, gradient = loss_and_gradient(BCEWithLogitsLoss(), SEVERAL, SCORES, MIX)
    expected = BCEWithLogitsLoss()
    assert value == pytest.approx(expected.forward(SCORES, between))
    np.testing.assert_allclose(gradient, expected.backward(), rtol=1e-12)


def test_both_labels_count_by_their_share():
    own, theirs = accuracy(CLASSES, SCORES), accuracy(CLASSES[MIX.partner], SCORES)
    assert own != theirs
    assert mixed_accuracy(CLASSES, SCORES, MIX) == pytest.approx(0.7 * own + 0.3 * theirs)
    assert mixed_accuracy(CLASSES, SCORES) == own


def test_the_area_ranks_where_all_probabilities_are_one() -> None:
    scores = np.array([[0, 50], [0, 90], [0, 70], [0, 400]], dtype=np.float32)
    assert auc(np.array([0, 0, 1, 1]), scores) == 0.75
