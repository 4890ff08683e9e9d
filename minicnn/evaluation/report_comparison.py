"""``report.html`` of two models on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.evaluation.html import escape, paragraph, picture, section, table
from minicnn.evaluation.mistakes import worst_mistakes
from minicnn.evaluation.report import SCALE, Example, bullets, gallery
from minicnn.evaluation.report_card import card_section
from minicnn.evaluation.report_page import NOT_FOR_CLINICAL_USE, footer, page
from minicnn.evaluation.report_tables import GAP, data_section, interval, number
from minicnn.evaluation.results import caption, drawn
from minicnn.evaluation.scores import decide, margins, probabilities
from minicnn.files import write_atomically, write_text

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset

FIGURES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
# Images shown that only one of the two decides right.
SHOWN = 6


def write_comparison(
    folder: Path,
    dataset: Dataset,
    scores: Sequence[NDArray],
    metrics: Mapping[str, Any],
    *,
    data: Mapping[str, Any],
    command: str = "",
) -> None:
    """Write ``report.html``, ``roc.png`` and ``differences.png`` into a folder.

    Parameters
    ----------
    folder
        Where to.
    dataset, scores
        The images with their labels, and each model's logits (N, C) or (N, L) for them.
    metrics
        With ``names``, ``data``, ``split``, ``n``, ``a`` and ``b`` (their summaries),
        ``comparison`` (`minicnn.evaluation.comparison.compare`) and ``notes``.
    data
        As `minicnn.evaluation.card.describe_data` returns it.
    command
        The command line that does it again.
    """
    from minicnn.plots.comparison import plot_differences, plot_two_rocs

    names, found = metrics["names"], metrics["comparison"]
    tables = [margins(s, dataset.multilabel) for s in scores]
    pictures = {
        "roc": drawn(plot_two_rocs, dataset.labels, tables, names),
        "differences": drawn(plot_differences, found, names),
    }
    for name, png in pictures.items():
        with write_atomically(folder / f"{name}.png") as file:
            file.write(png)
    title = f"{names[0]} and {names[1]} on {metrics['data']}"
    roc = picture(pictures["roc"], "ROC curves of both models", "chart", SCALE)
    differences = picture(
        pictures["differences"], "Differences of the figures with intervals", "chart", SCALE
    )
    body = [
        f"<h1>{escape(title)}</h1>",
        paragraph(f"Compared on the same {metrics['n']:,} {metrics['split']} images", "muted"),
        f'<div class="warning" role="note">{escape(NOT_FOR_CLINICAL_USE)}</div>',
        section(
            "Differences",
            _differences_table(found, names),
            paragraph(
                f"The difference is {names[1]} minus {names[0]}. In brackets: {found['method']}. "
                f"Where 0 lies outside, chance hardly explains the difference.",
                "muted small",
            ),
        ),
        section("Side by side", f'<div class="pair">{roc}{differences}</div>'),
        section("Tests", _areas_table(found, names), _decisions_table(found, names)),
        section("Notes", bullets(dict.fromkeys([*metrics["notes"], *data.get("notes", ())]))),
        *_only_one_right(dataset, scores, names, metrics["split"]),
        card_section({**metrics["a"]}, data),
        data_section(data),
        section("Do it again", f"<pre>{escape(command)}</pre>" if command else ""),
        footer(),
    ]
    write_text(folder / "report.html", page(title, body))


def _differences_table(found: Mapping[str, Any], names: Sequence[str]) -> str:
    rows = []
    for key, label in FIGURES.items():
        d = found["differences"][key]
        bounds = interval(d["interval"]) or GAP
        rows.append([label, number(d["a"]), number(d["b"]), _signed(d["difference"]), bounds])
    return table(rows, ["", *names, "difference", "95 %"])


def _areas_table(found: Mapping[str, Any], names: Sequence[str]) -> str:
    rows = [
        [
            name,
            number(t["a"]),
            number(t["b"]),
            _signed(t["difference"]),
            interval(t["interval"]) or GAP,
            GAP if t["z"] is None else f"{t['z']:.2f}",
            _p(t["p"]),
        ]
        for name, t in found["delong"].items()
    ]
    head = ["AUC (DeLong)", *names, "difference", "95 %", "z", "p"]
    return table(rows, head)


def _decisions_table(found: Mapping[str, Any], names: Sequence[str]) -> str:
    rows = [
        ["all images" if name == "all" else name, str(m["only_a"]), str(m["only_b"]), _p(m["p"])]
        for name, m in found["mcnemar"].items()
    ]
    head = ["decisions (McNemar, exact)", *(f"only {name} right" for name in names), "p"]
    told = (
        "The p-value is how often two equally good models would differ at least so much on such "
        "images."
    )
    return table(rows, head) + paragraph(told, "muted small")


def _only_one_right(
    dataset: Dataset, scores: Sequence[NDArray], names: Sequence[str], part: str
) -> list[str]:
    """Show what each model gets most wrong where the other is right."""
    p = [probabilities(s, dataset.multilabel) for s in scores]
    right = [decide(q, dataset.multilabel) == dataset.labels for q in p]  # (N,) or (N, L)
    if dataset.multilabel:
        right = [r.all(axis=1) for r in right]
    parts = []
    for wrong, better in ((0, 1), (1, 0)):
        rows = np.flatnonzero(~right[wrong] & right[better])
        if not len(rows):
            continue
        some = dataset.subset(rows)
        worst = worst_mistakes(some.labels, p[wrong][rows], some.classes, SHOWN)
        examples = [
            Example(some.images[m.index], caption(m, some, part, int(rows[m.index]))) for m in worst
        ]
        title = f"Wrong by {names[wrong]}, right by {names[better]}: {len(rows):,}"
        parts.append(section(title, gallery(examples)))
    return parts


def _signed(value: float | None) -> str:
    return GAP if value is None else f"{value:+.3f}"


def _p(p: float | None) -> str:
    if p is None:
        return GAP
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"
