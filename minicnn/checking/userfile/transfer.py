"""A report on its way from one process to another: JSON for the words, npz for the arrays."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.checking.plain import to_plain
from minicnn.checking.report import Finding, Report, TensorResult

ANSWER = "answer.json"
ARRAYS = "arrays.npz"
PICTURES = ("analytic_values", "numeric_values", "error_bars")


def send_report(report: Report, folder: Path, arrays: bool) -> None:
    """Write a report into a folder; its arrays too, if they are wanted."""
    kept: dict[str, Any] = {}
    tensors = []
    for number, tensor in enumerate(report.tensors):
        fields = {f.name: getattr(tensor, f.name) for f in dataclasses.fields(tensor)}
        for name in PICTURES:
            values = fields.pop(name)
            if arrays and values is not None:
                kept[f"{name}_{number}"] = np.asarray(values, np.float64)
        index = fields["worst_index"]
        fields["shape"] = [int(n) for n in fields["shape"]]
        fields["worst_index"] = None if index is None else [int(i) for i in index]
        for name in ("analytic", "numeric", "error_bar"):
            fields[name] = None if fields[name] is None else float(fields[name])
        tensors.append(fields)
    findings = [dataclasses.asdict(f) | {"evidence": to_plain(f.evidence)} for f in report.findings]
    if kept:
        np.savez(folder / ARRAYS, **kept)
    whole = {
        "target": report.target,
        "verdict": report.verdict,
        "seed": report.seed,
        "evaluations": report.evaluations,
        "seconds": report.seconds,
        "notes": list(report.notes),
    }
    send(folder, {"report": whole | {"findings": findings, "tensors": tensors}})


def send(folder: Path, answer: dict[str, Any]) -> None:
    """Write the answer, all or nothing."""
    partial = folder / f"{ANSWER}.part"
    partial.write_text(json.dumps(answer), encoding="ascii")
    partial.replace(folder / ANSWER)


def receive(folder: Path) -> dict[str, Any] | None:
    """Return the answer; None if there is none."""
    try:
        answer = json.loads((folder / ANSWER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def read_report(answer: dict[str, Any], folder: Path) -> Report:
    """Build the report that was sent."""
    arrays: dict[str, Any] = {}
    if (folder / ARRAYS).exists():
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    tensors = []
    for number, fields in enumerate(answer["tensors"]):
        index = fields["worst_index"]
        pictures = {name: arrays.get(f"{name}_{number}") for name in PICTURES}
        fields = fields | {"shape": tuple(fields["shape"])} | pictures
        tensors.append(
            TensorResult(**fields | {"worst_index": None if index is None else tuple(index)})
        )
    return Report(
        **answer
        | {
            "tensors": tuple(tensors),
            "findings": tuple(Finding(**finding) for finding in answer["findings"]),
            "notes": tuple(answer["notes"]),
        }
    )
