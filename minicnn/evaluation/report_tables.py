"""The report's tables that come from the run and not from the scores: data, settings, epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minicnn.evaluation.html import details, paragraph, section, table

GAP = "–"


def number(value: float | None) -> str:
    """Write a figure, or a dash where it is undefined."""
    return GAP if value is None else f"{value:.3f}"


def interval(bounds: Sequence[float | None] | None) -> str:
    """Write an interval, or nothing where there is none."""
    if not bounds or bounds[0] is None or bounds[1] is None:
        return ""
    return f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"


def data_section(data: Mapping[str, Any] | None) -> str:
    """Count images, patients and classes in each part."""
    if not data:
        return ""
    parts = data["parts"]
    rows: list[list[Any]] = [["images", *(f"{p['images']:,}" for p in parts.values())]]
    if any(p["patients"] is not None for p in parts.values()):
        patients = (p["patients"] for p in parts.values())
        rows.append(["patients", *(GAP if n is None else f"{n:,}" for n in patients)])
    for name in next(iter(parts.values()))["classes"]:
        row = [name]
        for p in parts.values():
            count = p["classes"][name]
            row.append(f"{count:,} ({count / max(p['images'], 1):.1%})")
        rows.append(row)
    channels, height, width = data["image_shape"]
    kind = "grey" if channels == 1 else f"{channels} channels"
    facts = [f"{data['name']}: images of {height} × {width} pixels, {kind}."]
    rule = data.get("split", {}).get("rule")
    if rule:
        facts.append(f"Split: {str(rule).rstrip('.')}.")
    return section(
        "Data",
        paragraph(" ".join(facts)),
        table(rows, ["", *parts]),
        paragraph(data["credit"], "muted small") if data.get("credit") else "",
    )


def settings_table(config: Mapping[str, Any] | None) -> str:
    """List settings, nested ones with the names of all levels."""
    if not config:
        return ""
    return table(_flatten(config), numbers_from=2, css="settings")


def cost(metrics: Mapping[str, Any]) -> str:
    """Say how large the model is and how long it trained."""
    facts = []
    if metrics.get("parameters") is not None:
        facts.append(f"The model has {metrics['parameters']:,} parameters.")
    if metrics.get("train_seconds") is not None:
        facts.append(f"Training took {metrics['train_seconds']:,.1f} seconds.")
    return paragraph(" ".join(facts), "muted small") if facts else ""


def history_table(rows: Sequence[Mapping[str, float]]) -> str:
    """List all epochs, folded away."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    body = [[_history_cell(row.get(name)) for name in columns] for row in rows]
    head = [name.replace("_", " ") for name in columns]
    return details(f"All {len(rows)} epochs as numbers", table(body, head, numbers_from=0))


def _flatten(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in config.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += _flatten(value, f"{name}: ")
        elif isinstance(value, list | tuple) and any(isinstance(v, Mapping) for v in value):
            for i, item in enumerate(value, start=1):
                rows += _flatten(item if isinstance(item, Mapping) else {"": item}, f"{name} {i}: ")
        elif isinstance(value, list | tuple):
            rows.append((name, ", ".join(map(str, value)) or GAP))
        elif isinstance(value, bool):
            rows.append((name, "yes" if value else "no"))
        elif value is not None:
            rows.append((name, str(value)))
    return rows


def _history_cell(value: float | None) -> str:
    if value is None or value != value:
        return GAP
    return f"{value}" if isinstance(value, int) else f"{value:.4g}"
