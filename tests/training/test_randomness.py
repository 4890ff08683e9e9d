from __future__ import annotations

import pytest

from minicnn.errors import ArgumentError
from minicnn.training.randomness import PURPOSES, generator


def test_the_same_three_things_give_the_same_numbers():
    assert (generator(3, "shuffle", 5).random(9) == generator(3, "shuffle", 5).random(9)).all()


def test_anything_else_gives_other_numbers():
    keys = [(seed, p, epoch) for seed in (0, 1, 2**40) for p in PURPOSES for epoch in (0, 1, 2)]
    assert len({generator(*key).random() for key in keys}) == len(keys)


def test_a_negative_seed_is_refused():
    with pytest.raises(ArgumentError, match="-1"):
        generator(-1, "shuffle")
