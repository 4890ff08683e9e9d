"""The scikit-learn estimator, by scikit-learn's own checks and on images."""

from __future__ import annotations

import pickle
import unittest
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from minicnn.backends import use_backend
from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers import Flatten, Linear, ReLU
from minicnn.model import Sequential
from minicnn.sklearn import MiniCNNClassifier


@pytest.fixture(autouse=True)
def _quick_backend() -> None:
    use_backend("vectorized")


def tiny(input_shape: Any, classes: int, *, rng: np.random.Generator) -> Sequential:
    """Take any image, such as the two pixels of scikit-learn's checks."""
    pixels = int(np.prod(input_shape))
    return Sequential(Flatten(), Linear(pixels, 16, rng=rng), ReLU(), Linear(16, classes, rng=rng))


# By name, each with its reason.
EXPECTED_FAILURES = {
    "check_methods_subset_invariance": "scores are computed in float32, where the sums of a matrix "
    "product depend on the size of the batch in the seventh digit; the check wants 1e-7",
}
# Checks that scikit-learn itself leaves, wholly or after their first half, where an optional
# library is missing.
NEEDS = {
    "check_array_api_input": "SCIPY_ARRAY_API",
    "check_classifier_data_not_an_array": "pandas",
    "check_dataframe_column_names_consistency": "pandas",
}


@parametrize_with_checks(
    [MiniCNNClassifier(model=tiny, epochs=40, batch_size=16, lr=0.02, random_state=0)]
)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    if check.func.__name__ in EXPECTED_FAILURES:
        with pytest.raises(AssertionError):  # the day it passes, it comes off the list
            check(estimator)
        return
    try:
        check(estimator)
    except unittest.SkipTest as reason:
        assert NEEDS[check.func.__name__] in str(reason)


