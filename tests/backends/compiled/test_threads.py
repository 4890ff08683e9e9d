from __future__ import annotations

import importlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator

import pytest

numba = pytest.importorskip("numba", reason="the compiled backend needs numba")
threads = importlib.import_module("minicnn.backends.compiled.threads")

MUCH = 1e9  # nanoseconds


@pytest.fixture(autouse=True)
def ask_for(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Ask for a number of threads, whatever the machine has; 2 to begin with."""

    def ask(count: int) -> None:
        monkeypatch.setattr(numba, "get_num_threads", lambda: count)

    ask(2)
    yield ask


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("pieces", [0, 1, 2, 5, 7, 100])
def test_ranges_cover_every_piece_once(
    count: int, pieces: int, ask_for: Callable[[int], None]
) -> None:
    ask_for(count)
    seen: list[int] = []
    threads.run(lambda first, last, seen: seen.extend(range(first, last)), pieces, MUCH, seen)
    assert sorted(seen) == list(range(pieces))


def test_all_threads_take_part(ask_for: Callable[[int], None]) -> None:
    ask_for(3)
    together = threading.Barrier(3)  # opens when three threads have come

    def kernel(first: int, last: int, names: set[int]) -> None:
        if len(names) < 3:
            names.add(threading.get_ident())
            together.wait(timeout=20)

    names: set[int] = set()
    threads.run(kernel, 9, MUCH, names)
    assert len(names) == 3


def test_little_work_stays_on_the_calling_thread() -> None:
    calls: list[tuple[int, int, int]] = []
    threads.run(lambda a, b: calls.append((a, b, threading.get_ident())), 50, 10.0)
    assert calls == [(0, 50, threading.get_ident())]


def test_a_second_caller_computes_alone_and_does_not_wait() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(first: int, last: int) -> None:
        inside.set()
        assert go_on.wait(timeout=20)

    other = threading.Thread(target=lambda: threads.run(slow, 4, MUCH))
    other.start()
    assert inside.wait(timeout=20)
    calls: list[tuple[int, int, int]] = []
    threads.run(lambda a, b: calls.append((a, b, threading.get_ident())), 50, MUCH)
    assert calls == [(0, 50, threading.get_ident())]
    go_on.set()
    other.join(timeout=20)
    assert not other.is_alive()


def test_an_error_in_any_thread_reaches_the_caller() -> None:
    def kernel(first: int, last: int) -> None:
        if first == 0:
            raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            threads.run(kernel, 6, MUCH)
    seen: list[int] = []
    threads.run(lambda a, b: seen.extend(range(a, b)), 6, MUCH)
    assert sorted(seen) == list(range(6))


def test_interrupted_waiting_leaves_no_half_done_worker_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()

    def kernel(first: int, last: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            assert release.wait(timeout=20)

    def interrupted(worker: object) -> None:
        raise KeyboardInterrupt

    threads.run(lambda a, b: None, 6, MUCH)  # so that there is a worker
    old = list(threads._workers)
    with monkeypatch.context() as patch:
        patch.setattr(threads._Worker, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threads.run(kernel, 6, MUCH)
    assert not set(old) & set(threads._workers)
    # The old worker is busy still; the next call neither waits for it nor hands it work.
    seen: list[int] = []
    threads.run(lambda a, b: seen.extend(range(a, b)), 6, MUCH)
    assert sorted(seen) == list(range(6))
    release.set()


def _count_in_child(queue: multiprocessing.Queue[list[int]]) -> None:
    seen: list[int] = []
    threads.run(lambda a, b: seen.extend(range(a, b)), 6, MUCH)
    queue.put(sorted(seen))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python warns of fork and threads
def test_a_forked_child_starts_its_own_threads() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        return  # then there is nothing to go wrong
    threads.run(lambda a, b: None, 6, MUCH)  # the parent has a worker
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_count_in_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=20) == list(range(6))
    finally:
        child.join(timeout=20)
        if child.is_alive():
            child.kill()
