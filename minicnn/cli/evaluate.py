"""``minicnn evaluate``: the figures of a trained model on any data, with intervals."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli import tables
from minicnn.cli.arguments import (
    add_command,
    add_id_pattern,
    add_json,
    add_part,
    add_size,
    fraction,
    number,
    place,
)
from minicnn.cli.matching import choose_data, load_for, matched
from minicnn.cli.measuring import (
    command_line,
    measure_corrupted,
    new_folder,
    score,
    trained_on,
    warn_about,
    write_metrics,
)
from minicnn.cli.output import figures, note, print_json, printable, say
from minicnn.cli.parser import UsageError
from minicnn.cli.trained import Trained, open_trained
from minicnn.errors import ArgumentError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits
    from minicnn.evaluation.chosen import Chosen

EXAMPLE = """examples:
  minicnn evaluate runs/first
  minicnn evaluate runs/first --split val --json
  minicnn evaluate runs/first/model.npz --data chest_xray/ --split all --out runs/first-on-mine
  minicnn evaluate runs/first --corruptions --out runs/first-robust
  minicnn evaluate runs/first runs/second --data pneumoniamnist --out runs/first-or-second

MODEL is a run folder or its model.npz. Without --data it is measured on the data it was
trained with. Two models are compared on the same images. --out DIR writes metrics.json,
report.html and the pictures into a new folder.
"""
MOST_MODELS = 2


def add_parser(subparsers: Any) -> None:
    """Add this command to the command line."""
    parser = add_command(
        subparsers, "evaluate", "measure a trained model, or compare two, with intervals", EXAMPLE
    )
    add = parser.add_argument
    add(
        "models",
        type=place,
        nargs="+",
        metavar="MODEL",
        help="a run folder, or a model file; two are compared",
    )
    add(
        "--data",
        type=place,
        metavar="SPEC",
        help="a data set's name, an .npz file or a folder of images",
    )
    add_part(parser, "test")
    add_size(parser, "bring images to NxN pixels (the model's own size)")
    add_id_pattern(parser)
    add(
        "--threshold",
        type=fraction,
        action="append",
        default=[],
        metavar="P",
        help="measure this threshold on the probability too; may be given several times",
    )
    add(
        "--target-sensitivity",
        type=number(above=0, maximum=1),
        metavar="S",
        help="choose on val the highest threshold that finds this share of the positives (0.95)",
    )
    add(
        "--corruptions",
        action="store_true",
        help="measure on images with noise, blur, wrong exposure and so on, too",
    )
    add("--out", type=place, metavar="DIR", help="a new folder for metrics, report and pictures")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and report; errors are raised as `MinicnnError`."""
    _refuse_options_as_models(args.models)
    if len(args.models) > MOST_MODELS:
        raise ArgumentError(
            f"{len(args.models)} models were given; expected one to measure, or two to compare"
        )
    if len(args.models) == MOST_MODELS:
        from minicnn.cli.evaluate_two import run_two

        return run_two(args)
    trained = open_trained(args.models[0])
    spec, options = choose_data(trained, args.data, args.size, args.id_pattern)
    with new_folder(args.out) as out:
        splits = load_for(trained, spec, options, own=args.data is None)
        _measure(args, trained, splits, out)
    return 0


def _refuse_options_as_models(models: Sequence[str]) -> None:
    for name in models:
        # After a bare -- everything is taken as a model.
        if name.startswith("--") and not Path(name).exists():
            raise UsageError(
                f"{name} is in the wrong place; options go after minicnn evaluate and before any "
                f"-- (help: minicnn evaluate --help)"
            )


