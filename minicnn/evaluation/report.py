"""``report.html``: everything about one model on one page that needs no network.

Pictures are part of the file, there is no script, and the page forbids itself to load
anything. Names from the data are escaped, so a folder called ``<script>`` is only a name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from minicnn.evaluation.html import (
    details,
    escape,
    image_to_png,
    paragraph,
    picture,
    png_size,
    read_png,
    section,
    table,
)
from minicnn.evaluation.report_card import card_section
from minicnn.evaluation.report_measures import (
    averages_table,
    calibration_section,
    labels_table,
    operating_section,
    prevalence_section,
    robustness_section,
)
from minicnn.evaluation.report_page import NOT_FOR_CLINICAL_USE, footer, page
from minicnn.evaluation.report_tables import (
    cost,
    data_section,
    history_table,
    interval,
    number,
    settings_table,
)
from minicnn.files import write_text

FIGURES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
}
ALT = {
    "curves": "Learning curves: loss, accuracy and AUC after each epoch",
    "confusion": "Confusion matrix",
    "roc": "ROC curve",
    "precision_recall": "Precision-recall curve",
    "thresholds": "Sensitivity and specificity against the threshold",
    "prevalence": "Predictive values against the prevalence",
    "reliability": "Reliability diagram",
    "robustness": "Balanced error under each corruption, in five severities",
    "corrupted": "One image under each corruption",
}
# Pictures made of X-rays.
SHEETS = ("corrupted",)
# Charts of the results stand in pairs; the rest of the figures follow one by one.
PAIR = ("confusion", "roc", "precision_recall", "thresholds")
# Width over height from which a chart gets a row of its own.
WIDE = 1.3
# Charts have 144 pixels per inch, screens 96: so their text is as large as the text around.
SCALE = 2 / 3
# Screen pixels from which a chart cannot be shrunk to a phone and still be read.
READABLE = 560


@dataclasses.dataclass(frozen=True)
class Example:
    """One image (C, H, W) to show, with the lines under it."""

    image: NDArray
    lines: Sequence[str]


def write_report(
    path: str | Path,
    *,
    title: str,
    metrics: Mapping[str, Any],
    subtitle: str = "",
    data: Mapping[str, Any] | None = None,
    history: Iterable[Mapping[str, float]] = (),
    config: Mapping[str, Any] | None = None,
    figures: Mapping[str, bytes | str | Path] | None = None,
    mistakes: Sequence[Example] = (),
    notes: Sequence[str] = (),
    command: str = "",
) -> None:
    """Write the report, all or nothing.

    Parameters
    ----------
    path
        Of the HTML file.
    title, subtitle
        What was trained on what.
    metrics
        As in ``metrics.json``: `minicnn.evaluation.summary.summarize`, perhaps with
        ``data``, ``split``, ``val``, ``train_seconds`` and ``parameters``.
    data
        As `minicnn.evaluation.card.describe_data` returns it.
    history
        One row per epoch.
    config
        Settings, possibly nested; what is None was left open and is left out.
    figures
        PNG bytes or files by name: those of `ALT`, each in its place, or any other.
    mistakes
        The images the model got most wrong.
    notes
        Sentences a reader must hear: skipped files, a split that leaks. Those of
        ``metrics`` and ``data`` are added.
    command
        The command line that does it again.
    """
    pictures = {name: read_png(source) for name, source in (figures or {}).items()}
    rows = [dict(row) for row in history]
    heard = dict.fromkeys([*notes, *(data or {}).get("notes", ()), *metrics.get("notes", ())])
    body = [
        f"<h1>{escape(title)}</h1>",
        paragraph(subtitle or _measured_on(metrics), "muted"),
        f'<div class="warning" role="note">{escape(NOT_FOR_CLINICAL_USE)}</div>',
        _key_figures(metrics),
        section("Label by label", labels_table(metrics)),
        section("Notes", bullets(heard)),
        _results(pictures, metrics),
        operating_section(metrics),
        prevalence_section(metrics, _chart(pictures, "prevalence")),
        calibration_section(metrics, _chart(pictures, "reliability")),
        robustness_section(metrics, _chart(pictures, "robustness"), _chart(pictures, "corrupted")),
        section("Learning curves", _chart(pictures, "curves"), history_table(rows)),
        *(
            section(name.replace("_", " ").capitalize(), _chart(pictures, name))
            for name in pictures
            if name not in ALT
        ),
        _mistakes(mistakes, metrics),
        card_section(metrics, data),
        data_section(data),
        section("Settings", settings_table(config), cost(metrics)),
        section("Do it again", f"<pre>{escape(command)}</pre>" if command else ""),
        footer(),
    ]
    write_text(path, page(title, body))


def _measured_on(metrics: Mapping[str, Any]) -> str:
    where = ", ".join(metrics[k] for k in ("data", "split") if metrics.get(k))
    return f"Measured on {metrics['n']:,} images" + (f" ({where})" if where else "")


def _key_figures(metrics: Mapping[str, Any]) -> str:
    intervals = metrics.get("intervals", {})
    cards = []
    for name, label in FIGURES.items():
        range_ = interval(intervals.get(name))
        cards.append(
            f'<div class="figure"><span class="name">{label}</span>'
            f"<b>{number(metrics.get(name))}</b>"
            f'<span class="range">{escape(range_ or " ")}</span></div>'
        )
    remarks = []
    if metrics.get("baseline_accuracy") is not None:
        remarks.append(
            f"Always giving the commonest answer would score an accuracy of "
            f"{number(metrics['baseline_accuracy'])}."
        )
    if "labels" in metrics:
        remarks.append("The figures are means over the labels that have positives.")
    elif len(metrics.get("classes", ())) == 2:
        remarks.append(f"The positive class is {metrics['classes'][1]}.")
    elif metrics.get("classes"):
        remarks.append("Precision, recall, F1 and AUC are means over the classes.")
    remarks.append("Decisions are taken at a probability of 0.5.")
    method = metrics.get("interval_method")
    if method:
        remarks.append(f"In brackets: {method}.")
    split = metrics.get("split") or ""
    count = f"{metrics['n']:,}"
    which = f"all {count}" if split == "all" else f"{count} {split}".strip()
    return section(
        f"Key figures: {which} images",
        f'<div class="figures">{"".join(cards)}</div>',
        paragraph(" ".join(remarks), "muted small"),
        _validation(metrics),
    )


def _validation(metrics: Mapping[str, Any]) -> str:
    val = metrics.get("val")
    if not val:
        return ""
    rows = [
        [label, number(metrics.get(name)), number(val.get(name))] for name, label in FIGURES.items()
    ]
    head = ["", metrics.get("split", "measured"), f"val ({val['n']:,})" if "n" in val else "val"]
    return details("Beside the validation images", table(rows, head))


def _results(pictures: Mapping[str, bytes], metrics: Mapping[str, Any]) -> str:
    names = [name for name in PAIR if name in pictures]
    # What is wide takes a row of its own.
    charts = "".join(_chart(pictures, name) for name in names if _is_wide(pictures[name]))
    narrow = "".join(_chart(pictures, name) for name in names if not _is_wide(pictures[name]))
    if narrow:
        charts += f'<div class="pair">{narrow}</div>'
    return section("Decisions and ranking", charts, averages_table(metrics))


def _chart(pictures: Mapping[str, bytes], name: str) -> str:
    if name not in pictures:
        return ""
    png, alt = pictures[name], ALT.get(name, name.replace("_", " "))
    # On a dark page charts are inverted, X-rays are not.
    css = "sheet" if name in SHEETS else "chart"
    if png_size(png)[0] * SCALE < READABLE:
        return picture(png, alt, css, SCALE)
    return f'<div class="scroll">{picture(png, alt, f"{css} wide", SCALE)}</div>'


def _is_wide(png: bytes) -> bool:
    width, height = png_size(png)
    return width > WIDE * height


def _mistakes(mistakes: Sequence[Example], metrics: Mapping[str, Any]) -> str:
    if not mistakes:
        return ""
    return section(
        "Worst mistakes",
        paragraph("Wrong answers the model was surest of, as the model saw them.", "muted small"),
        gallery(mistakes),
    )


def gallery(examples: Iterable[Example]) -> str:
    """Return images in a grid, each with its lines below."""
    cells = []
    for example in examples:
        lines = "<br>".join(escape(line) for line in example.lines)
        shown = picture(image_to_png(example.image), ", ".join(example.lines))
        cells.append(f"<figure>{shown}<figcaption>{lines}</figcaption></figure>")
    return f'<div class="mistakes">{"".join(cells)}</div>'


def bullets(sentences: Iterable[str]) -> str:
    """Return a list of sentences, or nothing."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""
