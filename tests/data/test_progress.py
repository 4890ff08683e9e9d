from __future__ import annotations

import time

import pytest

from minicnn.data.progress import reporting


def test_tells_a_callable_how_far_it_is() -> None:
    told = []
    with reporting(lambda done, total: told.append((done, total)), 10, "x", "B", 4) as advance:
        advance(3)
        advance(-7)
    assert told == [(7, 10), (0, 10)]


def test_draws_a_bar_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(True, 3, "reading", "images") as advance:
        advance(3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading" in err and "3/3" in err


def test_stays_silent_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(False, 3, "reading", "images") as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_bar_that_begins_again_shows_no_negative_speed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with reporting(True, None, "x", "B", start=100_000) as advance:
        for count in (-100_000, 50):
            time.sleep(0.15)  # a bar redraws itself ten times a second
            advance(count)
    shown = capsys.readouterr().err
    assert "50.0B" in shown and "-" not in shown
