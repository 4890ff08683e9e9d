"""What a command says: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from minicnn.evaluation.jsonable import to_json

FIGURES = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
NOT_FOR_CLINICAL_USE = "not for clinical use"


def say(line: str) -> None:
    """Print a line for the user on stderr."""
    print(line, file=sys.stderr, flush=True)


def note(sentence: str) -> None:
    """Print something the user must hear on stderr."""
    say(f"minicnn: note: {one_line(sentence)}")


def one_line(text: object) -> str:
    """Return a text without line breaks and other control characters."""
    return printable(" ".join(str(text).split()))


def printable(name: object) -> str:
    """Return a name as it is, but with line breaks and control characters as escapes.

    A file may be called anything; what a terminal would obey is shown instead.
    """
    return CONTROL.sub(lambda letter: letter[0].encode("unicode_escape").decode(), str(name))


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; plain ASCII, so that no terminal's encoding can spoil it."""
    print(json.dumps(to_json(dict(value)), indent=2, allow_nan=False))


def shows_bars() -> bool:
    """Whether stderr is a terminal, where a progress bar can redraw itself."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; yield a function that takes how many are done so far."""
    from minicnn.data.progress import reporting

    with reporting(shows_bars(), total, what, " images") as advance:
        before = 0

        def done(count: int) -> None:
            nonlocal before
            advance(count - before)
            before = count

        yield done


def columns(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Lay rows out in columns, the first ``left`` of them flush left, the others right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def figures(metrics: Mapping[str, Any]) -> str:
    """Lay out the figures with their intervals, and the confusion matrix or the labels."""
    rows = [
        [name, number(metrics[key]), interval(metrics["intervals"].get(key))]
        for key, name in FIGURES.items()
    ]
    parts = [columns(rows)]
    if metrics.get("baseline_accuracy") is not None:
        parts.append(
            f"always giving the commonest answer: accuracy {number(metrics['baseline_accuracy'])}"
        )
    parts.append(_labels(metrics) if "labels" in metrics else _confusion(metrics))
    if metrics.get("interval_method"):
        parts.append(f"in brackets: {metrics['interval_method']}")
    return "\n\n".join(parts)


def _labels(metrics: Mapping[str, Any]) -> str:
    rows = [["label", "positives", "AUC", "95 %", "average precision", "recall", "precision"]]
    for name, m in metrics["labels"].items():
        bounds = interval(m["intervals"].get("auc"))
        numbers = [number(m[key]) for key in ("average_precision", "recall", "precision")]
        rows.append([name, f"{m['positives']:,}", number(m["auc"]), bounds, *numbers])
    return columns(rows)


def _confusion(metrics: Mapping[str, Any]) -> str:
    classes = metrics["classes"]
    rows = [["true \\ predicted", *classes]]
    for name, row in zip(classes, metrics["confusion"], strict=True):
        rows.append([name, *(f"{count:,}" for count in row)])
    return columns(rows)


def number(value: float | None) -> str:
    """Write a figure, or that it is undefined."""
    return "undefined" if value is None else f"{value:.3f}"


def interval(bounds: Sequence[float | None] | None) -> str:
    """Write an interval, or nothing where there is none."""
    if not bounds or bounds[0] is None or bounds[1] is None:
        return ""
    return f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"
