"""Jobs on several threads: order, window, exceptions, no thread left behind."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from minicnn.data.parallel import in_order
from minicnn.errors import ArgumentError


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("minicnn-work")]


def test_the_results_keep_the_order_of_the_items() -> None:
    def slow_at_first(i: int) -> int:
        time.sleep(0.02 if i % 5 == 0 else 0)
        return i * i

    assert list(in_order(slow_at_first, range(40), window=7, threads=4)) == [
        i * i for i in range(40)
    ]
    assert list(in_order(slow_at_first, [], window=7)) == []
    assert threads() == []


def test_several_are_in_work_at_once() -> None:
    together = threading.Barrier(3)

    def meet(i: int) -> int:
        together.wait(timeout=10)  # one after the other they would wait in vain
        return i

    assert list(in_order(meet, range(6), window=6, threads=3)) == list(range(6))


def test_no_more_is_taken_than_the_window_holds() -> None:
    taken = itertools.count()
    results = in_order(lambda i: i, taken, window=10, threads=2)  # an endless iterator
    for i in range(100):
        assert next(results) == i
    assert next(taken) == 109  # from 0: those of 100 results, and 9 more in the window
    results.close()
    assert threads() == []


def test_an_exception_arrives_when_its_item_is_due_and_nothing_more_is_begun() -> None:
    begun = []

    def work(i: int) -> int:
        begun.append(i)
        if i == 3:
            raise ValueError("item 3")
        return i

    results = in_order(work, itertools.count(), window=4, threads=1)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)
    assert max(begun) <= 6
    assert threads() == []


def test_an_exception_of_the_items_ends_the_threads() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(in_order(lambda i: i, items(), window=4))
    assert threads() == []


def test_closing_early_begins_nothing_more() -> None:
    begun = []

    def work(i: int) -> None:
        begun.append(i)
        time.sleep(0.02)

    results = in_order(work, range(50), window=50, threads=1)
    next(results)
    results.close()
    assert len(begun) <= 10  # those that were in work, and not all that waited


@pytest.mark.parametrize("options", [{"window": 0}, {"window": 3, "threads": 0}])
def test_impossible_numbers_are_refused_at_the_call(options: dict[str, int]) -> None:
    with pytest.raises(ArgumentError, match="at least 1"):
        in_order(abs, [1], **options)
