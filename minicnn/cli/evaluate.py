"""``minicnn evaluate``: the figures of a trained model on any data, with intervals."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.cli.arguments import add_command, add_id_pattern, add_json, add_part, add_size, place
from minicnn.cli.output import counting, figures, note, print_json, printable, say, shows_bars
from minicnn.cli.trained import CONFIG, Trained, open_trained
from minicnn.errors import ArgumentError, DataError, RunFolderError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits

EXAMPLE = """examples:
  minicnn evaluate runs/first
  minicnn evaluate runs/first --split val --json
  minicnn evaluate runs/first/model.npz --data chest_xray/ --split all --out runs/first-on-mine

MODEL is a run folder or its model.npz. Without --data it is measured on the data it was
trained with. --out DIR writes metrics.json, report.html and the pictures into a new folder.
"""


def add_parser(subparsers: Any) -> None:
    """Add this command to the command line."""
    parser = add_command(subparsers, "evaluate", "measure a trained model, with intervals", EXAMPLE)
    add = parser.add_argument
    add("model", type=place, metavar="MODEL", help="a run folder, or a model file")
    add(
        "--data",
        type=place,
        metavar="SPEC",
        help="a data set's name, an .npz file or a folder of images",
    )
    add_part(parser, "test")
    add_size(parser, "bring images to NxN pixels (the model's own size)")
    add_id_pattern(parser)
    add("--out", type=place, metavar="DIR", help="a new folder for metrics, report and pictures")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and report; errors are raised as `MinicnnError`."""
    from minicnn.data.wording import count_of
    from minicnn.evaluation.summary import summarize
    from minicnn.training.predicting import predict_scores

    trained = open_trained(args.model)
    spec, options = _data_of(args, trained)
    out = None if args.out is None else _new_folder(Path(args.out))
    try:
        splits = _load(spec, options, trained, own=args.data is None)
        dataset = _matched(splits.part(args.split), splits.name, trained)
        with counting(len(dataset), "measuring") as done:
            scores = predict_scores(
                trained.model, dataset.images, trained.preprocess, progress=done
            )
        metrics = {
            "model": str(trained.path),
            "data": splits.name,
            "split": args.split,
            **summarize(
                dataset.labels,
                scores,
                dataset.classes,
                multilabel=dataset.multilabel,
                ids=dataset.ids,
            ),
            "parameters": trained.parameters,
        }
        metrics["notes"] = [*_warn(args.split, splits), *metrics["notes"]]
        for sentence in dict.fromkeys([*splits.notes, *metrics["notes"]]):
            note(sentence)
        # Said before it is written: a full disk must not lose the figures.
        if args.json:
            print_json(metrics)
        else:
            number = count_of(len(dataset), "image")
            where = f"{printable(trained.path)} on {printable(splits.name)}"
            print(f"{where}, {args.split}: {number}\n")
            print(figures(metrics))
        if out is not None:
            _write(out, splits, dataset, scores, metrics, trained, args)
            if not args.json:
                print(f"\nreport: {printable(out / 'report.html')}")
    except BaseException:
        if out is not None:
            _remove_if_empty(out)
        raise
    return 0


def _data_of(args: argparse.Namespace, trained: Trained) -> tuple[str, dict[str, Any]]:
    """Choose the data: what was asked for, else what the model was trained with."""
    if args.data is not None:
        return args.data, {"size": args.size, "id_pattern": args.id_pattern}
    if trained.run is None:
        raise ArgumentError(
            f"{trained.path} lies in no run folder, so its data are unknown; say which: --data SPEC"
        )
    try:
        options = json.loads((trained.run / CONFIG).read_text(encoding="utf-8"))["options"]
        spec = options["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(
            f"{trained.run / CONFIG} does not say what the model was trained with ({error}); "
            f"say which data to take: --data SPEC"
        ) from None
    size = options.get("size") if args.size is None else args.size
    pattern = options.get("id_pattern") if args.id_pattern is None else args.id_pattern
    return spec, {"size": size, "id_pattern": pattern, "split_by": options.get("split_by")}


def _load(spec: str, options: dict[str, Any], trained: Trained, own: bool) -> Splits:
    from minicnn import data

    if options["size"] is None:
        options = {**options, "size": _model_size(spec, trained)}
    try:
        return data.load(spec, progress=shows_bars(), **options)
    except DataError as error:
        if not own:
            raise
        raise DataError(
            f"the data {trained.path} was trained on cannot be loaded: {error}; if they were "
            f"moved, say where they are: --data SPEC"
        ) from error


