from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from minicnn.backends.compiled import activation as compiled
from minicnn.backends.loops import activation as loops
from minicnn.backends.vectorized import activation as vectorized
from minicnn.errors import ArgumentError
from minicnn.selfcheck import fuzz as module
from minicnn.selfcheck.fuzz import fuzz
from minicnn.selfcheck.networks import random_network
from minicnn.selfcheck.random_layers import VOCABULARY


def test_random_networks_pass() -> None:
    told: list[tuple[int, int, str]] = []
    report = fuzz(6, progress=lambda *what: told.append(what))
    assert report.ok, report.to_text()
    assert told[0] == (0, 6, "network of seed 0") and told[-1] == (6, 6, "")
    assert "6 of 6 networks passed" in report.to_text()
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["passed"] == 6


def first_with(kind: str) -> int:
    """Return the seed of a network that has a layer of this kind, and not only at its end."""
    return next(
        seed
        for seed in range(200)
        if any(type(part).__name__ == kind for part in random_network(seed).model.layers[:1])
    )


def test_a_planted_mistake_fails_and_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(dy: NDArray, y: NDArray) -> NDArray:
        return dy * (1 - y)

    for backend in (compiled, loops, vectorized):
        monkeypatch.setattr(backend, "tanh_dx", wrong)
    seed = first_with("Tanh")
    report = fuzz(1, seed=seed)
    assert not report.ok
    text = report.to_text()
    assert f"again: fuzz(1, seed={seed})" in text and f"seed {seed}: x of shape" in text
    assert "Tanh()" in text and "FAIL on" in text
    if report.with_torch:
        assert "dx differs from torch by" in text
    assert report.to_dict()["failures"][0]["seed"] == seed


def test_torch_alone_finds_a_wrong_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is the oracle here: pip install torch")
    for backend in (compiled, loops, vectorized):  # a right gradient of the wrong function
        monkeypatch.setattr(backend, "tanh", lambda x: 2 * np.tanh(x))
        monkeypatch.setattr(backend, "tanh_dx", lambda dy, y: dy * (2 - y * y / 2))
    report = fuzz(1, seed=first_with("Tanh"))
    assert report.trials[0].report.ok
    assert not report.ok and "differs from torch" in report.to_text()


def test_the_seed_makes_the_network() -> None:
    one, other = random_network(7), random_network(7)
    assert one.describe() == other.describe() != random_network(8).describe()
    np.testing.assert_array_equal(one.x, other.x)
    for name, array in one.model.state_dict().items():
        np.testing.assert_array_equal(array, other.model.state_dict()[name])


def test_everything_occurs() -> None:
    used = {type(p).__name__ for s in range(150) for p in random_network(s).model.modules()}
    assert used == set(VOCABULARY)
    networks = [random_network(seed) for seed in range(60)]
    assert {n.model.training for n in networks} == {True, False}
    assert {type(n.loss).__name__ for n in networks} == {
        *("NoneType", "CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss", "HuberLoss")
    }


def test_time_is_kept() -> None:
    assert len(fuzz(500, seconds=0.0).trials) == 1


def test_without_torch_the_differences_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "torch_is_here", lambda: False)
    report = fuzz(2)
    assert report.ok and "torch is not installed" in report.to_text()


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (1, -1)])
def test_numbers_out_of_range_are_refused(count: int, seed: int) -> None:
    with pytest.raises(ArgumentError, match="expected"):
        fuzz(count, seed)
