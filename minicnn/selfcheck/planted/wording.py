"""A table of planted cases in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minicnn.selfcheck.planted.table import Outcome, Table


def table_as_text(table: Table) -> str:
    """Return one line per family, the totals, and a line for each case that did not go well."""
    peers = list(table.peer_seconds)
    head = ["family", "wrong", "caught", "right", "alarms", "open", "diagnosed"]
    rows = [head + peers]
    for family in [*table._families(), ""]:
        counts = table.counts(family=family or None)
        others = table.peer_counts(family=family or None)
        rows.append(
            [
                family or "all",
                str(counts["wrong"]),
                str(counts["caught"]),
                str(counts["right"]),
                str(counts["false_alarms"]),
                str(counts["inconclusive"]),
                _share(counts["diagnosed"], counts["wrong"]),
                *(f"{others[name]['caught']}/{others[name]['false_alarms']}" for name in peers),
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines.insert(len(lines) - 1, lines[1])
    if peers:
        lines += ["", "Other checkers: wrong cases caught / right ones failed (false alarms)."]
    times = [f"{table.seconds:.1f} s", *(f"{n} {s:.1f} s" for n, s in table.peer_seconds.items())]
    seeds = "seed" if len(table.seeds) == 1 else "seeds"
    lines += ["", f"{len(table.seeds)} {seeds}; time: {', '.join(times)}."]
    for title, chosen in (
        ("Missed", [o for o in table.outcomes if o.missed]),
        ("False alarms", [o for o in table.outcomes if o.false_alarm]),
        ("Left open", [o for o in table.outcomes if o.inconclusive]),
        ("Caught, but called by another name", [o for o in table.outcomes if _misnamed(o)]),
    ):
        if chosen:
            lines += ["", f"{title}:", *(f"  {_explained(outcome)}" for outcome in chosen)]
    return "\n".join(lines)


def _misnamed(outcome: Outcome) -> bool:
    return outcome.caught and not outcome.diagnosed


def _explained(outcome: Outcome) -> str:
    said = ", ".join(outcome.diagnosis) or outcome.verdict
    expected = f" (expected {' or '.join(outcome.case.slugs)})" if outcome.case.wrong else ""
    return f"{outcome.case.name}, seed {outcome.seed}: {said}{expected}"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.0f} %)" if whole else "0"


def _line(row: list[str], widths: list[int]) -> str:
    first, *rest = (
        text.ljust(width) if i == 0 else text.rjust(width)
        for i, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *rest])
