"""``minicnn data montage --augment``: the same X-rays as a training shows them, again and again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from minicnn.cli.arguments import positive_int
from minicnn.cli.output import print_json, printable
from minicnn.cli.steps import add_augment_with, add_steps
from minicnn.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from minicnn.data.augment import Augment
    from minicnn.data.dataset import Splits

ROWS, DRAWS = 5, 7


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an augmented contact sheet to the parser of montage."""
    parser.add_argument(
        "--augment",
        action="store_true",
        help=f"show each of {ROWS} images as it is and as training may change it",
    )
    add_augment_with(parser)
    parser.add_argument(
        "--draws", metavar="N", type=positive_int, help=f"changed versions of an image ({DRAWS})"
    )
    add_steps(parser)


def asked_for(args: argparse.Namespace) -> bool:
    """Whether the sheet shall be an augmented one; refuse options that only such a one has."""
    if args.augment or args.augment_with is not None:
        return True
    for name in ("draws", "step"):
        if getattr(args, name) is not None:
            raise ArgumentError(
                f"--{name} is for a sheet of augmented images; add --augment, or for steps of the "
                f"preprocessing alone use minicnn data preview"
            )
    return False


def draw(args: argparse.Namespace, splits: Splits) -> int:
    """Write the sheet."""
    import numpy as np

    from minicnn.cli.data import chosen
    from minicnn.data.augment import Augment, parse_strengths
    from minicnn.data.montage import caption_of
    from minicnn.data.preprocess.pipeline import Preprocess, to_float
    from minicnn.data.preprocess.spec import parse_preprocess
    from minicnn.plots.rows import plot_rows

    given = {} if args.augment_with is None else parse_strengths(args.augment_with)
    augment = Augment(**given)
    preprocess = Preprocess() if args.step is None else parse_preprocess(args.step)
    dataset = chosen(args, splits, args.count or ROWS)
    x = to_float(preprocess.prepare(dataset.images))  # (K, C, H, W)
    rng = np.random.default_rng(args.seed or 0)
    columns = [("as it is" if not args.step else "prepared", x)]
    for number in range(args.draws or DRAWS):
        columns.append((f"draw {number + 1}", changed(x, augment, rng)))
    captions = [caption_of(dataset, i) for i in range(len(dataset))]
    on = [f"{name} {value:g}" for name, value in augment.to_config().items() if value]
    title = f"{splits.name}, {args.split}: {', '.join(on) or 'nothing changes'}"
    plot_rows(columns, captions, args.out, title=title)
    if args.json:
        print_json(
            {
                "file": str(args.out),
                "data": splits.name,
                "split": args.split,
                "count": len(dataset),
                "draws": len(columns) - 1,
                "augment": augment.to_config(),
            }
        )
    else:
        print(
            f"{printable(args.out)}: {len(dataset)} x {len(columns) - 1} draws of "
            f"{printable(splits.name)}, {args.split}"
        )
    return 0


def changed(x: NDArray, augment: Augment, rng: np.random.Generator) -> NDArray:
    """Change a batch (K, C, H, W) as a training does, mix-up included."""
    y = augment(x, rng)
    mix = augment.mix(len(y), rng)
    return y if mix is None else mix(y)
