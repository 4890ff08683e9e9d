"""The steps of the optimizers and the penalties: every spelling beside the loops."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minicnn.backends.loops import optimizer as loops
from minicnn.backends.loops import penalty as penalty_loops
from tests.backends.spellings import DTYPES, TOLERANCE, assert_close, spellings, strided

SHAPES = ((3, 2, 2, 2), (3,), (), (37, 5), (0, 4))
BETAS = (0.8, 0.95)

# The rule, how many arrays it keeps (None: it does without this one), and its numbers.
STEPS: dict[str, tuple[str, tuple[bool, ...], tuple[Any, ...]]] = {
    "sgd": ("sgd", (False,), (0.1, 0.0, False, 0.0)),
    "sgd decayed": ("sgd", (False,), (0.1, 0.0, False, 0.2)),
    "sgd momentum": ("sgd", (True,), (0.1, 0.9, False, 0.2)),
    "sgd nesterov": ("sgd", (True,), (0.1, 0.9, True, 0.2)),
    "adam": ("adam", (True, True), (0.1, BETAS, 1e-3, 0.0, False, 3)),
    "adam decayed": ("adam", (True, True), (0.1, BETAS, 1e-3, 0.2, False, 1)),
    "adamw": ("adam", (True, True), (0.1, BETAS, 1e-3, 0.2, True, 2)),
    "rmsprop": ("rmsprop", (True, False, False), (0.1, 0.9, 1e-3, 0.0, 0.2)),
    "rmsprop centred": ("rmsprop", (True, True, False), (0.1, 0.9, 1e-3, 0.0, 0.0)),
    "rmsprop momentum": ("rmsprop", (True, False, True), (0.1, 0.9, 1e-3, 0.5, 0.0)),
    "rmsprop both": ("rmsprop", (True, True, True), (0.1, 0.9, 1e-3, 0.5, 0.2)),
    "adagrad": ("adagrad", (True,), (0.1, 0.3, 1e-3, 0.0, 5)),
    "adagrad decayed": ("adagrad", (True,), (0.1, 0.0, 1e-3, 0.2, 1)),
}
every_step = pytest.mark.parametrize("step", STEPS)


def lists(kept: tuple[bool, ...], dtype: Any, shapes: Any = SHAPES) -> list[Any]:
    """Make weights, gradients and the arrays that a rule keeps (means of squares first)."""
    rng = np.random.default_rng(0)
    made = [[np.asarray(rng.normal(size=s)).astype(dtype) for s in shapes] for _ in "wg"]
    for there in kept:
        arrays = [np.asarray(rng.uniform(1, 2, size=s)).astype(dtype) for s in shapes]
        made.append(arrays if there else None)  # type: ignore[arg-type]
    if len(kept) == 3 and kept[1]:  # the mean, small enough that the variance is positive
        made[3] = [np.asarray(a / 3).astype(dtype) for a in made[3]]
    return made


def run(module: ModuleType, step: str, arrays: list[Any]) -> None:
    name, _, numbers = STEPS[step]
    gradients = [g.copy() for g in arrays[1]]
    getattr(module, name)(*arrays, *numbers)
    for before, g in zip(gradients, arrays[1], strict=True):
        np.testing.assert_array_equal(before, g, err_msg="a gradient was changed")


@every_step
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("module", spellings("optimizer", "vectorized", "compiled"))
def test_every_spelling_takes_the_step_of_the_loops(
    module: ModuleType, dtype: Any, step: str
) -> None:
    expected, actual = (lists(STEPS[step][1], dtype) for _ in "12")
    untouched = lists(STEPS[step][1], dtype)
    for _ in range(2):  # the second time, the compiled one has a table
        run(loops, step, expected)
        run(module, step, actual)
    for role, (ours, theirs, old) in enumerate(zip(actual, expected, untouched, strict=True)):
        for a, b, c in zip(ours or (), theirs or (), old or (), strict=True):
            assert a.dtype == b.dtype == dtype
            assert_close(a, b, TOLERANCE[np.dtype(dtype)], f"role {role}")
            assert role == 1 or not a.size or (a != c).all()


@every_step
@pytest.mark.parametrize("module", spellings("optimizer", "vectorized", "compiled"))
def test_any_memory_layout_and_mixture_of_dtypes_gives_the_same_step(
    module: ModuleType, step: str
) -> None:
    kept = STEPS[step][1]
    shapes = SHAPES[:2] + SHAPES[3:4]
    singles, doubles = lists(kept, np.float32, shapes), lists(kept, np.float64, shapes)
    mixed = [s and [strided(s[0]), d[1], s[2]] for s, d in zip(singles, doubles, strict=True)]
    mixed[1][2] = mixed[1][2].astype(np.float64)  # a gradient of another dtype
    for arrays in (singles, doubles):
        run(loops, step, arrays)
    run(module, step, mixed)
    for role, (ours, s, d) in enumerate(zip(mixed, singles, doubles, strict=True)):
        for a, b in zip(ours or (), (s and [s[0], d[1], s[2]]) or (), strict=True):
            assert_close(a, b, TOLERANCE[np.dtype(np.float32)], f"role {role}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@every_step
@pytest.mark.parametrize("module", spellings("optimizer", "vectorized", "compiled"))
def test_a_broken_gradient_shows(module: ModuleType, step: str, value: float) -> None:
    arrays = lists(STEPS[step][1], np.float32)
    arrays[1][3][4, 2] = value
    with np.errstate(all="ignore"):
        run(module, step, arrays)
        run(module, step, arrays)
    assert not np.isfinite(arrays[0][3][4, 2])
    assert np.isfinite(arrays[0][3]).sum() == arrays[0][3].size - 1


# ---- penalties ------------------------------------------------------------------------------


def weights(dtype: Any) -> tuple[list[NDArray], list[NDArray]]:
    g, w = lists((), dtype, ((40, 7), (3, 2, 2), (90, 110)))
    w[0][::3] = 0
    return g, w


@pytest.mark.parametrize("l1, l2", [(0.3, 0.0), (0.0, 0.7), (0.3, 0.7)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("module", spellings("penalty", "vectorized", "compiled"))
def test_every_spelling_gives_the_penalty_of_the_loops(
    module: ModuleType, dtype: Any, l1: float, l2: float
) -> None:
    (g, w), (expected, _) = weights(dtype), weights(dtype)
    value = penalty_loops.elastic_net(w, l1, l2)
    assert module.elastic_net(w, l1, l2) == pytest.approx(value, rel=1e-12)
    penalty_loops.elastic_net_dw(expected, w, l1, l2)
    module.elastic_net_dw(g, w, l1, l2)
    for a, b in zip(g, expected, strict=True):
        assert a.dtype == dtype
        assert_close(a, b, TOLERANCE[np.dtype(dtype)])


@pytest.mark.parametrize("module", spellings("penalty", "vectorized", "compiled"))
def test_a_penalty_takes_any_layout_and_mixture_of_dtypes(module: ModuleType) -> None:
    _, singles = weights(np.float32)
    doubles = [w.astype(np.float64) for w in singles]
    mixed = [strided(singles[0]), doubles[1], singles[2]]
    value = penalty_loops.elastic_net(doubles, 0.3, 0.7)
    assert module.elastic_net(mixed, 0.3, 0.7) == pytest.approx(value, rel=1e-12)
    g = [np.zeros_like(w) for w in mixed]
    module.elastic_net_dw(g, mixed, 0.3, 0.7)
    for a, w in zip(g, doubles, strict=True):
        assert_close(a, 0.3 * np.sign(w) + 0.7 * w, 1e-6)


@pytest.mark.parametrize("module", spellings("penalty"))
def test_no_weights_cost_nothing(module: ModuleType) -> None:
    assert module.elastic_net([], 0.3, 0.7) == 0.0
    module.elastic_net_dw([], [], 0.3, 0.7)
