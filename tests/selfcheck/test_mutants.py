from __future__ import annotations

import json
from typing import Any

import pytest

from minicnn.checking.report import FAIL, INCONCLUSIVE, PASS, Finding, Report
from minicnn.errors import ArgumentError
from minicnn.selfcheck import mutants
from minicnn.selfcheck.mutants import run_mutants
from minicnn.selfcheck.targets import Target, find_targets

QUICK = (
    "backends.vectorized.linear",
    "backends.vectorized.activation",
    "backends.vectorized.loss",
    "backends.vectorized.pooling",
    "backends.loops.linear",
    "layers.linear",
)


def quick_targets() -> list[Target]:
    return [target for target in find_targets() if target.name.startswith(QUICK)]


def always(report: Report) -> Any:
    return lambda *_: report


def test_a_small_draw_is_caught() -> None:
    told: list[tuple[int, int, str]] = []
    report = run_mutants(40, 1, lambda *what: told.append(what), targets=quick_targets())
    assert report.ok, report.to_text()
    assert len(report.mutants) == 40 and report.wrong > 25
    assert report.count("caught") == report.wrong
    assert told[-1] == (40, 40, "")
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["caught"] + found["equivalent"] + found["another_slope"] == found["drawn"] == 40
    assert "detection rate 100.0 %" in report.to_text()


def test_the_same_seed_draws_the_same() -> None:
    one, other, third = (run_mutants(6, s, targets=quick_targets()[:6]) for s in (3, 3, 4))
    assert one.mutants == other.mutants != third.mutants


def test_a_blind_checker_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("check_layer_case", "check_loss_case"):
        monkeypatch.setattr(mutants, name, always(Report("Blind()", PASS)))
    report = run_mutants(8, 0, targets=quick_targets())
    assert not report.ok and report.rate == 0
    assert report.count("missed") == report.wrong > 4
    text = report.to_text()
    missed = report.having("missed")[0]
    assert f"missed: {missed.target.name}" in text
    assert f"- {missed.mutation.before}\n    + {missed.mutation.after}" in text


def test_a_checker_that_cannot_decide_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("check_layer_case", "check_loss_case"):
        monkeypatch.setattr(mutants, name, always(Report("Vague()", INCONCLUSIVE)))
    report = run_mutants(8, 0, targets=quick_targets())
    assert not report.ok and report.count("inconclusive") == report.wrong > 4


def test_a_checker_that_fails_everything_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = Report("Strict()", FAIL, findings=(Finding("other", "I do not like it"),))
    for name in ("check_layer_case", "check_loss_case"):
        monkeypatch.setattr(mutants, name, always(strict))
    report = run_mutants(40, 1, targets=quick_targets())
    assert report.rate == 1 and report.count("disputed") > 0
    assert not report.ok


def test_the_library_is_whole_afterwards() -> None:
    from minicnn.backends.vectorized import conv

    targets = find_targets()
    before = [(target.function, conv.COLUMN_ENTRIES) for target in targets]
    chosen = ("functional.conv.", "layers.linear", "losses.", "backends.vectorized.linear")
    run_mutants(8, 2, targets=[target for target in targets if target.name.startswith(chosen)])
    assert [(target.function, conv.COLUMN_ENTRIES) for target in targets] == before


def test_no_mutants_is_no_request() -> None:
    with pytest.raises(ArgumentError, match="count is 0; expected at least 1"):
        run_mutants(0)
