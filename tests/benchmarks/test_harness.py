"""Races: who takes part when, and what is divided by what. No time is asserted."""

import numpy as np

from benchmarks import harness
from benchmarks.harness import Race, race


def array(*values):
    return np.array(values, float)


def test_ratios_are_taken_round_by_round():
    # The machine was ten times slower in the second round; the ratio does not notice.
    result = Race({"a": [array(1.0), array(10.0)], "b": [array(2.0), array(20.0)]})
    ratio = result.ratio("a", "b")
    assert (ratio.median, ratio.low, ratio.high, ratio.rounds) == (0.5, 0.5, 0.5, 2)
    assert result.ratio("b", "a").median == 2


def test_a_round_in_which_one_sat_out_gives_no_ratio():
    result = Race({"a": [array(1.0), array(9.0)], "b": [array(4.0), None]})
    assert result.ratio("a", "b").median == 0.25
    assert result.ratio("a", "b").rounds == 1
    assert result.median("b") == 4


def test_the_median_is_over_all_calls():
    result = Race({"a": [array(1.0, 2.0), array(3.0)]})
    assert result.median("a") == 2


def test_the_fastest_is_chosen_among_those_who_ran():
    result = Race({"a": [array(3.0)], "b": [array(2.0)], "c": [array(1.0)]})
    assert result.fastest(["a", "b", "absent"]) == "b"
    assert result.fastest(["absent"]) is None


class Contestant:
    """Counts calls; pretends to take ``seconds``."""

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.calls, self.resets = clock, seconds, 0, 0

    def __call__(self):
        self.calls += 1
        self.clock.now += self.seconds

    def reset(self):
        self.resets += 1


class Clock:
    """Time that passes only when somebody works or sleeps."""

    now = 0.0

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_a_slow_contestant_takes_part_in_few_rounds_and_keeps_to_the_budget(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(harness, "time", clock)
    quick, slow = Contestant(clock, 0.001), Contestant(clock, 0.4)
    result = race({"quick": quick, "slow": slow}, seconds=8.0)
    taken = sum(a is not None for a in result.seconds["slow"])
    assert taken == 9  # its half of the budget
    assert all(a is not None for a in result.seconds["quick"])
    assert len(result.seconds["quick"]) == len(result.seconds["slow"]) > 100
    assert clock.now < 8.0 * 1.3
    assert result.ratio("quick", "slow").rounds == taken
    np.testing.assert_allclose(result.ratio("quick", "slow").median, 0.0025)


def test_a_very_slow_one_still_runs_three_times_spread_over_the_race(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(harness, "time", clock)
    result = race({"quick": Contestant(clock, 0.01), "slow": Contestant(clock, 50.0)}, seconds=4.0)
    rounds = [i for i, a in enumerate(result.seconds["slow"]) if a is not None]
    assert len(rounds) == harness.FEWEST
    assert rounds[-1] - rounds[0] > len(result.seconds["quick"]) / 2


def test_everyone_starts_each_block_from_the_beginning(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(harness, "time", clock)
    one = Contestant(clock, 0.01)
    result = race({"one": one}, seconds=1.0)
    assert one.resets >= len(result.seconds["one"])


def test_single_calls_without_a_pause_can_be_had_too(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(harness, "time", clock)
    a, b = Contestant(clock, 0.01), Contestant(clock, 0.01)
    result = race({"a": a, "b": b}, seconds=1.0, block=0)
    assert {len(calls) for calls in result.seconds["a"]} == {1}
    np.testing.assert_allclose(clock.now, 0.01 * (a.calls + b.calls))  # nobody slept
