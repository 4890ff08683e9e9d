"""From a data set and a model's scores to the pictures and the report, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.evaluation.mistakes import Mistake, worst_mistakes
from minicnn.evaluation.report import Example, write_report
from minicnn.evaluation.scores import probabilities

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset


def write_results(
    dataset: Dataset,
    scores: NDArray,
    metrics: Mapping[str, Any],
    *,
    confusion: Path,
    roc: Path,
    report: Path,
    title: str,
    subtitle: str = "",
    curves: Path | None = None,
    mistakes: Path | None = None,
    history: Iterable[Mapping[str, float]] = (),
    best_epoch: int | None = None,
    data: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    command: str = "",
) -> None:
    """Draw the pictures and write the report.

    Parameters
    ----------
    dataset, scores
        The images with their labels, and the model's logits (N, C) or (N, L) for them.
    metrics
        Their summary (`minicnn.evaluation.summary.summarize`); ``split`` names the part.
    confusion, roc, report
        Files to write.
    curves, mistakes
        Files to write where given; the curves only where there is a history.
    title, subtitle, history, data, config, notes, command
        As in `minicnn.evaluation.report.write_report`.
    best_epoch
        The epoch whose weights were kept, marked in the curves.
    """
    from minicnn.plots.confusion import plot_confusion
    from minicnn.plots.curves import plot_curves
    from minicnn.plots.images import plot_images
    from minicnn.plots.roc import plot_roc

    p = probabilities(scores, dataset.multilabel)
    plot_confusion(metrics, confusion)
    plot_roc(dataset.labels, p, metrics, roc)
    figures = {"confusion": confusion, "roc": roc}
    rows = list(history)
    if curves is not None and rows:
        plot_curves(rows, curves, best_epoch=best_epoch)
        figures["curves"] = curves
    part = metrics.get("split") or ""
    examples = [
        Example(dataset.images[m.index], _caption(m, dataset, part))
        for m in worst_mistakes(dataset.labels, p, dataset.classes)
    ]
    if mistakes is not None and examples:
        images = np.stack([example.image for example in examples])
        plot_images(images, [example.lines for example in examples], mistakes)
    write_report(
        report,
        title=title,
        subtitle=subtitle,
        metrics=metrics,
        data=data,
        history=rows,
        config=config,
        figures=figures,
        mistakes=examples,
        notes=notes,
        command=command,
    )


def _caption(mistake: Mistake, dataset: Dataset, part: str) -> list[str]:
    if dataset.names is not None:
        source = str(dataset.names[mistake.index]).rpartition("/")[2]
    else:
        source = f"{part} image {mistake.index}".strip()
    return [
        f"true: {mistake.truth}",
        f"predicted: {mistake.called} {mistake.probability:.3f}",
        source,
    ]
