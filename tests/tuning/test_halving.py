from __future__ import annotations

import itertools

import pytest

from minicnn.errors import ArgumentError
from minicnn.tuning.halving import plan_rungs


def plan(*args: int) -> list[tuple[int, int]]:
    return [(rung.trials, rung.epochs) for rung in plan_rungs(*args)]


def test_the_first_bracket_of_the_table_in_the_hyperband_paper() -> None:
    """Li et al. 2018, Table 1, R = 81 and eta = 3, s = 4."""
    assert plan(81, 81, 1, 3) == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]


def test_other_brackets_of_that_table() -> None:
    """s = 3 and s = 2 begin with more epochs each."""
    assert plan(34, 81, 3, 3)[:3] == [(34, 3), (11, 9), (3, 27)]
    assert plan(15, 81, 9, 3) == [(15, 9), (5, 27), (1, 81)]


def test_a_power_of_eta_is_not_lost_to_rounding() -> None:
    assert len(plan(10**6, 3**5, 1, 3)) == 6
    assert len(plan(10**9, 10**6, 1, 10)) == 7


def test_budgets_that_are_no_powers() -> None:
    assert plan(20, 10, 1, 3) == [(20, 1), (6, 3), (2, 10)]
    assert plan(4, 100, 1, 2) == [(4, 25), (2, 50), (1, 100)]
    assert plan(1, 9, 1, 3) == [(1, 9)]
    assert plan(9, 2, 2, 3) == [(9, 2)]


@pytest.mark.parametrize("trials", range(1, 40))
@pytest.mark.parametrize("eta", [2, 3, 4])
def test_rungs_shrink_and_budgets_grow(trials: int, eta: int) -> None:
    rungs = plan(trials, 13, 2, eta)
    assert rungs[0][0] == trials and rungs[-1][1] == 13
    assert all(a > b >= 1 for (a, _), (b, _) in itertools.pairwise(rungs))
    assert all(a < b for (_, a), (_, b) in itertools.pairwise(rungs))
    assert all(epochs >= 2 for _, epochs in rungs)


@pytest.mark.parametrize("bad", [(0, 9), (9, 0), (9, 9, 0), (9, 9, 1, 1), (9, 3, 4), (2.5, 9)])
def test_impossible_numbers_are_refused(bad: tuple) -> None:
    with pytest.raises(ArgumentError):
        plan_rungs(*bad)
