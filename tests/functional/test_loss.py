"""The equations and the door; options as objects are tested in tests/test_losses.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minicnn.errors import ArgumentError, DtypeError, ShapeError
from minicnn.functional import loss as F

ZEROS = np.zeros((3, 4))
LABELS = np.array([0, 3, 1])


def test_cross_entropy_by_hand(backend: str) -> None:
    # Two classes, scores log 3 and 0: probabilities 3/4 and 1/4.
    scores = np.array([[math.log(3), 0.0], [math.log(3), 0.0]])
    target = np.array([0, 1])
    assert F.cross_entropy(scores, target) == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)
    weighted = (1 * math.log(4 / 3) + 3 * math.log(4)) / (1 + 3)
    assert F.cross_entropy(scores, target, [1, 3]) == pytest.approx(weighted)
    gradient = F.cross_entropy_backward(1.0, scores, target)
    np.testing.assert_allclose(gradient, [[-1 / 8, 1 / 8], [3 / 8, -3 / 8]])


def test_equal_scores_cost_log_classes(backend: str) -> None:
    assert F.cross_entropy(ZEROS, LABELS) == pytest.approx(math.log(4))
    assert F.bce_with_logits(ZEROS, ZEROS) == pytest.approx(math.log(2))


def test_huge_scores_neither_overflow_nor_warn(backend: str) -> None:
    scores = np.array([[1e4, -1e4, 0.0]])
    assert F.cross_entropy(scores, [0]) == 0
    assert F.cross_entropy(scores, [1]) == pytest.approx(2e4)
    np.testing.assert_allclose(F.cross_entropy_backward(1, scores, [1]), [[1, -1, 0]])
    target = np.array([[1, 1, 1]])
    assert F.bce_with_logits(scores, target) == pytest.approx((0 + 1e4 + math.log(2)) / 3)
    np.testing.assert_allclose(F.bce_with_logits_backward(1, scores, target), [[0, -1 / 3, -1 / 6]])


def test_one_row_per_pixel(backend: str) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, 5, 3, 4))
    target = rng.integers(0, 5, (2, 3, 4))
    rows = scores.transpose(0, 2, 3, 1).reshape(-1, 5)
    assert F.cross_entropy(scores, target) == pytest.approx(
        F.cross_entropy(rows, target.ravel()), rel=1e-14
    )
    gradient = F.cross_entropy_backward(1.0, scores, target)
    assert gradient.shape == scores.shape
    assert gradient.flags.c_contiguous
    expected = F.cross_entropy_backward(1.0, rows, target.ravel())
    np.testing.assert_allclose(gradient.transpose(0, 2, 3, 1).reshape(-1, 5), expected)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.uint64])
def test_any_integers_are_classes(dtype: type) -> None:
    assert F.cross_entropy(ZEROS, LABELS.astype(dtype)) == pytest.approx(math.log(4))


def test_an_ignored_target_need_not_be_a_class(backend: str) -> None:
    scores = np.random.default_rng(0).normal(size=(3, 4))
    for ignored in (-100, 250, 3):
        target = np.array([0, ignored, 1])
        value = F.cross_entropy(scores, target, ignore_index=ignored)
        assert value == pytest.approx(F.cross_entropy(scores[[0, 2]], [0, 1]))
        gradient = F.cross_entropy_backward(1.0, scores, target, ignore_index=ignored)
        assert (gradient[1] == 0).all()


def test_the_mean_of_nothing_is_nan(backend: str) -> None:
    with np.errstate(all="ignore"):
        assert math.isnan(F.cross_entropy(ZEROS, [-100, -100, -100]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_have_the_dtype_of_the_scores(backend: str, dtype: type) -> None:
    scores = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
    real = np.random.default_rng(1).random((3, 4))
    weight = np.arange(1.0, 5.0)
    assert F.cross_entropy_backward(2.0, scores, LABELS, weight).dtype == dtype
    assert F.bce_with_logits_backward(2.0, scores, real, weight, pos_weight=weight).dtype == dtype
    assert F.mse_backward(2.0, scores, real).dtype == dtype
    assert F.huber_backward(2.0, scores, real).dtype == dtype


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8, np.float32, np.float64])
def test_binary_targets_of_any_real_kind(dtype: type) -> None:
    target = np.array([[0, 1], [1, 0]]).astype(dtype)
    scores = np.array([[0.5, -1.0], [2.0, 3.0]], np.float32)
    s = scores.astype(float)
    p = 1 / (1 + np.exp(-s))
    expected = -np.mean(np.log(np.where(target.astype(bool), p, 1 - p)))
    assert F.bce_with_logits(scores, target) == pytest.approx(expected, rel=1e-6)


def test_mse_and_huber_by_hand(backend: str) -> None:
    scores, target = np.array([[0.5, -3.0, 2.0]]), np.array([[0, 0, 2]])
    assert F.mse(scores, target) == pytest.approx((0.25 + 9) / 3)
    np.testing.assert_allclose(F.mse_backward(3.0, scores, target), [[1, -6, 0]])
    assert F.huber(scores, target) == pytest.approx((0.125 + 2.5) / 3)
    assert F.huber(scores, target, 2) == pytest.approx((0.125 + 4) / 3)
    np.testing.assert_allclose(F.huber_backward(3.0, scores, target, 2), [[0.5, -2, 0]])


def test_nothing_is_modified(backend: str) -> None:
    rng = np.random.default_rng(0)
    scores, real = rng.normal(size=(3, 4, 2)), rng.random((3, 4, 2))
    labels = rng.integers(0, 4, (3, 2))
    kept = scores.copy(), real.copy(), labels.copy()
    F.cross_entropy(scores, labels)
    F.cross_entropy_backward(1.0, scores, labels)
    for value, backward in [
        (F.bce_with_logits, F.bce_with_logits_backward),
        (F.mse, F.mse_backward),
        (F.huber, F.huber_backward),
    ]:
        value(scores, real)
        backward(1.0, scores, real)
    for array, before in zip((scores, real, labels), kept, strict=True):
        assert (array == before).all()


# ---- the door -----------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [4, -1, -99, 255])
def test_a_target_that_is_no_class_is_named(wrong: int) -> None:
    with pytest.raises(ArgumentError, match=rf"target\[1\] is {wrong}.* from 0 to 3"):
        F.cross_entropy(ZEROS, [0, wrong, 1])
    with pytest.raises(ArgumentError, match=rf"target\[1, 2, 0\] is {wrong}.* from 0 to 3"):
        target = np.zeros((2, 3, 2), int)
        target[1, 2, 0] = wrong
        F.cross_entropy(np.zeros((2, 4, 3, 2)), target)


def test_bad_shapes_of_cross_entropy() -> None:
    with pytest.raises(ShapeError, match=r"scores has shape \(4,\)"):
        F.cross_entropy(np.zeros(4), 1)
    with pytest.raises(ShapeError, match=r"target has shape \(2,\); expected \(3,\)"):
        F.cross_entropy(ZEROS, [0, 1])
    with pytest.raises(ShapeError, match=r"target has shape \(3, 1\); expected \(3,\)"):
        F.cross_entropy(ZEROS, LABELS[:, None])
    with pytest.raises(ShapeError, match=r"target\.argmax\(axis=1\)"):
        F.cross_entropy(ZEROS, np.eye(4, dtype=int)[:3])
    with pytest.raises(ShapeError, match=r"weight has shape \(3,\); expected \(4,\)"):
        F.cross_entropy(ZEROS, LABELS, np.ones(3))
    with pytest.raises(ShapeError, match=r"weight has shape \(1, 4\)"):
        F.cross_entropy(ZEROS, LABELS, np.ones((1, 4)))


def test_bad_dtypes() -> None:
    with pytest.raises(DtypeError, match="target has dtype float64"):
        F.cross_entropy(ZEROS, LABELS.astype(float))
    with pytest.raises(DtypeError, match="target has dtype bool"):
        F.cross_entropy(ZEROS, LABELS > 0)
    with pytest.raises(DtypeError, match="scores has dtype int64"):
        F.cross_entropy(ZEROS.astype(np.int64), LABELS)
    with pytest.raises(DtypeError, match="scores has dtype float16"):
        F.mse(ZEROS.astype(np.float16), ZEROS)
    with pytest.raises(DtypeError, match="weight has dtype complex128"):
        F.cross_entropy(ZEROS, LABELS, np.ones(4) * 1j)
    for f in (F.bce_with_logits, F.mse, F.huber):
        with pytest.raises(DtypeError, match="target has dtype"):
            f(ZEROS, np.full(ZEROS.shape, "1"))


def test_empty_batches() -> None:
    for shape in [(0, 4), (3, 0), (3, 4, 0)]:
        with pytest.raises(ShapeError, match="empty batch"):
            F.cross_entropy(np.zeros(shape), np.zeros((shape[0], *shape[2:]), int))
        for f in (F.bce_with_logits, F.mse, F.huber):
            with pytest.raises(ShapeError, match="empty batch"):
                f(np.zeros(shape), np.zeros(shape))


def test_targets_of_another_shape_are_never_broadcast() -> None:
    for f in (F.bce_with_logits, F.mse, F.huber):
        for shape in [(3, 1), (4,), (), (3, 5)]:
            with pytest.raises(ShapeError, match=r"target has shape .*; expected \(3, 4\)"):
                f(ZEROS, np.zeros(shape))


@pytest.mark.parametrize("wrong", [-0.01, 1.01, 2, float("nan"), float("inf")])
def test_binary_targets_outside_0_to_1_are_named(wrong: float) -> None:
    target = np.zeros((3, 4))
    target[2, 1] = wrong
    with pytest.raises(ArgumentError, match=rf"target\[2, 1\] is {wrong}"):
        F.bce_with_logits(ZEROS, target)


def test_bad_weights() -> None:
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match=f"weight holds {wrong}"):
            F.cross_entropy(ZEROS, LABELS, [1, 1, wrong, 1])
        with pytest.raises(ArgumentError, match=f"pos_weight holds {wrong}"):
            F.bce_with_logits(ZEROS, ZEROS, pos_weight=[1, 1, wrong, 1])
    for shape in [(3,), (3, 3), (2, 3, 4)]:
        with pytest.raises(ShapeError, match=r"weight has shape .* not broadcast to scores \(3, 4"):
            F.bce_with_logits(ZEROS, ZEROS, np.ones(shape))


def test_bad_options() -> None:
    for wrong in (-0.1, 1.1, float("nan"), "0"):
        with pytest.raises(ArgumentError, match="label_smoothing is"):
            F.cross_entropy(ZEROS, LABELS, label_smoothing=wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="ignore_index is 1.5"):
        F.cross_entropy(ZEROS, LABELS, ignore_index=1.5)  # type: ignore[arg-type]
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match="delta is"):
            F.huber(ZEROS, ZEROS, wrong)


def test_dy_is_one_number() -> None:
    for dy in (2, 2.0, np.float32(2), np.array(2.0), np.array([2.0])):
        np.testing.assert_array_equal(
            F.mse_backward(dy, ZEROS + 1, ZEROS),  # type: ignore[arg-type]
            np.full((3, 4), 4 / 12),
        )
    with pytest.raises(ShapeError, match=r"dy has shape \(3,\)"):
        F.mse_backward(np.ones(3), ZEROS, ZEROS)  # type: ignore[arg-type]