def _model_size(spec: str, trained: Trained) -> int | None:
    """Return the model's own size where the data come in any, else None: as they are."""
    from minicnn.data import registry

    _, height, width = trained.input_shape
    if height != width:
        return None
    try:
        named = registry.find(spec, height) is not None
    except ArgumentError:  # the name says another size, and the comparison below will tell
        return None
    return height if named or Path(spec).expanduser().is_dir() else None


def _matched(dataset: Dataset, name: str, trained: Trained) -> Dataset:
    """Check that model and data fit, and bring the classes into the model's order."""
    if dataset.multilabel != trained.multilabel:
        kinds = {False: "one class per image", True: "several labels per image"}
        raise DataError(
            f"{trained.path} tells {kinds[trained.multilabel]}, but {name} has "
            f"{kinds[dataset.multilabel]}; evaluate it on data of its own kind"
        )
    if dataset.image_shape != trained.input_shape:
        raise DataError(
            f"the images of {name} are {_describe_shape(dataset.image_shape)}, but {trained.path} "
            f"was trained on {_describe_shape(trained.input_shape)}; give data of that kind "
            f"(folders and named sets take --size)"
        )
    # In MedMNIST files without names the classes are called 0, 1, ...
    nameless = dataset.classes == tuple(map(str, range(len(trained.classes))))
    own = [c.casefold() for c in trained.classes]
    theirs = own if nameless else [c.casefold() for c in dataset.classes]
    if sorted(theirs) != sorted(own):
        raise DataError(
            f"{name} has the classes {', '.join(dataset.classes)}, but {trained.path} knows "
            f"{', '.join(trained.classes)}; both must be the same"
        )
    order = [theirs.index(c) for c in own]
    if dataset.multilabel:
        labels = dataset.labels[:, order]  # (N, L)
    else:
        labels = np.argsort(order)[dataset.labels]  # (N,) data's number -> model's number
    return type(dataset)(dataset.images, labels, trained.classes, dataset.ids, dataset.names)


def _describe_shape(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}x{width} with {channels} channel{'s' * (channels > 1)}"


def _warn(split: str, splits: Splits) -> list[str]:
    if split not in ("train", "all"):
        return []
    what = "These are" if split == "train" else "Among these are"
    return [
        f"{what} the train images of {splits.name}; if the model was trained on them, the "
        f"figures say little about new images."
    ]


def _new_folder(path: Path) -> Path:
    """Make the folder and see that it can be written, before any work is done."""
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunFolderError(
                f"{path} exists and is not an empty folder; give --out the name of a new one"
            )
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.write_bytes(bytes(1 << 20))
        probe.unlink()
    except OSError as error:
        raise RunFolderError(
            f"the folder {path} cannot be written: {error.strerror or error}; choose another "
            f"with --out"
        ) from None
    return path


def _remove_if_empty(path: Path) -> None:
    # Whatever was written stays.
    with contextlib.suppress(OSError):
        path.rmdir()


def _write(
    out: Path,
    splits: Splits,
    dataset: Dataset,
    scores: np.ndarray,
    metrics: dict[str, Any],
    trained: Trained,
    args: argparse.Namespace,
) -> None:
    from minicnn.evaluation.card import describe_data
    from minicnn.evaluation.results import write_results
    from minicnn.files import write_text

    say("drawing, writing the report")
    name = trained.metadata.get("model") or trained.path.name
    write_results(
        dataset,
        scores,
        metrics,
        confusion=out / "confusion.png",
        roc=out / "roc.png",
        mistakes=out / "mistakes.png",
        report=out / "report.html",
        title=f"{name} on {splits.name}",
        data=describe_data(splits),
        config={"model file": str(trained.path), "split": args.split},
        command=_command(args),
    )
    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(out / "metrics.json", text + "\n")


def _command(args: argparse.Namespace) -> str:
    words = ["minicnn", "evaluate", shlex.quote(args.model)]
    for flag in ("data", "split", "size", "id-pattern", "out"):
        value = getattr(args, flag.replace("-", "_"))
        if value is not None:
            words += [f"--{flag}", shlex.quote(str(value))]
    return " ".join(words)
