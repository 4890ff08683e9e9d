"""The order of trials, their table, and the words for a search's plan."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from minicnn.tuning.space import Space

METRICS = {"auc": "val_auc", "accuracy": "val_accuracy", "loss": "val_loss"}
COLUMNS = ("val_auc", "val_accuracy", "val_loss")

Result = Mapping[str, Any]


def score_of(result: Result, metric: str) -> float | None:
    """Return the score, more being better; None where the trial has none."""
    value = result.get(METRICS[metric])
    if result["status"] != "ok" or value is None or not math.isfinite(value):
        return None
    return -value if metric == "loss" else value


def ranked(results: Sequence[Result], metric: str) -> list[Result]:
    """Sort results: longer trainings first, then by score; those without one last.

    Equal scores are ordered by validation loss, then by number, so that the order in which
    the trials finished plays no part.
    """

    def key(result: Result) -> tuple[Any, ...]:
        score = score_of(result, metric)
        if score is None:
            return (1, -result["rung"], 0.0, 0.0, result["trial"])
        return (0, -result["rung"], -score, result["val_loss"], result["trial"])

    return sorted(results, key=key)


def best_of(results: Sequence[Result], metric: str) -> Result | None:
    """Return the winner: the best of those that trained longest; None where none has a score."""
    order = ranked(results, metric)
    return order[0] if order and score_of(order[0], metric) is not None else None


def last_rungs(results: Sequence[Result]) -> list[Result]:
    """Keep of each trial the result of its last rung."""
    last: dict[int, Result] = {}
    for result in results:
        if result["trial"] not in last or result["rung"] > last[result["trial"]]["rung"]:
            last[result["trial"]] = result
    return [last[trial] for trial in sorted(last)]


def table_rows(results: Sequence[Result], space: Space, metric: str) -> list[list[str]]:
    """Lay the ranked results out as rows of text, the names of the columns first."""
    names = [name for name in space.varied if name != "epochs"]
    rows = [["", "trial", *("val AUC", "val acc.", "val loss"), "epochs", *names, "seconds"]]
    for place, result in enumerate(ranked(results, metric), start=1):
        figures = (
            [_figure(result.get(column)) for column in COLUMNS]
            if result["status"] == "ok"
            else [str(result["status"]), "", ""]
        )
        values = [write_value(result["values"].get(name)) for name in names]
        rows.append(
            [
                str(place),
                str(result["trial"]),
                *figures,
                str(result["epochs"]),
                *values,
                f"{result['seconds']:.1f}",
            ]
        )
    return rows


def table_csv(results: Sequence[Result], space: Space, metric: str) -> str:
    """Write the ranked results as CSV, with full precision and without times."""
    names = [*space.varied, *space.fixed]
    names = [name for name in names if name != "epochs"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "rung", "status", *COLUMNS, "epochs", *names, "reason"])
    for result in ranked(results, metric):
        writer.writerow(
            [
                result["trial"],
                result["rung"],
                result["status"],
                *(_blank(result.get(column)) for column in COLUMNS),
                result["epochs"],
                *(_blank(result["values"].get(name)) for name in names),
                result.get("reason") or "",
            ]
        )
    return text.getvalue()


def write_value(value: Any) -> str:
    """Write the value of an option in few letters."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _blank(value: Any) -> Any:
    return "" if value is None else value
