"""After the training: from a model to metrics, pictures and the report in the run folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from minicnn import storage
from minicnn.data.preprocess import Preprocess
from minicnn.evaluation import results
from minicnn.evaluation.assessment import assess, on_choice
from minicnn.evaluation.card import describe_data
from minicnn.evaluation.chosen import choose
from minicnn.evaluation.summary import summarize
from minicnn.layers.base import Layer
from minicnn.training.history import History
from minicnn.training.predicting import predict_scores
from minicnn.training.rundir import RunDir

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits


def metadata_of(splits: Splits, preprocess: Preprocess, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model file says about itself, so that ``predict`` needs nothing else."""
    return {
        "task": "multilabel" if splits.multilabel else "classification",
        "classes": list(splits.classes),
        "input_shape": list(splits.image_shape),
        "preprocess": preprocess.to_config(),
        "data": splits.name,
        "credit": splits.credit,
        **facts,
    }


def measure(dataset: Dataset, scores: NDArray) -> dict[str, Any]:
    """Summarise scores (N, K) against the labels, with intervals, by patient where known."""
    return summarize(
        dataset.labels,
        scores,
        dataset.classes,
        multilabel=dataset.multilabel,
        ids=dataset.ids,
    )


def write_results(
    run: RunDir,
    splits: Splits,
    model: Layer,
    preprocess: Preprocess,
    history: History,
    facts: Mapping[str, Any],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Write ``model.npz``, the pictures, ``report.html`` and at last ``metrics.json``.

    Parameters
    ----------
    run : RunDir
        Where to.
    splits : Splits
        The data; ``val`` and ``test`` are measured.
    model : Layer
        With the weights to keep.
    preprocess : Preprocess
        What the model was trained with.
    history : History
        Of the training.
    facts : dict
        More entries for ``metrics.json`` and the model's metadata: ``model``,
        ``kept_epoch``, ...
    config : dict
        Settings to list in the report; ``options`` give the command that does it again.

    Returns
    -------
    dict
        The content of ``metrics.json``.
    """
    storage.save(model, run.model, metadata=metadata_of(splits, preprocess, facts))
    history.to_csv(run.history)
    val = predict_scores(model, splits.val.images, preprocess)
    test = predict_scores(model, splits.test.images, preprocess)
    metrics = {
        "data": splits.name,
        "split": "test",
        **measure(splits.test, test),
        "val": measure(splits.val, val),
        **_beyond(splits, val, test),
        **facts,
    }
    metrics["notes"] = [*metrics["notes"], *on_choice(metrics, same_images=False)]
    kept = facts["kept_epoch"]
    results.write_results(
        splits.test,
        test,
        metrics,
        confusion=run.confusion,
        roc=run.roc,
        curves=run.curves,
        report=run.report,
        title=f"{facts['model']} on {splits.name}",
        history=history,
        best_epoch=None if kept == len(history) else kept,
        data=describe_data(splits),
        config=config,
        command=command_line(config["options"]),
    )
    run.write_metrics(metrics)
    return metrics


def _beyond(splits: Splits, val: NDArray, test: NDArray) -> dict[str, Any]:
    """Choose thresholds and a temperature on val, and measure them on test."""
    chosen = choose(
        splits.val.labels,
        val,
        splits.classes,
        multilabel=splits.multilabel,
        source=f"{len(splits.val):,} val images of {splits.name}",
    )
    return assess(
        splits.test.labels,
        test,
        splits.classes,
        multilabel=splits.multilabel,
        ids=splits.test.ids,
        chosen=chosen,
    )


def command_line(options: Mapping[str, Any]) -> str:
    """Return the command that trains with these options."""
    words = ["minicnn", "train"]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is False:
            words.append(flag.replace("--", "--no-", 1))
        elif isinstance(value, list | tuple):
            for item in value:
                words += [flag, shlex.quote(str(item))]
        elif value is not None:
            words += [flag, shlex.quote(str(value))]
    return " ".join(words)
