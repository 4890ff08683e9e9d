from __future__ import annotations

import functools
import random
from collections import deque
from typing import Any

import numpy as np

from minicnn.checking.memento import (
    Memento,
    global_randomness,
    restore_global_randomness,
    same_randomness,
)


class Everything:
    __slots__ = ("__dict__", "slot", "unset")

    shared = np.zeros(2)  # on the class: a common slip

    def __init__(self) -> None:
        self.slot = np.arange(3.0)
        self.array = np.arange(4.0)
        self.view = self.array[1:]
        self.numbers = {"a": 1, "deep": [np.ones(2), {1, 2}]}
        self.queue: deque[int] = deque([1, 2], maxlen=3)
        self.rng = np.random.default_rng(0)
        self.old = np.random.RandomState(0)
        self.plain = random.Random(0)
        self.bytes = bytearray(b"ab")
        self.me = self  # a circle

    def draw(self) -> tuple[float, float, float]:
        return self.rng.random(), self.old.random_sample(), self.plain.random()


def test_everything_an_object_holds_comes_back_in_place() -> None:
    thing = Everything()
    array, deep = thing.array, thing.numbers["deep"]
    memento = Memento(thing)
    drawn = thing.draw()
    thing.slot[0] = 9
    thing.array += 1
    thing.shared[...] = 5
    thing.numbers["deep"][0][0] = 7  # type: ignore[index]
    thing.numbers["b"] = 2
    thing.numbers["deep"][1].add(3)  # type: ignore[index]
    thing.queue.append(3)
    thing.bytes[0] = 0
    thing.cache = "left over"
    thing.unset = 1
    memento.restore()
    assert thing.array is array and thing.numbers["deep"] is deep
    assert np.array_equal(thing.array, np.arange(4.0)) and thing.slot[0] == 0
    assert not thing.shared.any()
    assert thing.numbers == {"a": 1, "deep": deep} and deep[0][0] == 1  # type: ignore[index]
    assert deep[1] == {1, 2} and list(thing.queue) == [1, 2]  # type: ignore[index]
    assert thing.bytes == b"ab" and not hasattr(thing, "cache") and not hasattr(thing, "unset")
    assert thing.draw() == drawn


def test_an_array_that_was_replaced_comes_back_as_the_same_object() -> None:
    thing = Everything()
    array = thing.array
    memento = Memento(thing)
    thing.array = np.zeros(9)
    memento.restore()
    assert thing.array is array


def counter() -> Any:
    count = 0
    rng = np.random.default_rng(1)

    def call(step: int, cache: dict[str, int]) -> tuple[int, float]:
        nonlocal count
        count += step
        cache["last"] = count
        return count, rng.random()

    return call


def test_it_reaches_into_closures_partials_and_bound_methods() -> None:
    cache: dict[str, int] = {}
    function = functools.partial(counter(), 2, cache)
    method = Everything().draw
    memento = Memento(function, method)
    first, drawn = function(), method()
    memento.restore()
    assert cache == {} and function() == first and method() == drawn


def test_the_generators_alone_can_be_put_back() -> None:
    thing = Everything()
    memento = Memento(thing)
    states = memento.generator_states()
    drawn = thing.draw()
    assert memento.generator_states() != states
    thing.array += 1
    memento.restore_generators()
    assert memento.generator_states() == states and thing.draw() == drawn
    assert thing.array[0] == 1


def test_read_only_arrays_and_strange_objects_do_no_harm() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    Memento(array, iter([1]), open, np, type, lambda: 0, object()).restore()


def test_the_shared_generators() -> None:
    before = global_randomness()
    try:
        assert same_randomness(before, global_randomness())
        for draw in (random.random, np.random.random_sample):
            state = global_randomness()
            draw()
            assert not same_randomness(state, global_randomness())
            restore_global_randomness(state)
            assert same_randomness(state, global_randomness())
    finally:
        restore_global_randomness(before)
