from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from minicnn.backends.loops import loss as loops
from minicnn.checking.numerical import numerical_gradient
from tests.backends.spellings import (
    DTYPES,
    assert_close,
    assert_same,
    call,
    examples,
    import_torch,
    spellings,
    strided,
    tensors,
)

DY = -1.7  # what the gradient of the loss is multiplied by


@dataclass(frozen=True)
class Classes:
    """A batch for cross-entropy."""

    rows: int = 4
    classes: int = 3
    weighted: bool = False
    ignore_index: int = -100
    ignored: bool = False
    smoothing: float = 0.0
    scale: float = 2.0

    def arguments(self, dtype: Any) -> tuple[NDArray, NDArray, NDArray | None, int, float]:
        rng = np.random.default_rng(0)
        scores = self.scale * rng.normal(size=(self.rows, self.classes))
        target = rng.integers(0, self.classes, self.rows)
        weight = rng.uniform(0.2, 3, self.classes).astype(dtype) if self.weighted else None
        if self.ignored:
            target[:: 2 if self.rows > 1 else 3] = self.ignore_index
        return scores.astype(dtype), target, weight, self.ignore_index, self.smoothing


CLASSES = st.builds(
    Classes,
    rows=st.integers(2, 6),
    classes=st.integers(1, 5),
    weighted=st.booleans(),
    ignore_index=st.sampled_from([-100, 0, 255]),
    ignored=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    scale=st.sampled_from([1.0, 30.0]),
)


@dataclass(frozen=True)
class Labels:
    """A batch for the losses that compare entry by entry."""

    shape: tuple[int, ...] = (3, 4)
    weight: str = "none"
    pos_weight: bool = False
    soft: bool = False

    def arguments(self, dtype: Any) -> tuple[NDArray, NDArray, NDArray | None, NDArray | None]:
        rng = np.random.default_rng(0)
        scores = 3 * rng.normal(size=self.shape)
        target = rng.random(self.shape) if self.soft else rng.integers(0, 2, self.shape)
        weights = {
            "none": None,
            "entries": rng.uniform(0.2, 3, self.shape).astype(dtype),
            "labels": rng.uniform(0.2, 3, self.shape[-1]).astype(dtype),
            "rows": rng.uniform(0.2, 3, (self.shape[0],) + (1,) * (len(self.shape) - 1)),
        }
        weight = weights[self.weight]
        pos_weight = rng.uniform(0.2, 9, self.shape[-1]).astype(dtype) if self.pos_weight else None
        return (
            scores.astype(dtype),
            target.astype(dtype),
            None if weight is None else weight.astype(dtype),
            pos_weight,
        )


LABELS = st.builds(
    Labels,
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    weight=st.sampled_from(["none", "entries", "labels", "rows"]),
    pos_weight=st.booleans(),
    soft=st.booleans(),
)


def run_classes(loss: ModuleType, arguments: tuple) -> dict[str, Any]:
    value = call(loss.cross_entropy, *arguments)
    assert isinstance(value, float)
    return {"loss": value, "dscores": call(loss.cross_entropy_dx, *arguments, DY)}


def run_labels(loss: ModuleType, arguments: tuple) -> dict[str, Any]:
    scores, target = arguments[:2]
    results = {
        "bce": call(loss.bce_with_logits, *arguments),
        "bce dscores": call(loss.bce_with_logits_dx, *arguments, DY),
        "mse": call(loss.mse, scores, target),
        "mse dscores": call(loss.mse_dx, scores, target, DY),
    }
    for delta in (0.7, 1.0, 2.5):
        results[f"huber {delta}"] = call(loss.huber, scores, target, delta)
        results[f"huber {delta} dscores"] = call(loss.huber_dx, scores, target, delta, DY)
    assert all(isinstance(v, float) for k, v in results.items() if "dscores" not in k)
    return results


def torch_classes(arguments: tuple) -> dict[str, Any]:
    torch = import_torch()
    scores, target, weight, ignore_index, smoothing = arguments
    (ts,) = tensors(scores)
    loss = torch.nn.functional.cross_entropy(
        ts,
        torch.tensor(target),
        None if weight is None else torch.tensor(weight),
        ignore_index=ignore_index,
        label_smoothing=smoothing,
    )
    (DY * loss).backward()
    return {"loss": loss.detach(), "dscores": ts.grad}


def torch_labels(arguments: tuple) -> dict[str, Any]:
    torch = import_torch()
    functional = torch.nn.functional
    scores, target = arguments[:2]
    tt = torch.tensor(target)
    weight, pos_weight = (None if a is None else torch.tensor(a) for a in arguments[2:])
    results: dict[str, Any] = {}

    def keep(name: str, function: Any, **options: Any) -> None:
        (ts,) = tensors(scores)
        loss = function(ts, tt, **options)
        (DY * loss).backward()
        results[name], results[f"{name} dscores"] = loss.detach(), ts.grad

    bce = functional.binary_cross_entropy_with_logits
    keep("bce", bce, weight=weight, pos_weight=pos_weight)
    keep("mse", functional.mse_loss)
    for delta in (0.7, 1.0, 2.5):
        keep(f"huber {delta}", functional.huber_loss, delta=delta)
    return results


