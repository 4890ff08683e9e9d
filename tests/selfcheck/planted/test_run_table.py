import json

import numpy as np

from minicnn.checking.report import Finding, Report
from minicnn.selfcheck.planted import Case
from minicnn.selfcheck.planted.table import Outcome, Table, check, run_table

WRONG = Case("linear/wrong", "linear", lambda: (None, ()), ("sign", "scale"), "Wrong.")
RIGHT = Case("pooling/right", "pooling", lambda: (None, ()), (), "Right.")


def outcome(case, verdict, *diagnosis, seed=0, **peers):
    return Outcome(case, seed, verdict, diagnosis, "", 0.5, peers)


def test_what_counts_as_what():
    caught = outcome(WRONG, "FAIL", "scale", "zero")
    assert caught.caught and caught.diagnosed and caught.as_it_should_be
    misnamed = outcome(WRONG, "FAIL", "zero", "sign")
    assert misnamed.caught and not misnamed.diagnosed
    assert outcome(WRONG, "FAIL").caught and not outcome(WRONG, "FAIL").diagnosed
    for verdict in ("PASS", "PASS_AT_KINK", "RAISED"):
        assert outcome(WRONG, verdict).missed
        assert not outcome(WRONG, verdict).as_it_should_be
    for verdict in ("FAIL", "RAISED"):
        assert outcome(RIGHT, verdict).false_alarm
        assert not outcome(RIGHT, verdict).as_it_should_be
    for verdict in ("PASS", "PASS_AT_KINK"):
        assert outcome(RIGHT, verdict).as_it_should_be
    for case in (WRONG, RIGHT):
        unclear = outcome(case, "INCONCLUSIVE", "sign")
        assert unclear.inconclusive and not unclear.as_it_should_be
        assert not (unclear.caught or unclear.missed or unclear.false_alarm or unclear.diagnosed)


def table():
    return Table(
        (
            outcome(WRONG, "FAIL", "sign", torch="fail", scipy="pass"),
            outcome(RIGHT, "PASS", torch="fail", scipy="not possible"),
            outcome(WRONG, "PASS", seed=1),
            outcome(RIGHT, "FAIL", "zero", seed=1),
        ),
        (0, 1),
        {"torch": 2.0, "scipy": 1.0},
    )


def test_counts():
    zeros = dict.fromkeys(table().counts(), 0)
    assert table().counts(seed=0) == zeros | {"wrong": 1, "caught": 1, "right": 1, "diagnosed": 1}
    assert table().counts(family="pooling") == zeros | {"right": 2, "false_alarms": 1}
    assert table().counts()["missed"] == 1
    assert not table().ok
    assert Table(table().outcomes[:2]).ok
    assert table().peer_counts() == {
        "torch": {"caught": 1, "false_alarms": 1, "not_possible": 0},
        "scipy": {"caught": 0, "false_alarms": 0, "not_possible": 1},
    }
    assert table().seconds == 2.0


def test_the_text_names_what_went_wrong():
    text = table().to_text()
    assert "linear/wrong, seed 1: PASS (expected sign or scale)" in text
    assert "pooling/right, seed 1: zero" in text
    assert max(map(len, text.splitlines())) <= 120
    total = next(line for line in text.splitlines() if line.startswith("all"))
    assert total.split() == ["all", "2", "1", "2", "1", "0", "1", "(50", "%)", "1/1", "0/0"]


def test_a_text_without_faults_and_peers():
    text = Table((outcome(WRONG, "FAIL", "sign"), outcome(RIGHT, "PASS"))).to_text()
    assert "Missed" not in text and "False" not in text and "Other checkers" not in text


def test_the_json_holds_everything():
    data = json.loads(table().to_json())
    assert data["ok"] is False
    assert data["totals"]["wrong"] == 2
    assert data["by_seed"]["1"]["missed"] == 1
    assert [o["verdict"] for o in data["outcomes"]] == ["FAIL", "PASS", "PASS", "FAIL"]
    assert data == json.loads(json.dumps(table().to_dict()))


def test_a_run_over_a_few_cases():
    calls = []
    some = run_table((0, 1), lambda *call: calls.append(call), peers=False, names=["pooling/"])
    assert some.ok
    assert {o.seed for o in some.outcomes} == {0, 1}
    assert len(some.outcomes) == len(calls) - 1
    assert calls[0][:2] == (0, len(some.outcomes))
    assert calls[-1][:2] == (len(some.outcomes), len(some.outcomes))
    assert some.peer_seconds == {}


def test_peers_are_asked_once_whatever_the_seeds():
    some = run_table((0, 1), names=["linear/flatten"])
    assert some.outcomes[0].peers["CS231n"] == "pass"
    wrong = [o for o in some.outcomes if o.case.wrong and o.seed == 0]
    assert all(o.peers["CS231n"] == "fail" for o in wrong)
    assert all(o.peers == {} for o in some.outcomes if o.seed == 1)


def test_the_checker_is_told_the_seed_and_what_to_check(monkeypatch):
    def gradcheck(target, *inputs, seed):
        findings = (Finding("sign", "It is turned around."), Finding("scale", "It is large."))
        return Report(target, "FAIL", findings=findings, seed=seed + inputs[0])

    monkeypatch.setattr("minicnn.checking.gradcheck", gradcheck)
    case = Case("a/b", "a", lambda: ("target", (np.int64(1),)), ("sign",), "Wrong.")
    found = check(case, 5)
    assert (found.seed, found.diagnosis) == (5, ("sign", "scale"))
    assert found.sentence == "It is turned around."
    assert found.diagnosed


def test_a_checker_that_raises_has_not_judged(monkeypatch):
    def gradcheck(target, *inputs, seed):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("minicnn.checking.gradcheck", gradcheck)
    assert check(WRONG).missed
    assert check(RIGHT).false_alarm
    assert check(RIGHT).sentence == "ZeroDivisionError: by zero"
