"""Types of arguments that several commands share; what does not fit exits 2 with a reason."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError

PARTS = ("test", "val", "train", "all")
LARGEST_SEED = 2**63 - 1


def whole_number(minimum: int = 0, maximum: int | None = None) -> Callable[[str], int]:
    """Return a type for whole numbers from ``minimum`` to ``maximum``."""

    def parse(text: str) -> int:
        limit = f"from {minimum} to {maximum}" if maximum is not None else f"of at least {minimum}"
        try:
            value = check_count("value", int(text), minimum=minimum)
        except (ValueError, ArgumentError):
            raise argparse.ArgumentTypeError(
                f"{text!r} does not fit; give a whole number {limit}"
            ) from None
        if maximum is not None and value > maximum:
            raise argparse.ArgumentTypeError(f"{text!r} does not fit; give a whole number {limit}")
        return value

    return parse


def number(**bounds: float) -> Callable[[str], float]:
    """Return a type for finite numbers within ``minimum``, ``above``, ``maximum``, ``below``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        try:
            return check_number("value", value, **bounds)
        except ArgumentError as error:
            expected = str(error).partition("; ")[2]
            raise argparse.ArgumentTypeError(f"{text!r} does not fit; {expected}") from None

    return parse


positive_int = whole_number(1)
seed = whole_number(0, LARGEST_SEED)
image_size = whole_number(8, 1024)
positive_float = number(above=0)
nonnegative_float = number(minimum=0)
fraction = number(minimum=0, maximum=1)


def place(text: str) -> str:
    """Return a path, or the name of data, that is not empty."""
    # As a path an empty text would mean the current folder.
    if not text:
        raise argparse.ArgumentTypeError("empty path; give the name of a file or folder")
    return text


def png_file(text: str) -> Path:
    """Return a path that ends in .png."""
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"{text!r} does not fit; give a file name ending in .png")
    return path


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, and nothing else, on stdout"
    )


def add_part(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--split``."""
    parser.add_argument(
        "--split", choices=PARTS, default=default, help=f"which part of the data ({default})"
    )


def add_size(parser: argparse.ArgumentParser, help: str) -> None:
    """Add ``--size``."""
    parser.add_argument("--size", type=image_size, metavar="N", help=help)


def add_id_pattern(parser: argparse.ArgumentParser) -> None:
    """Add ``--id-pattern``."""
    parser.add_argument(
        "--id-pattern", metavar="RE", help="regular expression for the patient in file names"
    )


def add_split_by(parser: argparse.ArgumentParser) -> None:
    """Add ``--split-by``."""
    parser.add_argument(
        "--split-by",
        choices=("patient", "image"),
        help="what stays together where a folder brings no split (patient); image leaks",
    )


def add_command(subparsers: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    """Add a command with its one-line summary and its examples."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser
