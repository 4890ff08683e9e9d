"""The table of goals."""

from pathlib import Path

import pytest

from benchmarks import goals, peers, work
from benchmarks.__main__ import TABLES
from benchmarks.goals import Goal, summary, verdict
from benchmarks.outcome import Measured


def test_every_goal_is_about_something_that_is_measured():
    fives = {str(w) for w in work.FIVE}
    fives |= {str(w.with_batch(n)) for w in work.FIVE for n in (1, 64)}
    known = {goals.BEST, "cold", "warm", *peers.TRAINING, *peers.INFERENCE}
    for goal in goals.GOALS:
        assert goal.table in TABLES
        assert goal.work in fives | {"lenet", "lungnet", "train"}, goal
        assert goal.peer in known, goal
    assert len({(g.table, g.work, g.peer) for g in goals.GOALS}) == len(goals.GOALS)


def test_every_table_has_a_module():
    folder = Path(goals.__file__).parent
    assert all((folder / f"{module}.py").exists() for module in TABLES.values())


def test_median_best_and_worst_of_several_runs():
    first = goals.GOALS[0]
    runs = [[Measured(first.table, first.work, first.peer, v)] for v in (0.6, 0.9, 0.65)]
    rows = summary(runs).splitlines()
    assert len(rows) == 3  # the heading, and the one goal that was measured
    assert "| **0.650** | 0.600 | 0.900 | 3 | reached |" in rows[2]


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.4, "dream reached"), (0.41, "reached"), (0.7, "reached"), (0.71, "missed")],
)
def test_where_a_value_stands(value, word):
    assert verdict(Goal("train-step", "lenet", goals.BEST, 0.7, 0.4), value) == word


def test_without_a_dream_there_is_nothing_beyond_the_goal():
    assert verdict(Goal("startup", "lenet", "warm", 2.0, None, "s"), 0.1) == "reached"
