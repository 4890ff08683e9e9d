"""The documentation of the checker says what the code says."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from minicnn.checking.report import VERDICTS, Report
from minicnn.checking.slugs import MEANING
from minicnn.checking.userfile import check_file, inputs
from minicnn.checking.wording import report_as_dict, report_as_text
from minicnn.cli import gradcheck as command

DOCS = Path(__file__).parents[2] / "docs" / "gradient-checking.md"
TEXT = DOCS.read_text(encoding="utf-8")
HOMEWORK = Path(__file__).parent / "homework"


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with a heading."""
    lines = TEXT.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def test_the_table_of_mistakes_is_that_of_the_code() -> None:
    assert [(name.strip("`"), meaning) for name, meaning in table("name")] == list(MEANING.items())


def test_every_verdict_is_explained() -> None:
    rows = {row[0].strip("`"): row[2] for row in table("verdict")}
    assert set(rows) == set(VERDICTS)
    for verdict, ok in rows.items():
        assert ok == str(Report("f", verdict).ok).lower()


def test_every_kind_of_input_works_as_it_is_written() -> None:
    words = [re.findall("`([^`]*)`", row[0])[0] for row in table("`--input`")]
    for word in words:
        if not word.endswith(".npy"):
            inputs.parse_input(word)(np.random.default_rng(0))
        assert word in command.EXAMPLE


def test_the_keys_of_the_json_are_listed() -> None:
    keys = TEXT.partition("Its keys:")[2].partition("\n\n")[0]
    for key in [*report_as_dict(Report("f", "PASS")), "file", "name", "picture", "markdown"]:
        assert f"`{key}`" in keys


def test_the_options_in_the_docs_exist() -> None:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    used = set(re.findall(r"(?<!-)--[a-z][a-z-]*", TEXT))
    known = set(re.findall(r"--[a-z-]+", command.EXAMPLE)) | {
        option
        for action in parser._subparsers._group_actions[0].choices["gradcheck"]._actions  # type: ignore
        for option in action.option_strings
    }
    assert used <= known


def test_the_report_in_the_docs_is_what_the_checker_prints() -> None:
    file = HOMEWORK / "dense_wrong_bias.py"
    report = check_file(file, "Dense", init='{"n_in": 6, "n_out": 4}').report
    shown = re.search(r"```\n(FAIL  Dense.*?)\n```", TEXT, re.DOTALL)
    assert shown is not None

    def essence(text: str) -> list[str]:
        # Numbers and the wording of the sentence may differ; what a reader is told may not.
        head, _, rest = text.partition("array  ")
        first, finding = head.splitlines()[0], head[head.index("1. ") :].partition(":")[0]
        advice = " ".join(head.partition("meaning:")[2].split())
        return [first, finding, advice, *(line.split()[0] for line in rest.splitlines()[:4])]

    assert essence(shown[1]) == essence(report_as_text(report))
