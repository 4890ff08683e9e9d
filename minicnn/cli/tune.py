"""``minicnn tune``: search for good hyper-parameters, on train and val alone."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli.arguments import (
    add_command,
    add_id_pattern,
    add_json,
    add_size,
    add_split_by,
    place,
    positive_int,
    seed,
    whole_number,
)
from minicnn.cli.output import columns, note, print_json, printable, say, shows_bars
from minicnn.errors import ArgumentError, StateError

if TYPE_CHECKING:
    from minicnn.tuning.folder import SearchDir
    from minicnn.tuning.settings import Settings

INTERRUPTED = 130
ROOT = Path("runs")
SHOWN = 10
METHODS = ("random", "halving")
METRICS = ("auc", "accuracy", "loss")
# What makes a search; a resumed one has it in its folder.
GIVEN = (
    "data",
    "space",
    "size",
    "id_pattern",
    "split_by",
    "method",
    "trials",
    "epochs",
    "min_epochs",
    "eta",
    "metric",
    "seed",
)
EXAMPLE = """examples:
  minicnn tune --data pneumoniamnist --trials 20 --jobs 2 --out runs/search
  minicnn tune --data chest_xray/ --method halving --trials 27 --epochs 9
  minicnn tune --resume runs/search
  minicnn train --config runs/search/best.json

The space is a JSON or TOML file of options of minicnn train and how each may vary:
  lr = {log_uniform = [1e-3, 1e-2]}     augment_strength = {uniform = [0, 2]}
  epochs = {int = [4, 12]}              batch_size = {log_int = [16, 128]}
  model = ["lungnet", "lenet"]          optimizer = "adamw"  (fixed)
Also: width, l1, l2, weight_decay, augment, augment_with. Without --space: lr, batch_size,
epochs, width, augment_strength, weight_decay, l1 and l2 in the usual ranges.

The test part is never loaded: trials are judged on val. The folder holds search.json,
trials/, table.csv, parallel.png, best.json and results.json.
"""


def add_parser(subparsers: Any) -> None:
    """Add this command to the command line."""
    parser = add_command(
        subparsers, "tune", "search for good hyper-parameters on train and val", EXAMPLE
    )
    add = parser.add_argument
    add(
        "--data",
        type=place,
        metavar="SPEC",
        help="a data set's name, an .npz file or a folder of images",
    )
    add("--space", type=place, metavar="FILE", help="what may vary, as JSON or TOML (see below)")
    add("--method", choices=METHODS, help="all to the end, or the better ones longer (random)")
    add("--trials", type=positive_int, metavar="N", help="sets of values to draw (20)")
    add("--epochs", type=positive_int, metavar="N", help="of every trial; for halving of the last")
    add("--min-epochs", type=positive_int, metavar="N", help="halving: the fewest epochs (1)")
    add("--eta", type=whole_number(2), metavar="N", help="halving: one of N goes on (3)")
    add("--metric", choices=METRICS, help="what decides, on val (auc)")
    add("--jobs", type=positive_int, metavar="N", default=1, help="processes at once (1)")
    add_size(parser, "bring images to NxN pixels")
    add_id_pattern(parser)
    add_split_by(parser)
    add("--seed", type=seed, metavar="S", help="decides the values and every training (0)")
    add("--resume", type=place, metavar="DIR", help="go on with the search in DIR")
    add("--out", type=place, metavar="DIR", help="the new folder (runs/tune-DATA-N)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search; return 0, or 130 after Ctrl-C. Errors are raised as `MinicnnError`."""
    from minicnn.tuning.display import Display
    from minicnn.tuning.folder import SearchDir
    from minicnn.tuning.search import search
    from minicnn.tuning.settings import Settings

    folder: SearchDir | None = None
    try:
        if args.resume is not None:
            _refuse_other_options(args)
            folder = SearchDir.open(args.resume)
            settings = Settings.from_json(folder.read_config().get("settings"))
        else:
            settings = _settings(args)
            folder = _new_folder(args.out, settings)
        say(f"folder  {printable(folder.path)}")
        try:
            results = search(
                folder, settings, jobs=args.jobs, watcher=Display(), progress=shows_bars()
            )
        except StateError:
            raise
        except Exception:
            # A mistyped command must not block the corrected one.
            if args.resume is None:
                folder.discard()
            raise
    except KeyboardInterrupt:
        say("\n" + _after_interrupt(folder))
        return INTERRUPTED
    for sentence in results["notes"]:
        note(sentence)
    if args.json:
        print_json(results)
    else:
        _print(results, settings, folder)
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    from minicnn.cli.config import read_table
    from minicnn.cli.train import default_data
    from minicnn.training.options import settled_spec
    from minicnn.tuning.settings import Settings
    from minicnn.tuning.space import DEFAULT

    names = {"min_epochs": "smallest"}
    given = {names.get(n, n): getattr(args, n) for n in GIVEN if getattr(args, n) is not None}
    if args.method != "halving":
        for name in ("min_epochs", "eta"):
            if getattr(args, name) is not None:
                raise ArgumentError(
                    f"--{name.replace('_', '-')} is for successive halving; add --method halving, "
                    f"or leave it out"
                )
    space = DEFAULT if args.space is None else read_table(args.space, "space")
    if args.space is None and args.method == "halving":
        space = {name: entry for name, entry in space.items() if name != "epochs"}
    # Checked before anything is downloaded; the name of the data comes after.
    settings = Settings(**given | {"data": "phantom", "space": space})
    spec = default_data() if args.data is None else settled_spec(args.data)
    return Settings(**settings.to_json() | {"data": spec})


def _new_folder(out: str | None, settings: Settings) -> SearchDir:
    from minicnn import __version__
    from minicnn.tuning.folder import SearchDir

    config = {"minicnn": __version__, "settings": settings.to_json()}
    if out is not None:
        folder = SearchDir.create(out, config)
    else:
        data = Path(settings.data)
        stem = data.stem if data.suffix == ".npz" else data.name
        name = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "data"
        folder = SearchDir.create_next(ROOT, f"tune-{name}", config)
    return folder


def _refuse_other_options(args: argparse.Namespace) -> None:
    given = [name for name in (*GIVEN, "out") if getattr(args, name) is not None]
    if given:
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise ArgumentError(
            f"--resume goes on with the options the search began with, so it cannot take {flags}; "
            "drop them, or start a new search without --resume"
        )


def _print(results: dict[str, Any], settings: Settings, folder: SearchDir) -> None:
    from minicnn.tuning.ranking import table_rows

    rows = table_rows(results["trials"], settings.parsed(), settings.metric)
    print(columns(rows[: SHOWN + 1]))
    if len(rows) > SHOWN + 1:
        print(f"and {len(rows) - SHOWN - 1:,} more in {printable(folder.table)}")
    counts = results["counts"]
    lost = [f"{counts[kind]} {kind}" for kind in ("diverged", "failed") if counts[kind]]
    if lost:
        print(f"without a score: {', '.join(lost)} (the reasons are in the table)")
    print(f"\npicture: {printable(folder.picture)}")
    print(f"train with the best: minicnn train --config {shlex.quote(str(folder.best))}")


def _after_interrupt(folder: SearchDir | None) -> str:
    if folder is None or not folder.config.is_file():
        return "interrupted before anything was begun"
    done = len(list(folder.trials.glob("[0-9]*.json")))
    return (
        f"interrupted; {done} finished trainings are kept; "
        f"go on with: minicnn tune --resume {shlex.quote(str(folder.path))}"
    )
