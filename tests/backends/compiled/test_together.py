"""Many arrays in one kernel call: the table, when it is made anew, and what stays out of it."""

from __future__ import annotations

import copy
import gc
import importlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

numba = pytest.importorskip("numba", reason="the compiled backend needs numba")
threads = importlib.import_module("minicnn.backends.compiled.threads")
together = importlib.import_module("minicnn.backends.compiled.together")
optimizer = importlib.import_module("minicnn.backends.compiled.optimizer")
penalty = importlib.import_module("minicnn.backends.compiled.penalty")

SIZES = (3, 4096, 4097, 10_000)


def arrays(seed: int, dtype: Any = np.float32) -> list[NDArray]:
    rng = np.random.default_rng(seed)
    return [rng.random(size).astype(dtype) for size in SIZES]


def step(w: list[NDArray], g: list[NDArray]) -> None:
    optimizer.sgd(w, g, None, 0.5, 0.0, False, 0.0)


@pytest.fixture
def ask_for(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    monkeypatch.setattr(threads, "WORTHWHILE", 0.0)
    yield lambda count: monkeypatch.setattr(numba, "get_num_threads", lambda: count)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_the_number_of_threads(
    dtype: Any, ask_for: Callable[[int], None]
) -> None:
    results = []
    for count in (1, 2, 3):
        ask_for(count)
        w, g, m, v = (arrays(seed, dtype) for seed in range(4))
        optimizer.adam(w, g, m, v, 0.1, (0.9, 0.99), 1e-8, 0.1, False, 2)
        penalty.elastic_net_dw(g, w, 0.1, 0.2)
        value = penalty.elastic_net(w, 0.1, 0.2)
        results.append([a.tobytes() for role in (w, g, m, v) for a in role] + [value])
    assert results[0] == results[1] == results[2]


def test_the_table_is_made_once_and_anew_for_new_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    plain = together._make_plan
    monkeypatch.setattr(together, "_make_plan", lambda lists: made.append(1) or plain(lists))
    w, g = arrays(0), arrays(1)
    for _ in range(3):
        step(w, g)
    assert len(made) == 1
    for role in (w, g):  # any one of them, the last as well
        role[-1] = role[-1].copy()
        expected = [a - np.float32(0.5) * b for a, b in zip(w, g, strict=True)]
        step(w, g)
        for a, b in zip(w, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    assert len(made) == 3
    step(w[:3], g[:3])
    step(w, g)
    assert len(made) == 5


def test_copies_of_a_model_are_models_of_their_own() -> None:
    w, g = arrays(0), arrays(1)
    step(w, g)
    before = [a.copy() for a in w]
    twins, gradients = copy.deepcopy((w, g))
    step(twins, gradients)
    for a, b, twin in zip(w, before, twins, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (twin != b).all()


def test_no_array_is_kept_alive() -> None:
    w, g = arrays(0), arrays(1)
    step(w, g)
    known = weakref.ref(w[-1])
    del w, g
    gc.collect()
    assert known() is None


def test_plans_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MOST_PLANS", 5)
    together._plans.clear()
    kept = [(arrays(seed), arrays(seed + 1)) for seed in range(12)]
    for w, g in kept:
        step(w, g)
        assert len(together._plans) <= 5


def test_tied_weights_are_stepped_in_turn() -> None:
    w, g = np.ones(5000, np.float32), np.ones(5000, np.float32)
    for _ in range(2):
        step([w, w], [g, 2 * g])
    np.testing.assert_allclose(w, 1 - 2 * 1.5)
    overlapping = np.ones(6000, np.float32)
    step([overlapping[:5000], overlapping[1000:]], [g, g])
    np.testing.assert_allclose(overlapping[[0, 999, 1000, 4999, 5000]], [0.5, 0.5, 0, 0, 0.5])
    backwards = np.ones(6000, np.float32)
    step([backwards[4999::-1], backwards[1000:]], [g, g])
    np.testing.assert_allclose(backwards[[0, 999, 1000, 4999, 5000]], [0.5, 0.5, 0, 0, 0.5])


def test_weights_that_were_locked_are_not_written() -> None:
    w, g = arrays(0), arrays(1)
    step(w, g)
    w[1].flags.writeable = False
    before = w[1].copy()
    with pytest.raises(ValueError, match="read-only"):
        step(w, g)
    np.testing.assert_array_equal(w[1], before)


def test_read_only_gradients_are_taken() -> None:
    w, g = arrays(0), arrays(1)
    expected = [a - np.float32(0.5) * b for a, b in zip(w, g, strict=True)]
    for b in g:
        b.flags.writeable = False
    step(w, g)
    for a, b in zip(w, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