def squares(count: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw bright squares in noise, (N, 1, 28, 28) uint8, and whether there is one."""
    rng = np.random.default_rng(seed)
    images = rng.integers(40, 160, (count, 1, 28, 28))
    images[1::2, :, 4:14, 4:14] += 80
    return images.astype(np.uint8), np.arange(count) % 2


QUICK = {"model": "lenet", "width": 0.25, "epochs": 12, "batch_size": 8, "random_state": 0}


def test_it_learns_images_flat_or_not() -> None:
    images, labels = squares()
    flat = images.reshape(len(images), -1)
    names = np.array(["well", "ill"])[labels]
    first = MiniCNNClassifier(image_shape=(1, 28, 28), **QUICK).fit(flat, names)
    again = MiniCNNClassifier(**QUICK).fit(images, names)
    assert first.classes_.tolist() == ["ill", "well"] and first.n_features_in_ == 784
    assert first.image_shape_ == again.image_shape_ == (1, 28, 28)
    new, truth = squares(20, seed=1)
    assert first.score(new, np.array(["well", "ill"])[truth]) >= 0.9
    chances = first.predict_proba(new.reshape(20, -1))
    np.testing.assert_array_equal(chances, again.predict_proba(new))
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (first.classes_[chances.argmax(axis=1)] == first.predict(new)).all()
    margin = first.decision_function(new)
    assert margin.shape == (20,) and ((margin > 0) == (first.predict(new) == "well")).all()


def test_a_pickle_predicts_the_same_and_carries_no_images() -> None:
    images, labels = squares()
    fitted = MiniCNNClassifier(**QUICK).fit(images, labels)
    body = pickle.dumps(fitted)
    parameters = sum(p.nbytes for p in fitted.model_.params.values())
    assert len(body) < 3 * parameters + 50_000  # weights, gradients, and no cache
    twin = pickle.loads(body)
    np.testing.assert_array_equal(twin.predict_proba(images), fitted.predict_proba(images))


def test_clones_are_unfitted_and_repeat_the_training() -> None:
    images, labels = squares()
    fitted = MiniCNNClassifier(**QUICK).fit(images, labels)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(images)
    np.testing.assert_array_equal(
        fresh.fit(images, labels).predict_proba(images), fitted.predict_proba(images)
    )
    other = clone(fitted).set_params(random_state=1).fit(images, labels)
    assert (other.predict_proba(images) != fitted.predict_proba(images)).any()


def test_several_labels() -> None:
    images, labels = squares(60)
    images[::3, :, 18:27, 10:24] = 255
    marks = np.stack([labels, np.arange(60) % 3 == 0], axis=1).astype(int)
    fitted = MiniCNNClassifier(**QUICK).fit(images, marks)
    assert fitted.predict_proba(images).shape == fitted.decision_function(images).shape == (60, 2)
    assert (fitted.predict(images) == marks).mean() > 0.9
    with pytest.raises(ArgumentError, match="several labels"):
        MiniCNNClassifier(class_weight="balanced", **QUICK).fit(images, marks)


def test_class_weights_move_the_answers() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (60, 1, 28, 28)).astype(np.uint8)  # nothing to learn
    labels = (np.arange(60) < 12).astype(int)
    quick = QUICK | {"epochs": 2}
    plain = MiniCNNClassifier(**quick).fit(images, labels).predict_proba(images)[:, 1].mean()
    heavy = MiniCNNClassifier(class_weight={0: 1, 1: 20}, **quick).fit(images, labels)
    assert heavy.predict_proba(images)[:, 1].mean() > plain + 0.2


def test_three_classes_and_other_options() -> None:
    images, labels = squares(36)
    labels = labels + (np.arange(36) % 4 == 3)
    options = {"optimizer": "sgd", "lr": 0.01, "l1": 1e-5, "l2": 1e-4, "augment": True}
    fitted = MiniCNNClassifier(**QUICK | options, label_smoothing=0.1).fit(images, labels)
    assert fitted.predict_proba(images).shape == fitted.decision_function(images).shape == (36, 3)
    assert len(fitted.history_) == 12


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image_shape": (1, 28, 27)}, "X has 784 features but image_shape is .1, 28, 27., 756"),
        ({"image_shape": (28, 28)}, "expected .C, H, W."),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"lr": -1}, "lr is -1"),
        ({"optimizer": "adamm"}, "no optimizer"),
        ({"model": "lenett"}, "did you mean 'lenet'"),
        ({"width": 0}, "width is 0"),
        ({"l2": float("nan")}, "l2 is nan"),
        ({"label_smoothing": 1}, "label_smoothing is 1"),
    ],
)
def test_impossible_parameters_are_refused_in_fit(options: dict, words: str) -> None:
    images, labels = squares(8)
    with pytest.raises(ValueError, match=words):
        MiniCNNClassifier(**QUICK | options).fit(images.reshape(8, -1), labels)


def test_images_of_another_shape_are_refused() -> None:
    images, labels = squares(8)
    fitted = MiniCNNClassifier(**QUICK).fit(images, labels)
    with pytest.raises(ShapeError, match="fitted on"):
        fitted.predict(images.reshape(8, 1, 14, 56))
    with pytest.raises(ValueError, match="features"):
        fitted.predict(images[:, :, :27].reshape(8, -1))
    with pytest.raises(ArgumentError, match="one class"):
        MiniCNNClassifier(**QUICK).fit(images, labels * 0)


def test_a_grid_search_with_two_jobs_and_cross_validation() -> None:
    images, labels = squares(36)
    flat = images.reshape(36, -1)
    estimator = MiniCNNClassifier(image_shape=(1, 28, 28), **QUICK)
    grid = {"lr": [1e-6, 5e-3]}
    search = GridSearchCV(estimator, grid, cv=2, n_jobs=2).fit(flat, labels)
    assert search.best_params_ == {"lr": 5e-3} and search.best_score_ > 0.9
    alone = GridSearchCV(estimator, grid, cv=2).fit(flat, labels)
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_allclose(alone.cv_results_[name], search.cv_results_[name], atol=1e-3)
    assert cross_val_score(estimator, flat, labels, cv=3).shape == (3,)
