"""``minicnn data audit``: what the parts of a data set have in common, and should not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from minicnn.cli.arguments import (
    add_command,
    add_id_pattern,
    add_json,
    add_size,
    add_split_by,
    number,
    place,
    png_file,
    positive_int,
)
from minicnn.cli.output import columns, note, print_json, printable, shows_bars

if TYPE_CHECKING:
    from minicnn.data.audit import Audit

LEAKS = 1
LISTED = 10
# That of minicnn.data.duplicates, which is too slow to import for --help.
NEAR = 0.9
EXAMPLE = """examples:
  minicnn data audit chest_xray/
  minicnn data audit chest_xray/ --split-by image --out pairs.png
  minicnn data audit mine.npz --near 0.95 --json

Looks for images that occur in two parts, exactly or nearly, for patients in two parts, and
for classes whose share differs. Exit code 1 where images or patients are shared, else 0.
"""


def add_parser(actions: Any, spec_help: str) -> None:
    """Add this command to those of ``minicnn data``."""
    parser = add_command(
        actions, "audit", "look for images and patients that occur in two parts", EXAMPLE
    )
    parser.add_argument("spec", type=place, metavar="SPEC", help=spec_help)
    add_size(parser, "bring images to NxN pixels")
    add_id_pattern(parser)
    add_split_by(parser)
    parser.add_argument(
        "--near",
        type=number(above=0, maximum=1),
        default=NEAR,
        metavar="X",
        help=f"similarity from which two images count as the same ({NEAR})",
    )
    parser.add_argument(
        "--out", metavar="PNG", type=png_file, help="draw the most similar pairs into a file"
    )
    parser.add_argument(
        "--count", metavar="N", type=positive_int, default=24, help="pairs to draw (24)"
    )
    add_json(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Audit; return 1 where something leaks, else 0."""
    from minicnn import data
    from minicnn.cli.data import refuse_unwritable
    from minicnn.data.audit import audit
    from minicnn.data.pair_sheet import save_pair_sheet

    if args.out is not None:
        refuse_unwritable(args.out)
    splits = data.load(
        args.spec,
        size=args.size,
        id_pattern=args.id_pattern,
        split_by=args.split_by,
        progress=shows_bars(),
    )
    found = audit(splits, args.near, progress=shows_bars())
    if args.out is not None:
        closest = [*found.pairs, *(p for p in found.closest if p not in found.pairs)]
        save_pair_sheet(found, closest[: args.count], args.out)
    if args.json:
        print_json(found.to_json() | {"file": None if args.out is None else str(args.out)})
    else:
        _print(found)
        if args.out is not None:
            print(f"\npairs: {printable(args.out)}")
        for sentence in splits.notes:
            note(sentence)
    return LEAKS if found.leaks else 0


def _print(found: Audit) -> None:
    from minicnn.data.wording import count_of

    splits = found.splits
    size = "x".join(map(str, splits.image_shape[1:]))
    number = count_of(sum(splits.sizes.values()), "image")
    print(f"{printable(splits.name)}: {number} of {size} pixels\n")
    print(_balance(found))
    print()
    print(_shared(found))
    for line in _list_pairs(found):
        print(line)
    print()
    for part, name, share, errors in found.striking():
        print(
            f"{name} is {'commoner' if errors > 0 else 'rarer'} in {part} ({share:.1%}) than "
            f"elsewhere, by {abs(errors):.1f} standard errors"
        )
    print(_verdict(found))


def _balance(found: Audit) -> str:
    parts = found.splits.sizes
    rows = [["share of images", *parts], ["images", *(f"{n:,}" for n in parts.values())]]
    for name in found.splits.classes:
        rows.append([f"  {name}", *(f"{found.balance[part][name][0]:.1%}" for part in parts)])
    if any(found.repeats.values()):
        rows.append(["  identical to another", *(f"{n:,}" for n in found.repeats.values())])
    return columns(rows)


def _shared(found: Audit) -> str:
    shared = found.shared
    rows = [
        ["in common", *("-".join(couple) for couple in shared)],
        ["identical images", *(f"{s.exact:,}" for s in shared.values())],
        [f"near duplicates ({found.near:g})", *(f"{s.near:,}" for s in shared.values())],
    ]
    if any(s.patients is not None for s in shared.values()):
        rows.append(["patients", *(_or_unknown(s.patients) for s in shared.values())])
        rows.append(["  their images", *(_or_unknown(s.images) for s in shared.values())])
    if found.by_image is not None:
        rows.append(["patients, if split by image", *(f"{n:,}" for n in found.by_image.values())])
    return columns(rows)


def _or_unknown(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _list_pairs(found: Audit) -> list[str]:
    lines = []
    for pair in found.pairs[:LISTED]:
        sides = []
        for side in found.describe(pair)["images"]:
            what = ", ".join(side["labels"]) or "no finding"
            name = side["index"] if side["name"] is None else side["name"]
            sides.append(f"{side['part']} {printable(name)} ({what})")
        words = "identical" if pair.exact else f"{pair.similarity:.3f}"
        lines.append(f"  {words:>9}  {' and '.join(sides)}")
    if len(found.pairs) > LISTED:
        lines.append(f"  and {len(found.pairs) - LISTED:,} more; --json lists all, --out draws")
    return ["", *lines] if lines else []


def _verdict(found: Audit) -> str:
    if found.leaks:
        return "LEAKS: parts have images or patients in common, so scores are too good"
    if all(s.patients is None for s in found.shared.values()):
        return "clean: no image is in two parts (patients are unknown)"
    return "clean: no image and no patient is in two parts"
