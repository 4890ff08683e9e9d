from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.checking.numerical import numerical_gradient
from minicnn.errors import ArgumentError, ShapeError, StateError
from minicnn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, Loss, MSELoss

RNG = np.random.default_rng(7)
WEIGHT = np.array([0.5, 2.0, 0.0, 1.5, 3.0])


def _classes(*shape: int) -> np.ndarray:
    labels = RNG.integers(0, 5, shape)
    labels.flat[1] = -100
    labels.flat[2] = 2  # the class that WEIGHT silences
    return labels


# name -> (our loss, torch's class and options, scores, target)
CASES: dict[str, tuple[Loss, str, dict[str, Any], np.ndarray, np.ndarray]] = {}


def _case(
    name: str, ours: type, options: dict[str, Any], scores: np.ndarray, target: np.ndarray
) -> None:
    CASES[name] = ours(**options), ours.__name__, options, scores, target


for smoothing in (0.0, 0.1, 1.0):
    for weight in (None, WEIGHT):
        for shape in ((8,), (2, 3, 4), (3, 6)):
            options = {"weight": weight, "label_smoothing": smoothing}
            _case(
                f"ce-{smoothing}-{'weighted' if weight is not None else 'plain'}-{len(shape)}d",
                CrossEntropyLoss,
                options,
                RNG.normal(size=(shape[0], 5, *shape[1:])) * 2,
                _classes(*shape),
            )
_case(
    "ce-ignored-class",
    CrossEntropyLoss,
    {"weight": WEIGHT, "ignore_index": 1, "label_smoothing": 0.3},
    RNG.normal(size=(9, 5)),
    RNG.integers(0, 5, 9),
)
_case("ce-one-class", CrossEntropyLoss, {}, RNG.normal(size=(3, 1)), np.zeros(3, int))
for weight_shape in (None, (4,), (6, 1), (6, 4), ()):
    for pos_shape in (None, (4,), (6, 4)):
        _case(
            f"bce-{weight_shape}-{pos_shape}",
            BCEWithLogitsLoss,
            {
                "weight": None if weight_shape is None else RNG.random(weight_shape) + 0.5,
                "pos_weight": None if pos_shape is None else RNG.random(pos_shape) * 5,
            },
            RNG.normal(size=(6, 4)) * 3,
            RNG.random((6, 4)).round(1),
        )
_case("bce-4d", BCEWithLogitsLoss, {}, RNG.normal(size=(2, 1, 3, 4)), RNG.random((2, 1, 3, 4)))
_case("mse", MSELoss, {}, RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)))
_case("mse-1d", MSELoss, {}, RNG.normal(size=7), RNG.normal(size=7))
for delta in (0.3, 1.0, 2.5):
    _case(
        f"huber-{delta}",
        HuberLoss,
        {"delta": delta},
        RNG.normal(size=(5, 3, 2)) * 2,
        RNG.normal(size=(5, 3, 2)),
    )


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_equal_torchs(name: str, backend: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    ours, kind, options, scores, target = CASES[name]
    tensors = {
        k: torch.tensor(v) if isinstance(v, np.ndarray | float) and k.endswith("weight") else v
        for k, v in options.items()
    }
    theirs = getattr(torch.nn, kind)(**tensors)
    t = torch.tensor(scores, requires_grad=True)
    value = theirs(t, torch.tensor(target))
    (value * 1.7).backward()
    assert ours.forward(scores, target) == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(ours.backward(1.7), t.grad.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_gradient_agrees_with_central_differences(name: str, backend: str) -> None:
    ours, _, _, scores, target = CASES[name]
    scores = scores.copy()
    expected = numerical_gradient(lambda s: ours.forward(s, target), scores)
    ours.forward(scores, target)
    np.testing.assert_allclose(ours.backward(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_float32_differs_by_rounding_only(name: str, backend: str) -> None:
    ours, _, _, scores, target = CASES[name]
    value = ours.forward(scores, target)
    gradient = ours.backward()
    assert ours.forward(scores.astype(np.float32), target) == pytest.approx(value, rel=1e-5)
    single = ours.backward()
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["ce-0.1-weighted-3d", "bce-(4,)-(4,)", "mse", "huber-1.0"])
def test_the_contract(name: str) -> None:
    ours, _, _, scores, target = CASES[name]
    value = ours(scores, target)
    assert type(value) is float
    first = ours.backward()
    kept = first.copy()
    second = ours.backward()
    assert first.shape == scores.shape
    assert (first == second).all()
    assert not np.shares_memory(first, second)
    np.testing.assert_allclose(ours.backward(-2.0), -2 * kept, rtol=1e-12)
    assert (ours.backward(0.0) == 0).all()
    assert (first == kept).all()
    ours.forward(scores * 2, target)  # a later pass leaves earlier results alone
    assert (ours.backward() != kept).any()
    assert (first == kept).all()


@pytest.mark.parametrize(
    "make", [CrossEntropyLoss, BCEWithLogitsLoss, MSELoss, HuberLoss], ids=lambda m: m.__name__
)
def test_backward_before_forward_is_an_error(make: Callable[[], Loss]) -> None:
    with pytest.raises(StateError, match="backward was called before forward"):
        make().backward()


def test_the_first_loss_is_about_log_classes() -> None:
    scores = np.random.default_rng(0).normal(size=(256, 10)) * 0.01
    assert CrossEntropyLoss()(scores, np.arange(256) % 10) == pytest.approx(math.log(10), abs=0.01)


def test_options_are_checked_when_the_loss_is_made() -> None:
    with pytest.raises(ArgumentError, match="weight holds -1"):
        CrossEntropyLoss([1, -1])
    with pytest.raises(ShapeError, match="weight has shape"):
        CrossEntropyLoss(np.ones((2, 2)))
    with pytest.raises(ArgumentError, match="label_smoothing is 1.5"):
        CrossEntropyLoss(label_smoothing=1.5)
    with pytest.raises(ArgumentError, match="ignore_index is None"):
        CrossEntropyLoss(ignore_index=None)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="pos_weight holds nan"):
        BCEWithLogitsLoss(pos_weight=[1, float("nan")])
    with pytest.raises(ArgumentError, match="delta is 0"):
        HuberLoss(0)


def test_a_failed_forward_keeps_nothing_new() -> None:
    loss = MSELoss()
    with use_backend("vectorized"):
        loss.forward(np.ones(3), np.zeros(3))
        with pytest.raises(ShapeError):
            loss.forward(np.ones(3), np.zeros(4))
        np.testing.assert_allclose(loss.backward(), np.full(3, 2 / 3))


def test_repr_shows_the_options() -> None:
    assert repr(MSELoss()) == "MSELoss()"
    assert repr(HuberLoss(2)) == "HuberLoss(delta=2.0)"
    assert repr(CrossEntropyLoss([1, 3], label_smoothing=0.1)) == (
        "CrossEntropyLoss(weight=[1.0, 3.0], ignore_index=-100, label_smoothing=0.1)"
    )
    assert repr(BCEWithLogitsLoss(pos_weight=np.ones(14))) == (
        "BCEWithLogitsLoss(weight=None, pos_weight=<array (14,)>)"
    )
