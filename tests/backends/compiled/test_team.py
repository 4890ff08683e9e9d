"""Helpers take every call, one after the other, and of several that wait the latest."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("numba", reason="the compiled backend needs numba")

from minicnn.backends.compiled.team import _Helper

SECONDS = 10


def test_a_call_to_a_busy_helper_is_not_lost():
    helper = _Helper()
    busy, go_on, done = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def work():
        busy.set()
        assert go_on.wait(SECONDS)

    def last():
        seen.append("last")
        done.set()

    helper.call(work)
    assert busy.wait(SECONDS)
    helper.call(seen.append, "replaced by the next")
    helper.call(last)
    go_on.set()
    assert done.wait(SECONDS)
    assert seen == ["last"]


def test_an_error_does_not_end_a_helper():
    helper, done, failed = _Helper(), threading.Event(), threading.Event()

    def fail():
        failed.set()
        raise ValueError

    helper.call(fail)
    assert failed.wait(SECONDS)
    helper.call(done.set)
    assert done.wait(SECONDS)
