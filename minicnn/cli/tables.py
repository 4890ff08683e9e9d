"""Tables of ``minicnn evaluate`` for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minicnn.cli.output import columns, interval, number, one_line

RATES = ("sensitivity", "specificity", "ppv", "npv")
FIGURES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}


def operating_points(metrics: Mapping[str, Any]) -> str:
    """List each threshold; of several labels the one chosen first."""
    questions = metrics.get("operating_points") or {}
    several = len(questions) > 1
    rows = []
    for name, points in questions.items():
        chosen = [p for p in points if p["chosen_on"]]
        for point in (chosen or points)[:1] if several else points:
            what = point["name"] if point["chosen_on"] else "fixed"
            first = one_line(f"{name}: {what}" if several else what)
            rows.append([first, _threshold(point), *(number(point[rate]) for rate in RATES)])
    if not rows:
        return ""
    text = columns([["operating point", "threshold", *RATES[:2], "PPV", "NPV"], *rows])
    source = (metrics.get("chosen") or {}).get("source")
    return text + (f"\nchosen on {one_line(source)}" if source else "")


def calibration(metrics: Mapping[str, Any]) -> str:
    """List Brier score and ECE, as trained and with the temperature."""
    found = metrics.get("calibration")
    if not found:
        return ""
    rows = [["calibration", "Brier", "ECE", "log loss"]]
    scaled = found.get("scaled")
    columns_ = [("as trained", found)]
    if scaled:
        columns_.append((f"temperature {scaled['temperature']:.3g}", scaled))
    for name, c in columns_:
        rows.append([name, *(number(c[key]) for key in ("brier", "ece", "log_loss"))])
    return columns(rows)


def robustness(metrics: Mapping[str, Any]) -> str:
    """List balanced errors, corruption by severity, their means, and the gain over clean."""
    found = metrics.get("robustness")
    if not found:
        return ""
    severities = next(iter(found["corruptions"].values()))["severities"]
    rows = [["balanced error", *map(str, severities), "mean", "relative"]]
    for name, c in found["corruptions"].items():
        cells = [number(v) for v in c["balanced_error"]]
        rows.append([name, *cells, number(c["mean"]), _signed(c["relative"])])
    mean = number(found["mean"]["balanced_error"])
    rows.append(["mean", *[""] * len(severities), mean, _signed(found["relative"])])
    clean = number(found["clean"]["balanced_error"])
    rows.append(["clean", *[""] * len(severities), clean, ""])
    where = found["thresholds"]
    how = f"Youden's threshold of {one_line(where)}" if where else "0.5"
    return columns(rows) + f"\nat {how}; relative: minus the error on clean images"


def comparison(found: Mapping[str, Any], names: Sequence[str]) -> str:
    """List both models' figures and their differences, and the tests."""
    first, second = (one_line(name) for name in names)
    rows = [["", first, second, "difference", "95 %"]]
    for key, label in FIGURES.items():
        d = found["differences"][key]
        cells = [number(d["a"]), number(d["b"]), _signed(d["difference"])]
        rows.append([label, *cells, interval(d["interval"])])
    tests = [["AUC, DeLong's test", first, second, "difference", "95 %", "p"]]
    for name, t in found["delong"].items():
        cells = [number(t["a"]), number(t["b"]), _signed(t["difference"])]
        tests.append([one_line(name), *cells, interval(t["interval"]), p_value(t["p"])])
    decisions = [["decisions, McNemar's test", f"only {first} right", f"only {second} right", "p"]]
    for name, m in found["mcnemar"].items():
        decisions.append([one_line(name), str(m["only_a"]), str(m["only_b"]), p_value(m["p"])])
    parts = [columns(rows), columns(tests), columns(decisions)]
    if found["method"]:
        parts.append(f"in brackets: {found['method']}; for DeLong's test the normal interval")
    return "\n\n".join(parts)


def p_value(p: float | None) -> str:
    """Write a p-value, the small ones as a bound."""
    if p is None:
        return "undefined"
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _threshold(point: Mapping[str, Any]) -> str:
    p = point["threshold"]
    if p is None:
        return "undefined"
    return f"{p:.3f}" if 0.001 <= p <= 0.999 or p in (0, 1) else f"{p:.6g}"


def _signed(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.3f}"
