"""``minicnn predict``: what a trained model says about image files."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli.arguments import add_command, add_json, place
from minicnn.cli.output import NOT_FOR_CLINICAL_USE, printable, say, shows_bars
from minicnn.cli.trained import Trained, open_trained
from minicnn.errors import DataError

if TYPE_CHECKING:
    from minicnn.cli.inputs import Item
    from minicnn.layers.base import Layer

EXAMPLE = """examples:
  minicnn predict runs/first chest.png
  minicnn predict runs/first folder/ other.jpeg --json

MODEL is a run folder or its model.npz. Images of any size and kind go through the steps
the model was trained with; folders are searched for images. Arrays (.npy, .npz) must
have the model's shape. Not for clinical use.
"""
BATCH = 64  # images that the model sees at once
NAMED = 5  # failures in the error message
WIDEST = 60  # letters of a name that others line up with


def add_parser(subparsers: Any) -> None:
    """Add this command to the command line."""
    parser = add_command(
        subparsers, "predict", "say what a trained model sees in image files", EXAMPLE
    )
    parser.add_argument("model", type=place, metavar="MODEL", help="a run folder, or a model file")
    parser.add_argument(
        "images", type=place, metavar="IMAGE", nargs="+", help="image files or folders of them"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict; what cannot be read is named at the end as a `DataError`.

    The files are decoded in other threads while the model computes, and neither images nor
    answers pile up in memory, so that a folder may hold any number.
    """
    from minicnn.cli.inputs import list_inputs, survey
    from minicnn.cli.spool import Spool, print_object
    from minicnn.data.image import quiet_pillow
    from minicnn.training.compiling import noticing_on_stderr

    trained = open_trained(args.model)
    count, width = survey(args.images, printable)
    say(f"minicnn: {NOT_FOR_CLINICAL_USE}: a model for teaching and research")
    # Lines that appear on the terminal are progress enough, and a bar would garble them.
    bar = shows_bars() and (args.json or not sys.stdout.isatty())
    first: list[Item] = []
    with (
        Spool() as answers,
        Spool() as failures,
        quiet_pillow(),
        noticing_on_stderr(),
        contextlib.closing(_results(list_inputs(args.images), trained, bar, count)) as results,
    ):
        for found, failed in results:
            first += failed[: NAMED - len(first)]
            for item in failed:
                failures.append({"file": item.name, "reason": item.reason})
            if args.json:
                for answer in found:
                    answers.append(answer)
            elif found:
                lines = (_line(answer, min(width, WIDEST)) for answer in found)
                print("\n".join(lines), flush=True)
        if args.json:
            facts = {
                "model": str(trained.path),
                "notice": NOT_FOR_CLINICAL_USE,
                "classes": trained.classes,
            }
            print_object(facts, {"predictions": answers, "failed": failures}, sys.stdout)
    if failures.count:
        raise DataError(_what_failed(failures.count, first))
    return 0


def _results(
    inputs: Iterable[Path | Item], trained: Trained, bar: bool, total: int
) -> Generator[tuple[list[dict[str, Any]], list[Item]], None, None]:
    """Yield answers and unreadable inputs, batch by batch."""
    from minicnn.cli.inputs import read_inputs
    from minicnn.data.progress import reporting
    from minicnn.training.fast import fastest

    model = fastest(trained.model)
    with (
        reporting(bar, total, "predicting", " files") as done,
        contextlib.closing(read_inputs(inputs, trained.input_shape, done)) as items,
    ):
        while batch := list(itertools.islice(items, BATCH)):
            good = [item for item in batch if item.image is not None]
            p = _predict(trained, model, good) if good else ()
            answers = [_answer(item.name, q, trained) for item, q in zip(good, p, strict=True)]
            yield answers, [item for item in batch if item.image is None]


def _predict(trained: Trained, model: Layer, batch: Sequence[Item]) -> NDArray[np.float64]:
    from minicnn.evaluation.scores import probabilities
    from minicnn.training.predicting import predict_scores

    # Files give bytes and arrays may give floats; each kind is its own batch.
    images = [item.image for item in batch if item.image is not None]
    p = np.empty((len(batch), len(trained.classes)))
    for kind in {image.dtype for image in images}:
        rows = [i for i, image in enumerate(images) if image.dtype == kind]
        stack = np.stack([images[i] for i in rows])  # (n, C, H, W)
        scores = predict_scores(model, stack, trained.preprocess, batch_size=BATCH)
        p[rows] = probabilities(scores, trained.multilabel)
    return p


def _answer(name: str, p: NDArray[np.float64], trained: Trained) -> dict[str, Any]:
    shares = dict(zip(trained.classes, p.tolist(), strict=True))
    answer: dict[str, Any] = {"file": name}
    if trained.multilabel:
        answer["findings"] = [c for c, share in shares.items() if share > 0.5]
    else:
        best = int(p.argmax())
        answer |= {"class": trained.classes[best], "probability": float(p[best])}
    return answer | {"probabilities": shares}


def _line(answer: dict[str, Any], width: int) -> str:
    name = printable(answer["file"]).ljust(width)
    if "class" in answer:
        return f"{name}  {answer['class']}  {answer['probability']:.3f}"
    shares = answer["probabilities"]
    found = sorted(answer["findings"], key=lambda c: -shares[c])
    if found:
        return f"{name}  " + ", ".join(f"{c} {shares[c]:.3f}" for c in found)
    likeliest = max(shares, key=lambda c: shares[c])
    return f"{name}  no finding above 0.5 (likeliest {likeliest} {shares[likeliest]:.3f})"


def _what_failed(count: int, first: Sequence[Item]) -> str:
    shown = "; ".join(f"{item.name}: {item.reason}" for item in first)
    if count == 1:
        return f"cannot predict {shown}"
    more = f"; and {count - NAMED} more" if count > NAMED else ""
    return f"{count} inputs could not be predicted: {shown}{more}"
