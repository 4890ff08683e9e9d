from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from minicnn.checking.advice import NEXT_STEP, next_step
from minicnn.checking.report import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    PASS_AT_KINK,
    Finding,
    Report,
    TensorResult,
)
from minicnn.checking.slugs import MEANING, SLUGS
from minicnn.checking.wording import (
    WIDTH,
    report_as_dict,
    report_as_markdown,
    report_as_text,
    summary,
)

RIGHT = TensorResult("x", (4, 3), PASS, 12, 1, (3, 2), 0.5, 0.5, 1e-12)
WRONG = TensorResult("bias", (3,), FAIL, 3, 0, (1,), 2.0, 1.0, 1e-11)
FINDING = Finding(
    "scale",
    "grads['bias'] equals the true gradient times 2",
    "bias",
    {"factor": 2.0000000001, "rows": [1, 2]},
)
FAILED = Report("Linear(4, 3)", FAIL, (RIGHT, WRONG), (FINDING,), 7, 99, 0.25, ("a note",))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_each_slug_has_a_next_step_that_is_about_something_else_than_its_meaning() -> None:
    assert tuple(NEXT_STEP) == SLUGS
    for slug, step in NEXT_STEP.items():
        assert len(step) > 40 and step != MEANING[slug]
        assert not step.endswith(".") and step[0].islower(), slug


@pytest.mark.parametrize(
    ("slug", "evidence", "words"),
    [
        ("error", {"exception": "IndexError", "message": ""}, "where a line is named above"),
        ("error", {"exception": "NotImplementedError", "message": ""}, "write this part"),
        ("error", {"not_finite": 2}, "the first line that gives NaN"),
        ("error", {}, "let the function return what"),
        ("shape", {"expected": [3], "received": None}, "in grads under the key"),
        ("shape", {"expected": [3], "received": [2]}, NEXT_STEP["shape"]),
        ("shape", {}, NEXT_STEP["shape"]),
    ],
)
def test_the_next_step_depends_on_the_evidence(slug: str, evidence: Any, words: str) -> None:
    finding = Finding(slug, "s", None, evidence)
    report = dataclasses.replace(FAILED, findings=(finding,))
    assert words in next_step(finding) == report_as_dict(report)["findings"][0]["next"]
    assert words in flat(report_as_text(report)) and next_step(finding)[0].islower()


def test_what_several_mistakes_have_in_common_is_said_once() -> None:
    others = (
        dataclasses.replace(FINDING, sentence="dx is doubled", evidence={"certain": False}),
        Finding("zero", "db is zero"),
    )
    report = dataclasses.replace(FAILED, findings=(FINDING, *others))
    for text in (flat(report_as_text(report)), flat(report_as_markdown(report))):
        assert text.count("next: ") == text.count("meaning: ") == 2
        assert text.count(MEANING["scale"]) == 1 and MEANING["zero"] in text
        assert "dx is doubled" in text and "certain" not in text
    found = report_as_dict(report)["findings"]
    assert [f["next"] == NEXT_STEP["scale"] for f in found] == [True, True, False]
    assert found[1]["evidence"] == {"certain": False}


def test_the_dict_is_what_json_gives_back_and_says_everything() -> None:
    found = report_as_dict(FAILED)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert json.loads(FAILED.to_json()) == found
    assert found["format"] == 1
    assert found["target"] == "Linear(4, 3)"
    assert (found["verdict"], found["ok"], found["diagnosis"]) == ("FAIL", False, ["scale"])
    assert found["findings"] == [
        {
            "slug": "scale",
            "sentence": "grads['bias'] equals the true gradient times 2",
            "tensor": "bias",
            "evidence": {"factor": 2.0000000001, "rows": [1, 2]},
            "meaning": MEANING["scale"],
            "next": NEXT_STEP["scale"],
        }
    ]
    assert found["tensors"][1] == {
        "name": "bias",
        "shape": [3],
        "verdict": "FAIL",
        "ok": False,
        "compared": 3,
        "entries": 3,
        "directions": 0,
        "worst_index": [1],
        "analytic": 2.0,
        "numeric": 1.0,
        "error_bar": 1e-11,
    }
    assert (found["seed"], found["evaluations"], found["seconds"]) == (7, 99, 0.25)
    assert found["notes"] == ["a note"]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        (np.float32("inf"), None),
        (np.int64(3), 3),
        (np.bool_(True), True),
        ((1, np.float64(0.5)), [1, 0.5]),
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        (np.zeros((100, 100)), "array of shape (100, 100)"),
        ({1: {"a": (2,)}}, {"1": {"a": [2]}}),
        (np.dtype("float32"), "float32"),
        (None, None),
    ],
)
def test_evidence_of_any_kind_becomes_plain(value: Any, plain: Any) -> None:
    report = dataclasses.replace(FAILED, findings=(Finding("other", "s", None, {"e": value}),))
    assert json.loads(report.to_json())["findings"][0]["evidence"] == {"e": plain}
    assert "other" in report_as_text(report) and "other" in report_as_markdown(report)


def test_numbers_that_are_not_finite_break_nothing() -> None:
    bad = TensorResult(
        "x", (2,), FAIL, 2, 0, (np.int64(0),), float("nan"), float("inf"), float("nan")
    )
    found = json.loads(Report("f", FAIL, (bad,)).to_json())["tensors"][0]
    assert (found["analytic"], found["numeric"], found["error_bar"]) == (None, None, None)
    assert found["worst_index"] == [0]
    assert "nan" in report_as_text(Report("f", FAIL, (bad,)))


