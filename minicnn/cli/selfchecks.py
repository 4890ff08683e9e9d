"""The modes of ``minicnn gradcheck`` that turn the checker on this library, and on itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minicnn.cli.arguments import positive_int
from minicnn.cli.output import one_line, print_json, shows_bars
from minicnn.errors import ArgumentError

MODES = ("library", "planted", "mutants", "fuzz")
WRONG = 1
MUTANTS = 250


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the modes to the parser of ``minicnn gradcheck``."""
    modes = parser.add_argument_group("instead of a file: the library, and the checker itself")
    modes.add_argument(
        "--library", action="store_true", help="every layer, loss and model on every backend"
    )
    modes.add_argument(
        "--planted", action="store_true", help="a table of wrong and of tricky, right code"
    )
    modes.add_argument(
        "--mutants",
        nargs="?",
        type=positive_int,
        const=MUTANTS,
        metavar="N",
        help=f"the library's own backward passes, changed at random ({MUTANTS})",
    )
    modes.add_argument(
        "--fuzz", type=positive_int, metavar="N", help="N random networks, compared with torch too"
    )
    modes.add_argument(
        "--seeds", type=positive_int, metavar="N", help="with --planted: this many seeds (1)"
    )


def chosen(args: argparse.Namespace) -> str | None:
    """Return the mode that was asked for, or None for a file.

    Raises
    ------
    ArgumentError
        If more than one thing is to be checked, or an option has no use here.
    """
    modes = [mode for mode in MODES if getattr(args, mode) not in (None, False)]
    if len(modes) > 1 or (modes and args.target is not None):
        both = [*(["FILE.py:NAME"] if args.target else []), *(f"--{mode}" for mode in modes)]
        raise ArgumentError(
            f"{' and '.join(both[:2])} exclude each other; each is a check of its own; run them "
            "one after the other"
        )
    mode = modes[0] if modes else None
    if args.seeds is not None and mode != "planted":
        raise ArgumentError("--seeds is for --planted; for everything else there is --seed")
    if args.time_limit is not None and mode in ("library", "planted"):
        raise ArgumentError(
            f"--time-limit is for a file, --mutants and --fuzz; leave it out with --{mode}"
        )
    return mode


def run(mode: str, args: argparse.Namespace) -> int:
    """Run a mode and print what it found; return 0 if all is well, else 1."""
    seed = args.seed or 0
    with _progress() as progress:
        found = _found(mode, args, seed, progress)
    if args.json:
        print_json({"mode": mode, **found.to_dict()})
    else:
        print(found.to_text())
    return 0 if found.ok else WRONG


def _found(mode: str, args: argparse.Namespace, seed: int, progress: Any) -> Any:
    if mode == "library":
        from minicnn.selfcheck.library import check_library

        return check_library(progress=progress, seed=seed)
    if mode == "planted":
        from minicnn.selfcheck.planted.table import run_table

        return run_table(range(seed, seed + (args.seeds or 1)), progress)
    if mode == "mutants":
        from minicnn.selfcheck.mutants import run_mutants

        return run_mutants(args.mutants, seed, progress, seconds=args.time_limit)
    from minicnn.selfcheck.fuzz import fuzz

    return fuzz(args.fuzz, seed, args.time_limit, progress)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """Show on a terminal what is being checked, on one line that is wiped at the end."""
    if not shows_bars():
        yield None
        return
    width = 0

    def show(done: int, total: int, name: str) -> None:
        nonlocal width
        line = f"{done:,} of {total:,}  {one_line(name)[:50]}"
        sys.stderr.write(f"\r{line:{width}}")
        sys.stderr.flush()
        width = len(line)

    try:
        yield show
    finally:
        sys.stderr.write(f"\r{'':{width}}\r")
        sys.stderr.flush()
