"""``minicnn predict``: what a trained model says about image files."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minicnn.cli.arguments import add_command, add_json, place
from minicnn.cli.output import NOT_FOR_CLINICAL_USE, print_json, printable, say
from minicnn.cli.trained import Trained, open_trained
from minicnn.errors import DataError

if TYPE_CHECKING:
    from minicnn.cli.inputs import Item

EXAMPLE = """examples:
  minicnn predict runs/first chest.png
  minicnn predict runs/first folder/ other.jpeg --json

MODEL is a run folder or its model.npz. Images of any size and kind go through the steps
the model was trained with; folders are searched for images. Arrays (.npy, .npz) must
have the model's shape. Not for clinical use.
"""
# Images read before the model sees them: bounds the memory.
BATCH = 64
NAMED = 5


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
    """Predict; what cannot be read is named at the end as a `DataError`."""
    from minicnn.cli.inputs import list_inputs, read_inputs

    trained = open_trained(args.model)
    inputs = list_inputs(args.images)
    width = min(max((len(_name(source)) for source in inputs), default=0), 60)
    say(f"minicnn: {NOT_FOR_CLINICAL_USE}: a model for teaching and research")
    failed: list[Item] = []
    predictions: list[dict[str, Any]] = []
    for batch in _batches(read_inputs(inputs, trained.input_shape), failed):
        for item, p in zip(batch, _predict(trained, batch), strict=True):
            answer = _answer(item.name, p, trained)
            if args.json:
                predictions.append(answer)
            else:
                print(_line(answer, width), flush=True)
    if args.json:
        print_json(
            {
                "model": str(trained.path),
                "notice": NOT_FOR_CLINICAL_USE,
                "classes": trained.classes,
                "predictions": predictions,
                "failed": [{"file": item.name, "reason": item.reason} for item in failed],
            }
        )
    if failed:
        raise DataError(_what_failed(failed, args.images))
    return 0


def _batches(items: Iterable[Item], failed: list[Item]) -> Iterator[list[Item]]:
    """Yield lists of readable images; put the others into ``failed``."""

    def readable() -> Iterator[Item]:
        for item in items:
            if item.image is None:
                failed.append(item)
            else:
                yield item

    source = readable()
    while batch := list(itertools.islice(source, BATCH)):
        yield batch


def _predict(trained: Trained, batch: Sequence[Item]) -> NDArray[np.float64]:
    from minicnn.evaluation.scores import probabilities
    from minicnn.training.predicting import predict_scores

    # Files give bytes and arrays may give floats; each kind is its own batch.
    images = [item.image for item in batch if item.image is not None]
    p = np.empty((len(batch), len(trained.classes)))
    for kind in {image.dtype for image in images}:
        rows = [i for i, image in enumerate(images) if image.dtype == kind]
        stack = np.stack([images[i] for i in rows])  # (n, C, H, W)
        scores = predict_scores(trained.model, stack, trained.preprocess, batch_size=BATCH)
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


def _what_failed(failed: Sequence[Item], places: Sequence[str]) -> str:
    shown = "; ".join(f"{item.name}: {item.reason}" for item in failed[:NAMED])
    if len(failed) == 1:
        return f"cannot predict {shown}"
    more = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    return f"{len(failed)} inputs could not be predicted: {shown}{more}"


def _name(source: Any) -> str:
    return printable(getattr(source, "name", source) if isinstance(source, tuple) else source)
