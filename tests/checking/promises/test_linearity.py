"""Backward is linear in dy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking import gradcheck
from minicnn.checking.promises.backward import check_backward
from minicnn.checking.promises.linearity import check_linearity
from tests.checking.functions import SIN
from tests.checking.plain import Array, Dropout, Linear, ReLU, Tanh, changed, normal
from tests.checking.promises.calls import broken, calls_of

X = normal(3, 4)
SEVENTH = np.arange(12).reshape(3, 4) == 6


def asked(target: Any, *inputs: Any) -> Any:
    calls = calls_of(target, *inputs)
    check_backward(calls)
    check_linearity(calls)
    return calls


@pytest.mark.parametrize("layer", [Linear(), Tanh(), Dropout(), ReLU()])
def test_right_layers(layer: Any) -> None:
    calls = asked(layer, X)
    assert not broken(calls) and len(calls.found.gradients) == 2
    assert set(calls.found.rounding.values()) <= {0.0}


def tanh(change: Any) -> Any:
    return changed(Tanh, backward=lambda self, dy: change(self, dy, Tanh.backward(self, dy)))


NONLINEAR: dict[str, Any] = {
    "clipped": lambda self, dy, dx: np.clip(dx, -0.5, 0.5),
    "clipped far out": lambda self, dy, dx: np.clip(dx, -100, 100),
    "small dy dropped": lambda self, dy, dx: np.where(np.abs(dy) < 1e-3, 0, dx),
    "squared": lambda self, dy, dx: dx * np.abs(dy),
    "normalized": lambda self, dy, dx: dx / (np.linalg.norm(dy) + 1e-9),
    "one entry squared": lambda self, dy, dx: dx * np.where(SEVENTH, dy, 1),
    "rounded": lambda self, dy, dx: np.round(dx, 1),
}


@pytest.mark.parametrize("name", NONLINEAR)
def test_what_is_not_linear(name: str) -> None:
    assert broken(asked(tanh(NONLINEAR[name]), X)) == [("nonlinear-in-dy", "x")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "backward",
    [
        lambda dy, x: np.clip(dy * np.cos(x), -100, 100),
        lambda dy, x: np.where(np.abs(dy) < 1e-3, 0, dy) * np.cos(x),
    ],
    ids=["clipped", "small ones dropped"],
)
def test_the_report_says_so(backward: Any, seed: int) -> None:
    report = gradcheck((SIN[0], backward), normal(4, 5), seed=seed)
    assert report.verdict == "FAIL" and report.diagnosis == ["nonlinear-in-dy"]


def test_dy_that_is_not_used() -> None:
    calls = asked(tanh(lambda self, dy, dx: 1 - self.y**2), X)
    assert broken(calls) == [("ignores-dy", "x")]


def test_a_constant_that_is_added() -> None:
    calls = asked(tanh(lambda self, dy, dx: dx + np.tanh(X + 1)), X)
    assert broken(calls) == [("nonlinear-in-dy", "x"), ("ignores-dy", "x")]
    assert calls.found.findings[0].evidence["backward_of_zero"] == pytest.approx(
        np.abs(np.tanh(X + 1)).max()
    )


def test_a_penalty_that_forward_does_not_know() -> None:
    def backward(self: Any, dy: Array) -> Array:
        dx = Linear.backward(self, dy)
        self.grads["w"] = self.grads["w"] + 0.1 * self.params["w"]
        return dx

    calls = asked(changed(Linear, backward=backward), X)
    assert broken(calls)[0] == ("missing-term", "w")
    assert calls.found.findings[0].evidence["coefficient"] == pytest.approx(0.1)
    assert ("nonlinear-in-dy", "w") in broken(calls)


@pytest.mark.parametrize(("sign", "word"), [(1, "positive"), (-1, "negative")])
def test_a_mask_made_from_dy(sign: int, word: str) -> None:
    wrong = changed(ReLU, backward=lambda self, dy: dy * (sign * dy > 0))
    calls = asked(wrong, X)
    assert set(broken(calls)) == {("mask", "x"), ("nonlinear-in-dy", "x")}
    assert f"only where dy is {word}" in calls.found.findings[0].sentence


@pytest.mark.parametrize(("dtype", "slugs"), [(np.float16, ["dtype"]), (np.float32, [])])
def test_few_digits(dtype: Any, slugs: list[str]) -> None:
    wrong = tanh(lambda self, dy, dx: dx.astype(dtype).astype(np.float64))
    calls = asked(wrong, X)
    assert [slug for slug, _ in broken(calls)] == slugs
    if not slugs:
        assert 1e-10 < calls.found.rounding["x"] < 1e-6


def test_what_vanishes_by_cancellation_is_linear_in_nothing() -> None:
    # The bias before a normalization: its gradient is what rounding leaves of a sum.
    def forward(x: Array, b: Array) -> tuple[Array, Array]:
        z = x + b
        return z - z.mean(axis=0), z

    def backward(dy: Array, z: Array) -> tuple[Array, Array]:
        dz = dy - dy.mean(axis=0)
        return dz, dz.sum(axis=0)

    assert not broken(asked((forward, backward), normal(7, 3), normal(3)))


def test_a_loss_without_dy_is_not_asked() -> None:
    class Loss:
        def forward(self, scores: Array, target: Array) -> float:
            self.off = scores - target
            return float((self.off**2).sum())

        def backward(self) -> Array:
            return 2 * self.off

    assert not broken(asked(Loss(), X, normal(3, 4, seed=1)))
