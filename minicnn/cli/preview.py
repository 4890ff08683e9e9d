"""``minicnn data preview``: X-rays before and after each step of the preprocessing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from minicnn.cli.arguments import (
    add_command,
    add_id_pattern,
    add_json,
    add_part,
    add_size,
    place,
    png_file,
    positive_int,
    seed,
)
from minicnn.cli.output import print_json, printable, shows_bars
from minicnn.cli.steps import STEPS, add_steps
from minicnn.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from minicnn.data.preprocess import Step

EXAMPLE = f"""examples:
  minicnn data preview pneumoniamnist --step clahe:clip=3 --out clahe.png
  minicnn data preview chest_xray/ --size 64 --step align --step nlm --step equalize --out a.png

The first column shows the images as they are, each further one a step more; at the right
are the grey levels before and after. Normalised pixels are shown from -2 (black) to 2.

{STEPS}"""
# Normalised numbers shown black and white.
DARKEST, BRIGHTEST = -2.0, 2.0


def add_parser(actions: Any, spec: str) -> None:
    """Add this command to those of ``minicnn data``."""
    one = add_command(
        actions, "preview", "draw images before and after steps of preprocessing", EXAMPLE
    )
    one.add_argument("spec", type=place, metavar="SPEC", help=spec)
    add_steps(one)
    one.add_argument("--out", metavar="PNG", type=png_file, required=True, help="file to write")
    one.add_argument("--count", metavar="N", type=positive_int, default=4, help="images (4)")
    add_part(one, "train")
    one.add_argument("--seed", metavar="S", type=seed, help="choose at random, not evenly spread")
    add_size(one, "bring images to NxN pixels")
    add_id_pattern(one)
    add_json(one)
    one.set_defaults(run=run, parser=one)


def run(args: argparse.Namespace) -> int:
    """Draw the figure."""
    from minicnn import data
    from minicnn.cli.data import chosen, refuse_unwritable
    from minicnn.data.montage import caption_of
    from minicnn.data.preprocess.spec import parse_preprocess
    from minicnn.data.wording import count_of
    from minicnn.plots.rows import plot_rows

    refuse_unwritable(args.out)
    if not args.step:
        raise ArgumentError(
            "there is no step to show; give at least one, as --step clahe (see --help)"
        )
    preprocess = parse_preprocess(args.step)
    splits = data.load(args.spec, size=args.size, id_pattern=args.id_pattern, progress=shows_bars())
    preprocess.output_shape(splits.image_shape)
    if not preprocess.fitted:
        # Only the normalisation is measured on many images, and only if somebody asks to see it.
        if preprocess.steps[-1].name in {word.partition(":")[0] for word in args.step}:
            preprocess.fit(splits.train.images)
        else:
            preprocess.steps.pop()
    dataset = chosen(args, splits, args.count)
    columns = stages(dataset.images, preprocess.steps, args.step)
    captions = [caption_of(dataset, i) for i in range(len(dataset))]
    title = f"{splits.name}, {args.split}: {' '.join(args.step)}"
    plot_rows(columns, captions, args.out, title=title, histograms=True)
    if args.json:
        print_json(
            {
                "file": str(args.out),
                "data": splits.name,
                "split": args.split,
                "count": len(dataset),
                "steps": [step.to_config() for step in preprocess.steps],
                "image_shape": list(columns[-1][1].shape[1:]),
            }
        )
    else:
        number = count_of(len(dataset), "image")
        print(f"{printable(args.out)}: {number} of {printable(splits.name)} before and after")
    return 0


def stages(images: NDArray, steps: list[Step], words: list[str]) -> list[tuple[str, NDArray]]:
    """Return the images (K, C, H, W) as they are and after each step, as floats to be shown."""
    from minicnn.data.preprocess.pipeline import to_float

    x = to_float(images)
    columns = [("as it is", x)]
    for step, word in zip(steps, words, strict=True):
        x = step(x)
        shown = (x - DARKEST) / (BRIGHTEST - DARKEST) if step.last else x
        columns.append((word.replace(":", "\n").replace(",", " "), shown))
    return columns
