from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from minicnn.errors import ArgumentError
from minicnn.tuning.space import DEFAULT, parse_space


def draws(entry: Any, name: str = "lr", count: int = 4000) -> list[Any]:
    space = parse_space({name: entry})
    return [space.draw(0, trial)[name] for trial in range(count)]


def test_the_default_space_is_a_space() -> None:
    space = parse_space(DEFAULT)
    assert set(space.varied) == set(DEFAULT)
    assert space.draw(1, 2) == space.draw(1, 2) != space.draw(1, 3)
    assert space.draw(1, 2) != space.draw(2, 2)


def test_real_numbers_fill_their_range_evenly() -> None:
    values = np.array(draws({"uniform": [0.2, 0.6]}))
    assert values.min() >= 0.2 and values.max() <= 0.6
    assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx([0.3, 0.4, 0.5], abs=0.02)


def test_logarithms_fill_their_range_evenly() -> None:
    values = np.array(draws({"log_uniform": [1e-4, 1]}))
    assert values.min() >= 1e-4 and values.max() <= 1
    assert np.quantile(np.log10(values), [0.25, 0.5, 0.75]) == pytest.approx([-3, -2, -1], abs=0.1)


def test_whole_numbers_reach_both_ends_as_often_as_the_others() -> None:
    values = draws({"int": [2, 5]}, "epochs")
    assert all(isinstance(value, int) for value in values)
    assert np.bincount(values)[2:] == pytest.approx([1000] * 4, rel=0.12)


def test_whole_numbers_with_a_uniform_logarithm() -> None:
    values = draws({"log_int": [1, 8]}, "batch_size")
    assert set(values) == set(range(1, 9)) and isinstance(values[0], int)
    expected = np.log((np.arange(1, 9) + 0.5) / (np.arange(1, 9) - 0.5)) / math.log(8.5 / 0.5)
    assert np.bincount(values)[1:] / 4000 == pytest.approx(expected, abs=0.02)


def test_choices_and_fixed_values() -> None:
    assert set(draws([0, 0.1], "l2", 50)) == set(draws({"choices": [0, 0.1]}, "l2", 50)) == {0, 0.1}
    space = parse_space({"optimizer": "sgd", "model": ["lenet"], "augment": [True, False]})
    assert space.fixed == {"optimizer": "sgd", "model": "lenet"} and set(space.varied) == {
        "augment"
    }
    assert parse_space({}).draw(0, 0) == {}


def test_an_option_more_leaves_the_draws_of_the_others() -> None:
    small = parse_space({"lr": {"uniform": [1, 2]}})
    large = parse_space({"l1": [0, 1], "lr": {"uniform": [1, 2]}})
    assert [small.draw(3, i)["lr"] for i in range(9)] == [large.draw(3, i)["lr"] for i in range(9)]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"learning_rate": [1]}, "'learning_rate', which cannot be searched"),
        ({"bach_size": [1]}, "did you mean batch_size"),
        ({"seed": [1, 2]}, "'seed', which cannot be searched"),
        ({"lr": {"uniform": [1, 1]}}, "empty range"),
        ({"lr": {"uniform": [2, 1]}}, "empty range"),
        ({"lr": {"log_uniform": [0, 1]}}, "lr is 0|no logarithm"),
        ({"l1": {"log_uniform": [0, 1]}}, "no logarithm; start above 0, or use uniform"),
        ({"l1": {"uniform": [-1, 1]}}, "l1 is -1"),
        ({"lr": {"uniform": [1, math.inf]}}, "two finite numbers"),
        ({"lr": {"uniform": [1]}}, "two finite numbers"),
        ({"lr": {"uniform": "1-2"}}, "two finite numbers"),
        ({"lr": {"normal": [0, 1]}}, "expected one of choices, uniform"),
        ({"lr": {"uniform": [0, 1], "int": [0, 1]}}, "expected one of choices"),
        ({"lr": {}}, "expected one of choices"),
        ({"lr": []}, "a value or more"),
        ({"lr": [0.1, 0.1]}, "names a value twice"),
        ({"lr": ["fast"]}, "lr the value 'fast'; expected a number"),
        ({"lr": [True]}, "lr the value True"),
        ({"lr": None}, "lr the value None"),
        ({"epochs": {"uniform": [1, 4]}}, "is a whole one; use int"),
        ({"epochs": {"int": [1.5, 4]}}, "two whole numbers"),
        ({"epochs": {"int": [0, 4]}}, "epochs is 0"),
        ({"batch_size": [16, 1.5]}, "batch_size is 1.5"),
        ({"width": {"uniform": [0.01, 1]}}, "width is 0.01"),
        ({"augment_strength": {"uniform": [0, 9]}}, "augment_strength is 9"),
        ({"model": ["lenet", "lenett"]}, "did you mean 'lenet'"),
        ({"model": [1]}, "expected a text"),
        ({"augment": [1]}, "expected true or false"),
    ],
)
def test_impossible_spaces_are_refused(table: dict, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        parse_space(table)