def _measure(args: argparse.Namespace, trained: Trained, splits: Splits, out: Path | None) -> None:
    from minicnn.data.wording import count_of
    from minicnn.evaluation.assessment import assess, on_choice
    from minicnn.evaluation.chosen import TARGET
    from minicnn.evaluation.summary import summarize

    dataset = matched(splits.part(args.split), splits.name, trained)
    target = TARGET if args.target_sensitivity is None else args.target_sensitivity
    scores = score(trained, dataset.images, "measuring")
    # Checked first: no figure of a model that gives NaN is worth a second pass.
    summary = summarize(
        dataset.labels,
        scores,
        dataset.classes,
        multilabel=dataset.multilabel,
        ids=dataset.ids,
    )
    chosen, on_this_data = _choose(args, trained, splits, target)
    metrics = {
        "model": str(trained.path),
        "data": splits.name,
        "split": args.split,
        **summary,
        **assess(
            dataset.labels,
            scores,
            dataset.classes,
            multilabel=dataset.multilabel,
            ids=dataset.ids,
            chosen=chosen,
            target=target,
            thresholds=args.threshold,
        ),
        "parameters": trained.parameters,
    }
    if args.corruptions:
        metrics["robustness"] = measure_corrupted(dataset, scores, trained, chosen)
    seen_before = args.split in ("val", "all") and on_this_data
    metrics["notes"] = [
        *warn_about(args.split, splits),
        *metrics["notes"],
        *on_choice(metrics, seen_before),
    ]
    for sentence in dict.fromkeys([*splits.notes, *metrics["notes"]]):
        note(sentence)
    # Said before it is written: a full disk must not lose the figures.
    if args.json:
        print_json(metrics)
    else:
        counted = count_of(len(dataset), "image")
        where = f"{printable(trained.path)} on {printable(splits.name)}"
        print(f"{where}, {args.split}: {counted}\n")
        parts = [figures(metrics)]
        parts += [f(metrics) for f in (tables.operating_points, tables.calibration)]
        parts.append(tables.robustness(metrics))
        print("\n\n".join(filter(None, parts)))
    if out is not None:
        _write(out, splits, dataset, scores, metrics, trained, args)
        if not args.json:
            print(f"\nreport: {printable(out / 'report.html')}")


def _choose(
    args: argparse.Namespace, trained: Trained, splits: Splits, target: float
) -> tuple[Chosen | None, bool]:
    """Take thresholds and temperature from the run, else choose them on these data's val.

    Returns also whether they were chosen on the data that are measured.
    """
    from minicnn.evaluation.chosen import choose, from_metrics

    if trained.run is not None:
        try:
            kept = json.loads((trained.run / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        found = from_metrics(kept, target) if isinstance(kept, dict) else None
        if found is not None:
            return found, kept.get("data") == splits.name
    val = matched(splits.val, splits.name, trained)
    scores = score(trained, val.images, "choosing thresholds on val")
    source = f"{len(val):,} val images of {splits.name}"
    return choose(
        val.labels,
        scores,
        val.classes,
        multilabel=val.multilabel,
        target=target,
        source=source,
    ), True


def _write(
    out: Path,
    splits: Splits,
    dataset: Dataset,
    scores: NDArray,
    metrics: dict[str, Any],
    trained: Trained,
    args: argparse.Namespace,
) -> None:
    from minicnn.evaluation.card import describe_data
    from minicnn.evaluation.results import write_results

    say("drawing, writing the report")
    name = trained.metadata.get("model") or trained.path.name
    write_results(
        dataset,
        scores,
        metrics,
        confusion=out / "confusion.png",
        roc=out / "roc.png",
        mistakes=out / "mistakes.png",
        folder=out,
        figures=_examples(dataset) if args.corruptions else {},
        report=out / "report.html",
        title=f"{name} on {splits.name}",
        data=describe_data(splits) | trained_on([trained], splits),
        config={"model file": str(trained.path), "split": args.split},
        command=command_line(args),
    )
    write_metrics(out, metrics)


def _examples(dataset: Dataset) -> dict[str, bytes]:
    """Draw the first image under each corruption, mild, middling and strong."""
    from minicnn.data.corruptions import NAMES, corrupt
    from minicnn.evaluation.results import drawn
    from minicnn.plots.images import plot_images

    shown = [(name, severity) for name in NAMES for severity in (1, 3, 5)]
    images = [
        corrupt(dataset.images[:1], name, severity, multilabel=dataset.multilabel)[0]
        for name, severity in shown
    ]
    captions = [[f"{name}, {severity}"] for name, severity in shown]
    return {"corrupted": drawn(plot_images, np.stack(images), captions)}
