"""``minicnn data``: what data there are, and what they look like."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli import audit, augmented, preview
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
from minicnn.cli.output import columns, note, print_json, printable, shows_bars
from minicnn.cli.steps import STEPS
from minicnn.errors import ArgumentError, RunFolderError

if TYPE_CHECKING:
    from minicnn.data.dataset import Dataset, Splits
    from minicnn.data.registry import Family, Registered

EXAMPLE = """examples:
  minicnn data list
  minicnn data download pneumoniamnist
  minicnn data info chest_xray/
  minicnn data montage phantom --size 64 --out phantoms.png
  minicnn data audit chest_xray/
"""
COUNT = 24
SPEC = "a data set's name, an .npz file or a folder of images"


def add_parser(subparsers: Any) -> None:
    """Add this command and its own commands to the command line."""
    parser = add_command(
        subparsers, "data", "list, download, describe, check and show data", EXAMPLE
    )
    actions = parser.add_subparsers(
        title="commands", dest="action", metavar="ACTION", required=True
    )

    one = add_command(
        actions, "list", "list the data sets that have a name", "example:\n  minicnn data list"
    )
    add_json(one)
    one.set_defaults(run=_list, parser=one)

    one = add_command(
        actions,
        "download",
        "fetch a data set into the cache",
        "example:\n  minicnn data download pneumoniamnist --size 64",
    )
    one.add_argument("name", metavar="NAME", help="as minicnn data list shows it")
    add_size(one, "image size, where the name does not say it")
    add_json(one)
    one.set_defaults(run=_download, parser=one)

    one = add_command(
        actions,
        "info",
        "count images, classes and patients, and say how they are split",
        "example:\n  minicnn data info chest_xray/ --json",
    )
    one.add_argument("spec", type=place, metavar="SPEC", help=SPEC)
    add_size(one, "bring images to NxN pixels")
    add_id_pattern(one)
    add_json(one)
    one.set_defaults(run=_info, parser=one)

    audit.add_parser(actions, SPEC)
    preview.add_parser(actions, SPEC)

    one = add_command(
        actions,
        "montage",
        "draw a contact sheet of images with their labels",
        "examples:\n  minicnn data montage pneumoniamnist --out sheet.png --count 24\n"
        "  minicnn data montage pneumoniamnist --out sheet.png --augment\n"
        "  minicnn data montage phantom --out sheet.png --augment-with rotation=20,cutout=0.4\n\n"
        + STEPS,
    )
    one.add_argument("spec", type=place, metavar="SPEC", help=SPEC)
    one.add_argument("--out", metavar="PNG", type=png_file, required=True, help="file to write")
    one.add_argument("--count", metavar="N", type=positive_int, help=f"images ({COUNT})")
    augmented.add_options(one)
    add_part(one, "train")
    one.add_argument("--seed", metavar="S", type=seed, help="choose at random, not evenly spread")
    add_size(one, "bring images to NxN pixels")
    add_id_pattern(one)
    add_json(one)
    one.set_defaults(run=_montage, parser=one)


def run(args: argparse.Namespace) -> int:
    """Run the action that was named."""
    action = args.run
    return int(action(args))


def _list(args: argparse.Namespace) -> int:
    from minicnn.data import cache, registry

    families = registry.FAMILIES.values()
    if args.json:
        print_json(
            {
                "cache": str(cache.data_dir()),
                "data": [
                    {
                        "name": family.name,
                        "summary": family.summary,
                        "sizes": family.sizes,
                        "findings": family.findings or None,
                        "generated": family.generated,
                        "cached": _cached(family),
                        "licence": family.licence,
                        "credit": family.credit,
                    }
                    for family in families
                ],
            }
        )
        return 0
    rows = [["name", "sizes", "here", "licence", "what"]]
    for family in families:
        here = "drawn" if family.generated else ", ".join(map(str, _cached(family))) or "no"
        rows.append([family.name, family.sizes, here, family.licence, family.summary])
    print(columns(rows, left=len(rows[0])))
    print(
        f"\nAppend a size to the name, as in chestmnist-64; without one it is "
        f"{registry.DEFAULT_SIZE}.\nDownloads are kept in {printable(cache.data_dir())}.\n"
        f"Your own data: an .npz file in MedMNIST format, a folder with one folder of images\n"
        f"per class, or a folder in the layout of NIH ChestX-ray14."
    )
    return 0


def _cached(family: Family) -> list[int]:
    """Return the sizes whose files are in the cache (their MD5 is checked when loaded)."""
    from minicnn.data import cache

    folder = cache.data_dir()
    return [size for size, file in family.files.items() if (folder / file.name).is_file()]


def _download(args: argparse.Namespace) -> int:
    from minicnn.data import cache, registry

    entry = registry.find(args.name, args.size)
    if entry is None:
        raise registry.unknown_name(args.name)
    if entry.family.generated:
        raise ArgumentError(
            f"{entry.name} is drawn on this computer, so there is nothing to download; "
            f"use it at once: minicnn train --data {entry.name}"
        )
    there = cache.find_file(entry.file) is not None
    path = cache.fetch_file(entry.file, progress=True)
    if args.json:
        print_json(_downloaded(entry, path, there))
    else:
        print(f"{printable(path)} ({'was there already' if there else 'downloaded'}, MD5 checked)")
    return 0


def _downloaded(entry: Registered, path: Path, there: bool) -> dict[str, Any]:
    return {
        "name": entry.name,
        "file": str(path),
        "bytes": path.stat().st_size,
        "md5": entry.file.md5,
        "downloaded": not there,
        "credit": entry.family.credit,
    }


def _info(args: argparse.Namespace) -> int:
    from minicnn.evaluation.card import describe_data

    splits = _load(args)
    card = describe_data(splits)
    if args.json:
        print_json(card)
        return 0
    channels, height, width = card["image_shape"]
    colour = "grey" if channels == 1 else f"{channels} channels"
    kind = "findings" if splits.multilabel else "classes"
    name = printable(card["name"])
    print(f"{name}: {height}x{width} pixels, {colour}, {len(splits.classes)} {kind}\n")
    parts = card["parts"]
    rows = [["", *parts], ["images", *(f"{p['images']:,}" for p in parts.values())]]
    if any(p["patients"] is not None for p in parts.values()):
        counts = (p["patients"] for p in parts.values())
        rows.append(["patients", *("unknown" if n is None else f"{n:,}" for n in counts)])
    for name in splits.classes:
        counts = (p["classes"][name] for p in parts.values())
        rows.append([f"  {name}", *(f"{n:,}" for n in counts)])
    print(columns(rows))
    rule = card["split"].get("rule")
    if rule:
        print(f"\nsplit: {rule}")
    if card["credit"]:
        print(f"credit: {card['credit']}")
    for sentence in card["notes"]:
        note(sentence)
    return 0


def _montage(args: argparse.Namespace) -> int:
    from minicnn.data.montage import save_montage
    from minicnn.data.wording import count_of

    refuse_unwritable(args.out)
    if augmented.asked_for(args):
        return augmented.draw(args, _load(args))
    splits = _load(args)
    dataset = chosen(args, splits, args.count or COUNT)
    shown = len(dataset)
    save_montage(dataset, args.out, shown)
    if args.json:
        print_json(
            {"file": str(args.out), "data": splits.name, "split": args.split, "count": shown}
        )
    else:
        number = count_of(shown, "image")
        print(f"{printable(args.out)}: {number} of {printable(splits.name)}, {args.split}")
    return 0


def refuse_unwritable(out: Path) -> None:
    """Complain about a picture's name before the data are loaded, not after."""
    if not out.parent.is_dir() or out.is_dir():
        raise RunFolderError(
            f"{out} cannot be written: {out.parent} must be an existing folder and {out.name} a "
            f"file in it"
        )


def chosen(args: argparse.Namespace, splits: Splits, count: int) -> Dataset:
    """Choose images of ``--split``, evenly spread or by ``--seed``, the classes taking turns."""
    import numpy as np

    from minicnn.data.montage import choose

    dataset = splits.part(args.split)
    if args.seed is not None:
        # Enough at random for every class to be among them.
        rng = np.random.default_rng(args.seed)
        wanted = min(len(dataset), 20 * count)
        dataset = dataset.subset(np.sort(rng.choice(len(dataset), size=wanted, replace=False)))
    return dataset.subset(choose(dataset, count))


def _load(args: argparse.Namespace) -> Splits:
    from minicnn import data

    return data.load(args.spec, size=args.size, id_pattern=args.id_pattern, progress=shows_bars())
