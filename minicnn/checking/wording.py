"""A report for three readers: a program (JSON), a terminal, and a page (Markdown)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from minicnn.checking.advice import UNDECIDED, next_step
from minicnn.checking.plain import index_of, markdown, number, one_line, short, to_plain
from minicnn.checking.report import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    PASS_AT_KINK,
    Finding,
    Report,
    TensorResult,
)
from minicnn.checking.slugs import MEANING

FORMAT = 1
WIDTH = 92
WORDS = ("array", "shape", "verdict", "compared", "worst at")
HEADINGS = (*WORDS, "backward says", "differences say", "error bar")
NAME_LENGTH = 40
FOR_PROGRAMS = ("certain", "likeness", "phase")  # evidence that says nothing to a reader


def report_as_dict(report: Report) -> dict[str, Any]:
    """Return a report as plain JSON types.

    Parameters
    ----------
    report
        What `minicnn.gradcheck` returned.

    Returns
    -------
    dict
        ``format`` (1), ``target``, ``verdict``, ``ok``, ``summary``, ``diagnosis``, ``findings``,
        ``tensors``, ``seed``, ``evaluations``, ``seconds``, ``notes``. A number that is NaN or
        infinite is None. The keys stay; later formats may add some.
    """
    return {
        "format": FORMAT,
        "target": one_line(report.target),
        "verdict": report.verdict,
        "ok": report.ok,
        "summary": summary(report),
        "diagnosis": report.diagnosis,
        "findings": [
            {
                "slug": finding.slug,
                "sentence": one_line(finding.sentence),
                "tensor": finding.tensor,
                "evidence": to_plain(finding.evidence),
                "meaning": MEANING[finding.slug],
                "next": next_step(finding),
            }
            for finding in report.findings
        ],
        "tensors": [
            {
                "name": tensor.name,
                "shape": [int(n) for n in tensor.shape],
                "verdict": tensor.verdict,
                "ok": tensor.ok,
                "compared": tensor.compared,
                "entries": entries(tensor),
                "directions": tensor.directions,
                "worst_index": to_plain(tensor.worst_index),
                "analytic": to_plain(tensor.analytic),
                "numeric": to_plain(tensor.numeric),
                "error_bar": to_plain(tensor.error_bar),
            }
            for tensor in report.tensors
        ],
        "seed": to_plain(report.seed),
        "evaluations": report.evaluations,
        "seconds": to_plain(report.seconds),
        "notes": [one_line(note) for note in report.notes],
    }


def report_as_text(report: Report) -> str:
    """Return a report for a terminal: the verdict, each mistake, a table of the arrays."""
    blocks = [_wrap(f"{report.verdict}  {one_line(report.target)}: {summary(report)}", "  ")]
    for position, (finding, advice) in enumerate(_advised(report.findings), 1):
        lines = [_wrap(f"{position}. {finding.slug}: {one_line(finding.sentence)}", "   ")]
        shown = evidence(finding)
        if shown:
            lines.append(_wrap(f"evidence: {shown}", "   ", "     "))
        lines += [_wrap(line, "   ", "     ") for line in advice]
        blocks.append("\n".join(lines))
    if report.verdict == INCONCLUSIVE:
        blocks.append(_wrap(UNDECIDED))
    if report.tensors:
        blocks.append(_align([HEADINGS, *(row_of(tensor) for tensor in report.tensors)]))
    notes = [_wrap(f"note: {one_line(note)}", "", "      ") for note in report.notes]
    return "\n\n".join([*blocks, "\n".join([*notes, effort(report)])])


def report_as_markdown(report: Report) -> str:
    """Return a report as Markdown, fit for a comment on a student's work."""
    blocks = [
        f"## {report.verdict.replace('_', ' ')}: {markdown(report.target)}",
        _sentence(markdown(summary(report))),
    ]
    for position, (finding, advice) in enumerate(_advised(report.findings), 1):
        lines = [f"{position}. **{finding.slug}**: {markdown(finding.sentence)}"]
        shown = evidence(finding)
        if shown:
            lines.append(f"   - evidence: {markdown(shown)}")
        lines += [f"   - {markdown(line)}" for line in advice]
        blocks.append("\n".join(lines))
    if report.verdict == INCONCLUSIVE:
        blocks.append(UNDECIDED)
    if report.tensors:
        lines = ["| " + " | ".join(HEADINGS) + " |", "|---|---|---|--:|---|--:|--:|--:|"]
        for tensor in report.tensors:
            lines.append("| " + " | ".join(markdown(cell) for cell in row_of(tensor)) + " |")
        blocks.append("\n".join(lines))
    if report.notes:
        blocks.append("\n".join(f"- {markdown(note)}" for note in report.notes))
    blocks.append(f"*{effort(report)}*")
    return "\n\n".join(blocks) + "\n"


