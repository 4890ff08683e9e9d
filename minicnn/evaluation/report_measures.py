"""The report's parts on what a threshold, a prevalence, a probability and bad images do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minicnn.evaluation.html import details, paragraph, section, table
from minicnn.evaluation.report_tables import GAP, interval, number

RATES = {"sensitivity": "sensitivity", "specificity": "specificity", "ppv": "PPV", "npv": "NPV"}


def labels_table(metrics: Mapping[str, Any]) -> str:
    """List the figures of each label."""
    if "labels" not in metrics:
        return ""
    rows = []
    for name, m in metrics["labels"].items():
        found = m.get("intervals", {})
        rows.append(
            [
                name,
                f"{m['positives']:,}",
                number(m["auc"]),
                interval(found.get("auc")) or GAP,
                number(m["average_precision"]),
                interval(found.get("average_precision")) or GAP,
                *(number(m[k]) for k in ("recall", "precision", "f1")),
            ]
        )
    head = ["", "positives", "AUC", "95 %", "avg. precision", "95 %", "recall", "precision", "F1"]
    return table(rows, head)


def averages_table(metrics: Mapping[str, Any]) -> str:
    """List precision, recall and F1 of each class and their means, folded away."""
    found = metrics.get("averages")
    if not found:
        return ""
    rows = [
        [name, f"{m['support']:,}", *(number(m[k]) for k in ("precision", "recall", "f1"))]
        for name, m in found["per_class"].items()
    ]
    for name in ("macro", "micro"):
        mean = (number(found[name][k]) for k in ("precision", "recall", "f1"))
        rows.append([f"{name} mean", "", *mean])
    return details(
        "Precision, recall and F1 of every class",
        table(rows, ["", "images", "precision", "recall", "F1"]),
        paragraph(
            "The macro mean counts every class alike (labels without positives are left out), "
            "the micro mean every image.",
            "muted small",
        ),
    )


def operating_section(metrics: Mapping[str, Any]) -> str:
    """List sensitivity, specificity, PPV and NPV at each threshold."""
    questions = metrics.get("operating_points")
    if not questions:
        return ""
    several = len(questions) > 1
    rows = []
    for name, points in questions.items():
        for point in points:
            cells = []
            for rate in RATES:
                cells += [number(point[rate]), interval(point["intervals"].get(rate)) or GAP]
            what = f"{name}: {_rule(point)}" if several else _rule(point)
            rows.append([what, _threshold(point["threshold"]), *cells])
    head = ["", "threshold"]
    for label in RATES.values():
        head += [label, "95 %"]
    source = (metrics.get("chosen") or {}).get("source")
    told = (
        f"Youden's threshold has the largest sensitivity + specificity; the other is the highest "
        f"that reaches its sensitivity. Both were chosen on {source}, and are measured here."
        if source
        else "No threshold was chosen: there were no validation images to choose it on."
    )
    listing = table(rows, head)
    return section(
        "Operating points",
        details(f"{len(questions)} labels at each threshold", listing) if several else listing,
        paragraph(told, "muted small"),
    )


def prevalence_section(metrics: Mapping[str, Any], chart: str) -> str:
    """Show what PPV and NPV become where positives are rarer, or more frequent, than here."""
    questions = metrics.get("operating_points")
    if not questions:
        return ""
    parts = []
    if len(questions) == 1:
        points = next(iter(questions.values()))
        point = next((p for p in points if p["chosen_on"]), points[0])
        rows = [
            [
                f"{entry['prevalence']:.0%}",
                number(entry["ppv"]),
                interval(entry.get("ppv_interval")) or GAP,
                number(entry["npv"]),
            ]
            for entry in point["prevalence"]
        ]
        listing = table(rows, [_rule(point), "PPV", "95 %", "NPV"])
        parts = [f'<div class="pair">{chart}{listing}</div>' if chart else listing]
    elif chart:
        parts = [chart]
    told = (
        "Sensitivity and specificity belong to the model; what an alarm is worth depends on how "
        "many of those examined are ill, which here is a choice of whoever made the data. "
        "By Bayes' rule, at other shares"
    )
    return section("Predictive values over prevalence", paragraph(f"{told}:", "muted"), *parts)


def calibration_section(metrics: Mapping[str, Any], chart: str) -> str:
    """Show whether probabilities come true, as they are and after temperature scaling."""
    found = metrics.get("calibration")
    if not found:
        return ""
    scaled = found.get("scaled")
    columns = [found, *([scaled] if scaled else [])]
    head = ["", "as trained", *(["scaled"] if scaled else [])]
    names = {
        "brier": "Brier score",
        "ece": "expected calibration error",
        "largest_gap": "largest gap",
        "log_loss": "log loss",
    }
    rows = [[label, *(number(c[key]) for c in columns)] for key, label in names.items()]
    bounds = interval(found.get("intervals", {}).get("brier"))
    if bounds:
        rows.insert(1, ["Brier score, 95 %", bounds, *([GAP] if scaled else [])])
    told = (
        "A calibrated model that says 0.8 is right in 8 of 10 cases: its points lie on the "
        "diagonal. Smaller is better in all rows."
    )
    if scaled:
        told += (
            f" Scaled: logits divided by the temperature {scaled['temperature']:.3g}, which was "
            f"fitted on {scaled['fitted_on']}; no decision at 0.5 and no ranking changes."
        )
    body = f'<div class="pair">{chart}{table(rows, head)}</div>' if chart else table(rows, head)
    return section("Calibration", body, paragraph(told, "muted small"))


def robustness_section(metrics: Mapping[str, Any], chart: str, examples: str) -> str:
    """Show the error on corrupted images."""
    found = metrics.get("robustness")
    if not found:
        return ""
    clean, mean = found["clean"], found["mean"]
    rows = [
        ["clean", number(clean["balanced_error"]), "", number(clean["auc"])],
        *(
            [name, number(c["mean"]), _signed(c["relative"]), number(_mean(c["auc"]))]
            for name, c in found["corruptions"].items()
        ),
        ["mean", number(mean["balanced_error"]), _signed(found["relative"]), number(mean["auc"])],
    ]
    where = found["thresholds"]
    told = (
        "Balanced error: 1 minus the mean of the classes' recalls; guessing scores 0.5. "
        + (f"Taken at Youden's threshold of {where}. " if where else "Taken at 0.5. ")
        + "Relative: minus the error on clean images. The strengths are those of MedMNIST-C for "
        "chest X-rays, with three more blurs."
    )
    return section(
        "Robustness",
        chart,
        paragraph(told, "muted small"),
        details(
            "Means over the severities, with AUC",
            table(rows, ["", "balanced error", "relative", "AUC"]),
        ),
        details("One image under each corruption", examples) if examples else "",
    )


def _rule(point: Mapping[str, Any]) -> str:
    if point["chosen_on"] is None:
        return f"at {point['threshold']:g}"
    name: str = point["name"]
    return "Youden, from val" if name == "youden" else f"{name}, from val"


def _threshold(value: float) -> str:
    if value is None:
        return GAP
    return f"{value:.3f}" if 0.001 <= value <= 0.999 or value in (0, 1) else f"{value:.6g}"


def _signed(value: float | None) -> str:
    return GAP if value is None else f"{value:+.3f}"


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [v for v in values if v is not None]
    return sum(defined) / len(defined) if defined else None