# ---- agreement ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", spellings("loss", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(100)
@given(batch=CLASSES, contiguous=st.booleans())
def test_cross_entropy_equals_the_loops(
    loss: ModuleType, dtype: Any, batch: Classes, contiguous: bool
) -> None:
    arguments = batch.arguments(dtype)
    expected = run_classes(loops, arguments)
    assert expected["dscores"].dtype == dtype
    if not contiguous:
        arguments = tuple(strided(a) if isinstance(a, np.ndarray) else a for a in arguments)
    assert_same(run_classes(loss, arguments), expected, dtype)


@pytest.mark.parametrize("loss", spellings("loss", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
@examples(60)
@given(batch=LABELS, contiguous=st.booleans())
def test_losses_by_entry_equal_the_loops(
    loss: ModuleType, dtype: Any, batch: Labels, contiguous: bool
) -> None:
    arguments = batch.arguments(dtype)
    expected = run_labels(loops, arguments)
    assert all(v.dtype == dtype for k, v in expected.items() if "dscores" in k)
    if not contiguous:
        arguments = tuple(None if a is None else strided(a) for a in arguments)
    assert_same(run_labels(loss, arguments), expected, dtype)


@pytest.mark.parametrize("loss", spellings("loss"))
@examples(80)
@given(batch=CLASSES)
def test_cross_entropy_equals_torch(loss: ModuleType, batch: Classes) -> None:
    arguments = batch.arguments(np.float64)
    expected = torch_classes(arguments)
    for name, value in run_classes(loss, arguments).items():
        assert_close(value, expected[name], 1e-9, name)


@pytest.mark.parametrize("loss", spellings("loss"))
@examples(50)
@given(batch=LABELS)
def test_losses_by_entry_equal_torch(loss: ModuleType, batch: Labels) -> None:
    arguments = batch.arguments(np.float64)
    expected = torch_labels(arguments)
    for name, value in run_labels(loss, arguments).items():
        assert_close(value, expected[name], 1e-9, name)


@pytest.mark.parametrize("loss", spellings("loss", "vectorized", "compiled"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_batches_equal_torch(loss: ModuleType, dtype: Any) -> None:
    tolerance = 1e-9 if dtype == np.float64 else 1e-5
    batch = Classes(rows=1031, classes=14, weighted=True, ignored=True, smoothing=0.1)
    arguments = batch.arguments(dtype)
    wide = tuple(
        a.astype(np.float64) if a is arguments[0] or a is arguments[2] else a for a in arguments
    )
    expected = torch_classes(wide)
    for name, value in run_classes(loss, arguments).items():
        assert_close(value, expected[name], tolerance, name)
    arguments = Labels((257, 14), weight="labels", pos_weight=True).arguments(dtype)
    expected = torch_labels(tuple(a.astype(np.float64) for a in arguments))
    for name, value in run_labels(loss, arguments).items():
        assert_close(value, expected[name], tolerance, name)


@pytest.mark.parametrize("loss", spellings("loss"))
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_gradient_of_cross_entropy_is_the_difference(
    loss: ModuleType, weighted: bool, smoothing: float
) -> None:
    batch = Classes(rows=5, classes=4, weighted=weighted, ignored=True, smoothing=smoothing)
    scores, *rest = batch.arguments(np.float64)
    expected = numerical_gradient(lambda s: DY * loss.cross_entropy(s, *rest), scores)
    assert_close(loss.cross_entropy_dx(scores, *rest, DY), expected, 1e-9)


@pytest.mark.parametrize("loss", spellings("loss"))
def test_gradients_by_entry_are_the_differences(loss: ModuleType) -> None:
    arguments = Labels((4, 5), weight="rows", pos_weight=True, soft=True).arguments(np.float64)
    scores, target, *weights = arguments
    results = run_labels(loss, arguments)
    functions = {
        "bce": lambda s: DY * loss.bce_with_logits(s, target, *weights),
        "mse": lambda s: DY * loss.mse(s, target),
        "huber 0.7": lambda s: DY * loss.huber(s, target, 0.7),
        "huber 2.5": lambda s: DY * loss.huber(s, target, 2.5),
    }
    for name, function in functions.items():
        assert_close(results[f"{name} dscores"], numerical_gradient(function, scores), 1e-8, name)


# ---- edges --------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", spellings("loss"))
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0], [0.0, 2.0, 3.0]])
@pytest.mark.parametrize("target", [[-100, -100], [0, -100], [0, 0], [1, 0]])
def test_nothing_counted_is_not_a_number_as_in_torch(
    loss: ModuleType, smoothing: float, weight: list[float] | None, target: list[int]
) -> None:
    scores = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
    weights = None if weight is None else np.array(weight)
    arguments = (scores, np.array(target), weights, -100, smoothing)
    expected = torch_classes(arguments)
    for name, value in run_classes(loss, arguments).items():
        assert_close(value, expected[name], 1e-12, name)


@pytest.mark.parametrize("loss", spellings("loss"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_scores_of_any_size_stay_finite(loss: ModuleType, dtype: Any) -> None:
    scores = np.array([[1e4, -1e4, 0.0], [-700.0, 700.0, 710.0]], dtype)
    assert loss.cross_entropy(scores, np.array([0, 2]), None, -100, 0.0) == pytest.approx(
        math.log1p(math.exp(-10)) / 2, rel=1e-6
    )
    assert loss.cross_entropy(scores, np.array([1, 0]), None, -100, 0.0) == pytest.approx(
        (2e4 + 1410) / 2, rel=1e-6
    )
    gradient = loss.cross_entropy_dx(scores, np.array([1, 0]), None, -100, 0.0, 1.0)
    p = 1 / (1 + math.exp(-10))
    np.testing.assert_allclose(
        gradient, [[0.5, -0.5, 0], [-0.5, (1 - p) / 2, p / 2]], rtol=1e-6, atol=1e-12
    )
    target = np.array([[1, 1, 0.5], [0, 0, 1]], dtype)
    value = loss.bce_with_logits(scores, target, None, None)
    assert value == pytest.approx((1e4 + math.log(2) + 700) / 6, rel=1e-6)
    gradient = loss.bce_with_logits_dx(scores, target, None, None, 6.0)
    np.testing.assert_allclose(gradient, [[0, -1, 0], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("loss", spellings("loss"))
def test_a_confident_right_answer_keeps_its_digits(loss: ModuleType) -> None:
    # 1 - p is computed without p: e^-40 is far below the rounding of 1.
    scores, target = np.array([40.0, -40.0]), np.array([1.0, 0.0])
    gradient = loss.bce_with_logits_dx(scores, target, None, None, 2.0)
    np.testing.assert_allclose(gradient, [-math.exp(-40), math.exp(-40)], rtol=1e-9)
    value = loss.bce_with_logits(scores, target, None, None)
    np.testing.assert_allclose(value, math.exp(-40), rtol=1e-9)


@pytest.mark.parametrize("loss", spellings("loss"))
def test_an_impossible_class_costs_nothing_unless_it_is_the_target(loss: ModuleType) -> None:
    scores = np.array([[1.0, -math.inf, 3.0]])
    value = loss.cross_entropy(scores, np.array([2]), None, -100, 0.0)
    assert value == pytest.approx(math.log1p(math.exp(-2)))
    assert loss.cross_entropy(scores, np.array([1]), None, -100, 0.0) == math.inf
    assert loss.cross_entropy_dx(scores, np.array([2]), None, -100, 0.0, 1.0)[0, 1] == 0


@pytest.mark.parametrize("loss", spellings("loss"))
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_diverged_scores_show_in_the_loss_without_a_warning(loss: ModuleType, bad: float) -> None:
    scores = np.array([[1.0, bad], [0.0, 1.0]], np.float32)
    target = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    assert not math.isfinite(loss.cross_entropy(scores, np.array([0, 1]), None, -100, 0.0))
    assert not math.isfinite(loss.mse(scores, target))
    assert not math.isfinite(loss.huber(scores, target, 1.0))
    assert not math.isfinite(loss.bce_with_logits(scores, 1 - target, None, None))


@pytest.mark.parametrize("loss", spellings("loss"))
def test_equal_scores_cost_the_logarithm_of_the_classes(loss: ModuleType) -> None:
    scores, target = np.zeros((6, 14)), np.arange(6)
    for smoothing in (0.0, 0.3):
        value = loss.cross_entropy(scores, target, None, -100, smoothing)
        assert value == pytest.approx(math.log(14))


@pytest.mark.parametrize("loss", spellings("loss"))
def test_huber_is_a_parabola_between_two_lines(loss: ModuleType) -> None:
    scores, zero = np.array([0.5, -2.0, 4.0, -5.0]), np.zeros(4)
    expected = [0.125, 2.0, 6.0, 8.0]
    values = [loss.huber(scores[i : i + 1], zero[:1], 2.0) for i in range(4)]
    np.testing.assert_allclose(values, expected)
    np.testing.assert_allclose(loss.huber_dx(scores, zero, 2.0, 4.0), [0.5, -2, 2, -2])