def test_the_text_begins_with_the_verdict_and_says_what_to_do() -> None:
    text = report_as_text(FAILED)
    assert text.startswith(
        "FAIL  Linear(4, 3): the gradient is wrong for bias, and right for x\n\n"
        "1. scale: grads['bias'] equals the true gradient times 2\n"
        "   evidence: factor 2; rows [1, 2]\n"
    )
    assert f"next: {NEXT_STEP['scale']}" in flat(text)
    assert f"meaning: {MEANING['scale']}" in flat(text)
    assert text.endswith("note: a note\n99 forward passes in 0.25 s; seed 7")
    prose, _, table = text.partition("array ")
    assert max(map(len, prose.splitlines())) <= WIDTH
    rows = ("array " + table).splitlines()[:3]
    assert flat(rows[1]) == "x (4, 3) PASS 12 of 12 [3, 2] 0.5 0.5 1e-12"
    assert flat(rows[2]) == "bias (3,) FAIL 3 of 3 [1] 2 1 1e-11"
    for heading, cell in (("verdict", "FAIL"), ("compared", "3 of"), ("worst", "[1]")):
        assert rows[0].index(heading) == rows[2].index(cell)
    assert str(FAILED) == text


def test_a_difference_in_the_tenth_digit_is_seen() -> None:
    near = dataclasses.replace(WRONG, analytic=1.0000000003, numeric=1.0)
    text = report_as_text(Report("f", FAIL, (near,)))
    assert "1.0000000003" in text
    same = dataclasses.replace(WRONG, analytic=1.0, numeric=1.0)
    assert "FAIL" in report_as_text(Report("f", FAIL, (same,)))


def test_entries_sampled_are_told_from_all() -> None:
    large = TensorResult("x", (10, 100), PASS, 26, 14, (0, 1), 1.0, 1.0, 1e-9)
    assert "26 of 1000 + 14 dir." in report_as_text(Report("f", PASS, (large,)))
    assert " dir." not in report_as_text(Report("f", PASS, (RIGHT,)))


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (Report("f", PASS, (RIGHT,)), "the backward pass is right; its gradient agrees"),
        (Report("f", PASS, (RIGHT, RIGHT)), "right; both gradients agree"),
        (Report("f", PASS, (RIGHT,) * 3), "right; all 3 gradients agree"),
        (Report("f", PASS), "nothing is wrong"),
        (Report("f", PASS_AT_KINK, (RIGHT,)), "at a kink"),
        (Report("f", FAIL, (WRONG, WRONG)), "every gradient is wrong"),
        (Report("f", FAIL, (WRONG,)), "the gradient of bias is wrong"),
        (Report("f", FAIL, (), (Finding("error", "raised"),)), "could not be compared"),
        (Report("f", FAIL, (TensorResult("x", (2,), FAIL),)), "could not be compared"),
        (Report("f", FAIL, (RIGHT,), (Finding("mutates", "s"),)), "agree with differences, but"),
        (
            Report("f", INCONCLUSIVE, (RIGHT, dataclasses.replace(WRONG, verdict=INCONCLUSIVE))),
            "nothing proven either for bias",
        ),
        (
            Report(
                "f",
                FAIL,
                (RIGHT, *(dataclasses.replace(WRONG, name=f"w{i}") for i in range(9))),
            ),
            "w0, w1, w2, w3, w4, w5 and 3 more, and right for x",
        ),
    ],
)
def test_the_summary_says_what_the_verdict_means(report: Report, words: str) -> None:
    assert words in summary(report)
    assert flat(summary(report)) in flat(report_as_text(report))


def test_undecided_says_what_would_help() -> None:
    report = Report("f", INCONCLUSIVE, (dataclasses.replace(WRONG, verdict=INCONCLUSIVE),))
    for text in (report_as_text(report), report_as_markdown(report)):
        assert "too coarse to tell" in flat(text) and "inputs of order one" in flat(text)


def test_markdown_has_a_list_and_a_table() -> None:
    text = report_as_markdown(FAILED)
    assert text.startswith("## FAIL: Linear(4, 3)\n\nThe gradient is wrong for bias")
    assert "1. **scale**: grads['bias'] equals the true gradient times 2\n" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4 and len({line.count("|") for line in table}) == 1
    assert "| bias | (3,) | FAIL | 3 of 3 | [1] | 2 | 1 | 1e-11 |" in table


def test_what_others_wrote_cannot_break_the_layout() -> None:
    nasty = "a|b\n`c`\x1b[31m<img>"
    report = Report(
        nasty,
        FAIL,
        (dataclasses.replace(WRONG, name=nasty),),
        (Finding("error", nasty, nasty, {nasty: nasty * 2}),),
        notes=(nasty,),
    )
    text = report_as_text(report)
    assert "\x1b" not in text and "a|b `c`\\x1b[31m<img>" in flat(text)
    page = report_as_markdown(report)
    assert "\x1b" not in page and "<img" not in page.replace("\\<img", "")
    table = [line.replace("\\|", "") for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert "\x1b" not in report.to_json()


def test_evidence_the_sentence_says_already_is_not_repeated() -> None:
    finding = Finding("error", "backward raised ValueError: oops", None, {"phase": "backward"})
    assert "evidence" not in report_as_text(Report("f", FAIL, (), (finding,)))