def summary(report: Report) -> str:
    """Say in one sentence, without its full stop, what the verdict means here."""
    if report.verdict == PASS:
        if not report.tensors:
            return "nothing is wrong"
        return f"the backward pass is right; {_all(len(report.tensors))} with differences"
    if report.verdict == PASS_AT_KINK:
        return (
            "the backward pass is right; at a kink of the function it chooses one of the "
            "permissible slopes"
        )
    wrong = [tensor.name for tensor in report.tensors if tensor.verdict == FAIL]
    if report.verdict == INCONCLUSIVE:
        vague = [tensor.name for tensor in report.tensors if not tensor.ok]
        return "nothing wrong was found, but nothing proven either" + (
            f" for {_names(vague)}" if vague else ""
        )
    if wrong and len(wrong) < len(report.tensors):
        right = [tensor.name for tensor in report.tensors if tensor.ok]
        words = f"the gradient is wrong for {_names(wrong)}"
        return words + (f", and right for {_names(right)}" if right else "")
    if wrong and all(tensor.compared == 0 for tensor in report.tensors):
        return "it could not be compared with differences"
    if wrong:
        return (
            "every gradient is wrong"
            if len(wrong) > 1
            else f"the gradient of {_names(wrong)} is wrong"
        )
    if not report.tensors:
        return "it could not be compared with differences"
    broken = "a rule that every layer must keep is broken"
    vague = [tensor.name for tensor in report.tensors if not tensor.ok]
    if vague:
        return f"{broken}, and differences could not judge {_names(vague)}"
    return f"the gradients agree with differences, but {broken}"


def evidence(finding: Finding) -> str:
    """Write the evidence in a line, what the sentence says already left out."""
    plain = to_plain(finding.evidence)
    said = one_line(finding.sentence)
    parts = []
    for key, value in plain.items():
        text = short(value)
        if key in FOR_PROGRAMS or text == "" or (isinstance(value, str) and text in said):
            continue
        parts.append(f"{one_line(key).replace('_', ' ')} {text}")
    return "; ".join(parts)


def _advised(findings: Sequence[Finding]) -> list[tuple[Finding, list[str]]]:
    """Pair each finding with its meaning and next step, unless an earlier one has said both."""
    said: set[str] = set()
    pairs = []
    for finding in findings:
        lines = [f"meaning: {MEANING[finding.slug]}", f"next: {next_step(finding)}"]
        pairs.append((finding, [line for line in lines if line not in said]))
        said.update(lines)
    return pairs


def row_of(tensor: TensorResult) -> tuple[str, ...]:
    """Return the cells of one line of the table."""
    digits = _digits(tensor)
    compared = f"{tensor.compared} of {entries(tensor)}"
    if tensor.directions and tensor.compared < entries(tensor):
        compared += f" + {tensor.directions} dir."
    name = one_line(tensor.name)
    if len(name) > NAME_LENGTH:
        name = name[: NAME_LENGTH - 3] + "..."
    return (
        name,
        f"({', '.join(map(str, tensor.shape))}{',' * (len(tensor.shape) == 1)})",
        tensor.verdict,
        compared,
        index_of(tensor.worst_index),
        number(tensor.analytic, digits),
        number(tensor.numeric, digits),
        number(tensor.error_bar, 2),
    )


def _digits(tensor: TensorResult) -> int:
    """Choose so many digits that a wrong gradient also looks wrong."""
    digits = 6
    while (
        not tensor.ok
        and digits < 15
        and number(tensor.analytic, digits) == number(tensor.numeric, digits)
    ):
        digits += 1
    return digits


def entries(tensor: TensorResult) -> int:
    """Count the entries of an array."""
    size = 1
    for n in tensor.shape:
        size *= int(n)
    return size


def effort(report: Report) -> str:
    """Say what the check cost and how to repeat it."""
    passes = f"{report.evaluations:,} forward pass{'es' * (report.evaluations != 1)}"
    return f"{passes} in {report.seconds:.2f} s; seed {report.seed}"


def _all(count: int) -> str:
    if count == 1:
        return "its gradient agrees"
    return f"{'both' if count == 2 else f'all {count}'} gradients agree"


def _names(names: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(one_line(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _wrap(text: str, later: str = "", latest: str | None = None) -> str:
    """Break a text into lines; with three arguments the first line is indented, too."""
    first, rest = ("", later) if latest is None else (later, latest)
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _align(rows: Sequence[Sequence[str]]) -> str:
    """Lay the table out: words flush left, numbers flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < len(WORDS) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
