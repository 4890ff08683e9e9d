"""From a data set and a model's scores to the pictures and the report, in one call."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.evaluation.mistakes import Mistake, worst_mistakes
from minicnn.evaluation.report import Example, write_report
from minicnn.evaluation.scores import margins, probabilities
from minicnn.files import write_atomically

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
    folder: Path | None = None,
    figures: Mapping[str, bytes] | None = None,
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
    folder
        Where to write the report's other pictures too; left out, they are in it alone.
    figures
        More pictures for the report, PNG by name.
    title, subtitle, history, data, config, notes, command
        As in `minicnn.evaluation.report.write_report`.
    best_epoch
        The epoch whose weights were kept, marked in the curves.
    """
    from minicnn.plots.confusion import plot_confusion
    from minicnn.plots.curves import plot_curves
    from minicnn.plots.images import plot_images
    from minicnn.plots.roc import plot_roc

    p, m = (f(scores, dataset.multilabel) for f in (probabilities, margins))
    plot_confusion(metrics, confusion)
    plot_roc(dataset.labels, m, metrics, roc, threshold=0)
    shown: dict[str, bytes | Path] = {"confusion": confusion, "roc": roc}
    further = _further_pictures(dataset.labels, m, metrics) | dict(figures or {})
    if folder is not None:
        for name, png in further.items():
            with write_atomically(folder / f"{name}.png") as file:
                file.write(png)
    shown |= further
    rows = list(history)
    if curves is not None and rows:
        plot_curves(rows, curves, best_epoch=best_epoch)
        shown["curves"] = curves
    part = metrics.get("split") or ""
    examples = [
        Example(dataset.images[m.index], caption(m, dataset, part))
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
        figures=shown,
        mistakes=examples,
        notes=notes,
        command=command,
    )


def _further_pictures(labels: NDArray, m: NDArray, metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw what the metrics allow: rankings always, the rest where it was measured."""
    from minicnn.plots.precision_recall import plot_precision_recall
    from minicnn.plots.prevalence import plot_prevalence
    from minicnn.plots.reliability import plot_reliability
    from minicnn.plots.robustness import plot_robustness
    from minicnn.plots.thresholds import plot_thresholds

    pictures = {"precision_recall": drawn(plot_precision_recall, labels, m, metrics)}
    questions = metrics.get("operating_points")
    if questions:
        if labels.ndim == 1:
            pictures["thresholds"] = drawn(plot_thresholds, labels, m[:, 1], metrics)
        pictures["prevalence"] = drawn(plot_prevalence, metrics)
    if metrics.get("calibration"):
        pictures["reliability"] = drawn(plot_reliability, metrics)
    if metrics.get("robustness"):
        pictures["robustness"] = drawn(plot_robustness, metrics["robustness"])
    return pictures


def drawn(plot: Callable[..., None], *args: Any) -> bytes:
    """Draw into memory."""
    file = io.BytesIO()
    plot(*args, file)
    return file.getvalue()


def caption(mistake: Mistake, dataset: Dataset, part: str, number: int | None = None) -> list[str]:
    """Return the lines under a mistake; ``number`` where it is not its place in ``dataset``."""
    if dataset.names is not None:
        source = str(dataset.names[mistake.index]).rpartition("/")[2]
    else:
        source = f"{part} image {mistake.index if number is None else number}".strip()
    return [
        f"true: {mistake.truth}",
        f"predicted: {mistake.called} {mistake.probability:.3f}",
        source,
    ]
