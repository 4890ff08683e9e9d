"""``minicnn evaluate A B``: two trained models on the same images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli import tables
from minicnn.cli.matching import choose_data, load_for, matched
from minicnn.cli.measuring import (
    command_line,
    new_folder,
    score,
    trained_on,
    warn_about,
    write_metrics,
)
from minicnn.cli.output import note, print_json, printable, say
from minicnn.cli.trained import Trained, open_trained
from minicnn.errors import ArgumentError, DataError, RunFolderError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits


def run_two(args: argparse.Namespace) -> int:
    """Compare and report; errors are raised as `MinicnnError`."""
    if args.corruptions or args.threshold or args.target_sensitivity is not None:
        raise ArgumentError(
            "two models are compared at a probability of 0.5 on images as they are, without "
            "--corruptions, --threshold and --target-sensitivity; give one model for these"
        )
    models = [open_trained(place) for place in args.models]
    _check_same_task(models)
    spec, options = _choose_data(models, args)
    with new_folder(args.out) as out:
        splits = load_for(models[0], spec, options, own=args.data is None)
        datasets = [matched(splits.part(args.split), splits.name, models[0])]
        if models[1].input_shape == models[0].input_shape:
            datasets.append(matched(splits.part(args.split), splits.name, models[1]))
        else:
            other = load_for(models[1], spec, options, own=args.data is None)
            datasets.append(matched(other.part(args.split), other.name, models[1]))
        _compare(args, models, splits, datasets, out)
    return 0


def _compare(
    args: argparse.Namespace,
    models: Sequence[Trained],
    splits: Splits,
    datasets: Sequence[Dataset],
    out: Path | None,
) -> None:
    from minicnn.data.wording import count_of
    from minicnn.evaluation.comparison import compare
    from minicnn.evaluation.summary import summarize

    names = _short_names(models)
    first, second = datasets
    order = _order(models)  # of the second model's columns, as the first has them
    _check_same_images(models, first, second, order)
    scores = [
        score(models[0], first.images, f"measuring {names[0]}"),
        score(models[1], second.images, f"measuring {names[1]}")[:, order],
    ]
    facts: dict[str, Any] = {"multilabel": first.multilabel, "ids": first.ids}
    summaries = [summarize(first.labels, s, first.classes, **facts) for s in scores]
    comparison = compare(first.labels, scores[0], scores[1], first.classes, **facts)
    metrics: dict[str, Any] = {
        "models": [str(model.path) for model in models],
        "names": names,
        "data": splits.name,
        "split": args.split,
        "n": len(first),
        "classes": list(first.classes),
        **{
            key: {"parameters": model.parameters, **summary}
            for key, model, summary in zip("ab", models, summaries, strict=True)
        },
        "comparison": comparison,
        "notes": list(
            dict.fromkeys(
                [
                    *warn_about(args.split, splits),
                    *(sentence for s in summaries for sentence in s["notes"]),
                    *comparison["notes"],
                ]
            )
        ),
    }
    for sentence in dict.fromkeys([*splits.notes, *metrics["notes"]]):
        note(sentence)
    if args.json:
        print_json(metrics)
    else:
        counted = count_of(len(first), "image")
        both = " and ".join(map(printable, names))
        print(f"{both} on {printable(splits.name)}, {args.split}: {counted}\n")
        print(tables.comparison(comparison, names))
    if out is not None:
        _write(out, args, splits, first, scores, metrics, models)
        if not args.json:
            print(f"\nreport: {printable(out / 'report.html')}")


def _write(
    out: Path,
    args: argparse.Namespace,
    splits: Splits,
    dataset: Dataset,
    scores: Sequence[NDArray],
    metrics: dict[str, Any],
    models: Sequence[Trained],
) -> None:
    from minicnn.evaluation.card import describe_data
    from minicnn.evaluation.report_comparison import write_comparison

    say("drawing, writing the report")
    write_comparison(
        out,
        dataset,
        scores,
        metrics,
        data=describe_data(splits) | trained_on(models, splits),
        command=command_line(args),
    )
    write_metrics(out, metrics)


def _choose_data(models: Sequence[Trained], args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    chosen = choose_data(models[0], args.data, args.size, args.id_pattern)
    if args.data is None and models[1].run is not None:
        other, _ = choose_data(models[1], None, args.size, args.id_pattern)
        if other != chosen[0]:
            raise RunFolderError(
                f"{models[0].path} was trained with {chosen[0]} and {models[1].path} with {other}; "
                f"a comparison needs the same images: say which with --data SPEC"
            )
    return chosen


def _check_same_task(models: Sequence[Trained]) -> None:
    a, b = models
    kinds = {False: "one class per image", True: "several labels per image"}
    if a.multilabel != b.multilabel:
        raise DataError(
            f"{a.path} tells {kinds[a.multilabel]}, but {b.path} tells {kinds[b.multilabel]}; "
            f"compare models of one task"
        )
    if sorted(map(str.casefold, a.classes)) != sorted(map(str.casefold, b.classes)):
        raise DataError(
            f"{a.path} knows {', '.join(a.classes)}, but {b.path} knows {', '.join(b.classes)}; "
            f"compare models of the same classes"
        )


def _order(models: Sequence[Trained]) -> list[int]:
    a, b = ([name.casefold() for name in model.classes] for model in models)
    return [b.index(name) for name in a]


def _check_same_images(
    models: Sequence[Trained], first: Dataset, second: Dataset, order: Sequence[int]
) -> None:
    labels = second.labels
    labels = labels[:, order] if second.multilabel else np.argsort(order)[labels]
    names_differ = (
        first.names is not None
        and second.names is not None
        and not np.array_equal(first.names, second.names)
    )
    if not np.array_equal(first.labels, labels) or names_differ:
        raise DataError(
            f"{models[0].path} takes {len(first)} images and {models[1].path} {len(second)} of "
            f"another size, and they are not the same ones; compare models on data that come "
            f"in both sizes, such as a folder of images"
        )


def _short_names(models: Sequence[Trained]) -> list[str]:
    names = [m.run.name if m.run is not None else m.path.name for m in models]
    if names[0] == names[1]:
        names = [str(m.run or m.path) for m in models]
    if names[0] == names[1]:  # one model twice, to see that nothing differs
        names = [f"{name} ({i})" for i, name in enumerate(names, start=1)]
    return names
