from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minicnn
from minicnn.checking import CheckError, assert_gradients
from minicnn.checking.report import INCONCLUSIVE, PASS_AT_KINK, Report

X = np.random.default_rng(0).normal(size=(2, 3))
module = importlib.import_module("minicnn.checking.asserting")


def square(factor: float) -> Any:
    layer = SimpleNamespace()

    def forward(x: np.ndarray) -> np.ndarray:
        layer.x = x
        return x**2

    layer.forward = forward
    layer.backward = lambda dy: factor * layer.x * dy
    return layer


def test_right_gradients_return_the_report() -> None:
    report = assert_gradients(square(2.0), X)
    assert report.ok and report.tensors[0].name == "x"
    assert minicnn.assert_gradients is assert_gradients


def test_wrong_gradients_fail_with_the_whole_report() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_gradients(square(1.0), X)
    lines = str(caught.value).splitlines()
    assert lines[0] == "" and lines[1].startswith("FAIL ")
    assert "scale" in str(caught.value) and "next:" in str(caught.value)


def test_pytest_points_at_the_line_of_the_test() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_gradients(square(1.0), X)
    shown = caught.traceback.filter(caught)
    assert [entry.path.name for entry in shown] == ["test_asserting.py"]


@pytest.mark.parametrize(("verdict", "raises"), [(INCONCLUSIVE, True), (PASS_AT_KINK, False)])
def test_what_is_not_shown_to_be_right_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, verdict: str, raises: bool
) -> None:
    seen = []

    def gradcheck(target: Any, *inputs: Any, **options: Any) -> Report:
        seen.append((target, inputs, options))
        return Report("f", verdict)

    monkeypatch.setattr(module, "gradcheck", gradcheck)
    if raises:
        with pytest.raises(AssertionError, match="INCONCLUSIVE"):
            assert_gradients("layer", X, 3, wrt="x", seed=5)
    else:
        assert assert_gradients("layer", X, 3, wrt="x", seed=5).verdict == verdict
    assert seen == [("layer", (X, 3), {"wrt": "x", "seed": 5})]


def test_what_cannot_be_checked_is_no_failed_assertion() -> None:
    with pytest.raises(CheckError, match="backward"):
        assert_gradients(SimpleNamespace(forward=np.square), X)
