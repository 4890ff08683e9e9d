"""``minicnn train``: from a data set to a trained model and its report, in one line."""

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
    nonnegative_float,
    number,
    place,
    positive_float,
    positive_int,
    seed,
)
from minicnn.cli.output import figures, note, print_json, printable, say
from minicnn.cli.steps import STEPS, add_augment_with, add_steps
from minicnn.errors import ArgumentError, MinicnnError

if TYPE_CHECKING:
    from minicnn.training.options import Options
    from minicnn.training.rundir import RunDir

INTERRUPTED = 130
# Those of minicnn.training.options, which is too slow to import for --help.
WIDTHS = {"minimum": 0.1, "maximum": 10.0}
STRENGTHS = {"minimum": 0.0, "maximum": 3.0}
ROOT = Path("runs")
# What the recipe decides unless it is given.
CHOICES = (
    "size",
    "id_pattern",
    "split_by",
    "model",
    "width",
    "epochs",
    "batch_size",
    "optimizer",
    "lr",
    "l1",
    "l2",
    "weight_decay",
    "augment",
    "augment_strength",
    "augment_with",
    "step",
    "patience",
)
EXAMPLE = f"""examples:
  minicnn train
  minicnn train --data pneumoniamnist --epochs 15 --seed 1 --out runs/first
  minicnn train --data photos/ --size 64 --model lenet --no-augment
  minicnn train --data chest_xray/ --size 64 --step align --step clahe:clip=3,tiles=4
  minicnn train --augment-with rotation=15,noise=0.05,mixup=0.2
  minicnn train --config runs/search/best.json --epochs 30
  minicnn train --resume runs/first

Options left out are chosen from the task and the shape of the images; the choices are
printed, and kept in config.json. The run folder holds config.json, history.csv,
metrics.json, model.npz, report.html, curves.png, confusion.png and roc.png.

--config reads options from a JSON or TOML file, named as here without the dashes
(batch_size = 32, augment = false); what is given beside it on the command line wins.

{STEPS}"""


def add_parser(subparsers: Any) -> None:
    """Add this command to the command line."""
    parser = add_command(
        subparsers, "train", "train a network and write a run folder with its report", EXAMPLE
    )
    add = parser.add_argument
    add(
        "--data",
        type=place,
        metavar="SPEC",
        help="a data set's name, an .npz file or a folder of images",
    )
    add_size(parser, "bring images to NxN pixels")
    add_id_pattern(parser)
    add_split_by(parser)
    add("--model", metavar="NAME", help="network from the zoo (lungnet, lenet, ...)")
    add("--width", type=number(**WIDTHS), metavar="X", help="times as many channels (1)")
    add("--epochs", type=positive_int, metavar="N", help="passes over the training images")
    add("--batch-size", type=positive_int, metavar="B", help="images per step")
    add("--optimizer", metavar="NAME", help="adamw, adam, sgd, rmsprop or adagrad")
    add("--lr", type=positive_float, metavar="X", help="largest learning rate")
    add("--l1", type=nonnegative_float, metavar="X", help="strength of the L1 penalty")
    add("--l2", type=nonnegative_float, metavar="X", help="strength of the L2 penalty")
    add("--weight-decay", type=nonnegative_float, metavar="X", help="the optimizer's decay")
    add(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="change the training images at random (on unless told)",
    )
    add(
        "--augment-strength",
        type=number(**STRENGTHS),
        metavar="X",
        help="times the usual changes, 0 to 3 (1)",
    )
    add_augment_with(parser)
    add_steps(parser)
    add("--patience", type=positive_int, metavar="N", help="stop after N epochs without gain")
    add("--seed", type=seed, metavar="S", help="decides weights, order, augmentation (0)")
    add("--config", type=place, metavar="FILE", help="read options from a JSON or TOML file")
    add("--resume", type=place, metavar="DIR", help="go on with the run in DIR")
    add("--out", type=place, metavar="DIR", help="the new run folder (runs/DATA-MODEL-N)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; return 0, or 130 after Ctrl-C. Errors are raised as `MinicnnError`."""
    from minicnn.data.wording import count_of
    from minicnn.training.job import TrainingJob
    from minicnn.training.rundir import RunDir

    folder: RunDir | None = None
    try:
        if args.resume is not None:
            _refuse_other_options(args)
            folder = RunDir.open(args.resume)
            job = TrainingJob.of(folder, say, progress=True)
        else:
            job = TrainingJob(_options(args), say, progress=True)
            folder = _new_folder(args.out, job)
        say(f"run     {printable(folder.path)}")
        metrics = job.run(folder, resume=args.resume is not None)
    except KeyboardInterrupt:
        say("\n" + _after_interrupt(folder))
        return INTERRUPTED
    for sentence in metrics.get("notes", ()):
        note(sentence)
    if args.json:
        print_json(metrics)
    else:
        number = count_of(metrics["n"], "image")
        print(f"{metrics['model']} on {printable(metrics['data'])}, test: {number}\n")
        print(figures(metrics))
        print(f"\nreport: {printable(folder.report)}")
    return 0


def _options(args: argparse.Namespace) -> Options:
    from minicnn.cli.config import read_config
    from minicnn.training.options import Options, settled_spec

    given = {} if args.config is None else read_config(args.config)
    if args.augment is False:
        given.pop("augment_strength", None)
        given.pop("augment_with", None)
    if args.augment_strength is not None or args.augment_with is not None:
        given.pop("augment", None)
    named = {name: getattr(args, name) for name in ("data", *CHOICES, "seed")}
    given |= {name: value for name, value in named.items() if value is not None}
    spec = given.pop("data", None)
    # Checked before anything is downloaded; the name of the data comes after.
    options = Options(data="phantom", **given)
    spec = default_data() if spec is None else settled_spec(spec)
    return Options(**options.to_json() | {"data": spec})


def default_data() -> str:
    """Choose the data where none was named, and say so."""
    from minicnn import data

    spec, reason = data.default_spec(progress=True)
    if reason is None:
        say(f"no --data given: training on {spec}")
    else:
        say(
            f"no --data given, and {reason}\n"
            f"Training on the built-in phantoms instead: synthetic chest radiographs of nobody."
        )
    return spec


def _new_folder(out: str | None, job: Any) -> RunDir:
    from minicnn.training.recipe import MODEL
    from minicnn.training.rundir import RunDir

    if out is not None:
        return RunDir.create(out, job.config())
    data = Path(job.options.data)
    stem = data.stem if data.suffix == ".npz" else data.name
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "data"
    return RunDir.create_next(ROOT, f"{name}-{job.options.model or MODEL}", job.config())


def _refuse_other_options(args: argparse.Namespace) -> None:
    names = ("data", *CHOICES, "seed", "config", "out")
    given = [name for name in names if getattr(args, name) is not None]
    if given:
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise ArgumentError(
            f"--resume goes on with the options the run began with, so it cannot take {flags}; "
            "drop them, or start a new training without --resume"
        )


def _after_interrupt(folder: RunDir | None) -> str:
    if folder is None or not folder.config.is_file():
        return "interrupted before anything was begun"
    resume = f"go on with: minicnn train --resume {shlex.quote(str(folder.path))}"
    try:
        from minicnn.training.checkpoint import Checkpoint

        epochs = Checkpoint.load(folder.checkpoint).epoch
        total = folder.read_config()["recipe"]["epochs"]
    except (MinicnnError, KeyError):
        return f"interrupted before the first epoch was finished; {resume}"
    return f"interrupted; {epochs} of {total} epochs are saved in {folder.path}; {resume}"
