"""One item ahead: the order of events, exceptions, and no thread left behind."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from minicnn.backends import use_backend
from minicnn.training.ahead import Ahead


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("minicnn-ahead")]


def test_the_items_come_in_order_and_each_once():
    with Ahead(iter(range(5))) as walk:
        assert list(walk) == [0, 1, 2, 3, 4]
    with Ahead(iter(())) as walk:
        assert list(walk) == []
    assert threads() == []


def test_items_that_are_false_or_none_are_items():
    with Ahead(iter([0, None, [], ""])) as walk:
        assert list(walk) == [0, None, [], ""]


def test_the_next_item_is_made_while_this_one_is_used_and_no_other():
    made, used = [], threading.Event()

    def items():
        for i in range(4):
            if i == 2:  # begun before the work on 1 is over, or this test would hang here
                assert used.wait(10)
            made.append((i, threading.current_thread().name))
            yield i

    with Ahead(items()) as walk:
        for i in walk:
            if i == 1:
                assert len(made) == 2
                used.set()
            walk.settle()
            assert len(made) == min(i + 2, 4)
    assert all(name.startswith("minicnn-ahead") for _, name in made)


def test_after_settling_nothing_goes_on():
    busy = threading.Event()

    def items():
        for i in range(5):
            busy.set()
            time.sleep(0.01)
            busy.clear()
            yield i

    with Ahead(items()) as walk:
        for _ in walk:
            walk.settle()
            assert not busy.is_set()


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, StopIteration])
def test_an_exception_arrives_when_its_item_is_due_and_once(kind):
    class Items:
        calls = 0

        def __iter__(self):
            return self

        def __next__(self):
            self.calls += 1
            if self.calls == 3:
                raise kind("image 7 is bad")
            return self.calls

    items, seen = Items(), []

    def walk_all():
        with Ahead(items) as walk:
            for i in walk:
                walk.settle()
                seen.append(i)  # the work on 2 is done before 3 complains

    if kind is StopIteration:
        walk_all()
    else:
        with pytest.raises(kind, match="image 7 is bad"):
            walk_all()
    assert seen == [1, 2]
    assert items.calls == 3
    assert threads() == []


def test_the_callers_own_exception_wins_and_ends_the_thread():
    def items():
        yield 1
        raise ValueError("of the item that is never asked for")

    with pytest.raises(KeyboardInterrupt), Ahead(items()) as walk:
        for _ in walk:
            walk.settle()
            raise KeyboardInterrupt
    assert threads() == []


def test_leaving_early_makes_at_most_one_item_in_vain():
    made = []

    def items():
        for i in range(100):
            made.append(i)
            yield i

    with Ahead(items()) as walk:
        for i in walk:
            if i == 3:
                break
    assert len(made) <= 5
    assert threads() == []


def test_the_other_thread_keeps_the_callers_error_state():
    def items():
        yield np.float32(1) / np.float32(0)

    with np.errstate(divide="ignore"), Ahead(items()) as walk:
        assert list(walk) == [np.inf]
    with np.errstate(divide="raise"), Ahead(items()) as walk, pytest.raises(FloatingPointError):
        list(walk)


def test_the_other_thread_leaves_the_kernels_pool_alone():
    import numba

    def items():
        yield numba.get_num_threads()

    before = numba.get_num_threads()
    with use_backend("compiled"), Ahead(items()) as walk:
        assert list(walk) == [1]
    assert numba.get_num_threads() == before
