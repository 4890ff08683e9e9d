"""``minicnn gradcheck``: is a hand-written backward pass right, and if not, what is wrong."""

from __future__ import annotations

import argparse
import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli import selfchecks
from minicnn.cli.arguments import add_command, add_json, number, place, png_file, seed
from minicnn.cli.output import note, print_json, printable, say
from minicnn.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from minicnn.checking.report import Report

WRONG = 1
TIME_LIMIT = 60.0
SHOWN = 20  # lines of what the user's code prints
OWN_OPTIONS = ("input", "init", "wrt", "plot", "markdown")
EXAMPLE = """examples:
  minicnn gradcheck conv.py:Conv2d --init '[3, 4, 3]' --input 2,3,5,6
  minicnn gradcheck layers.py:affine --input 5,4 --input 4,3 --input 3
  minicnn gradcheck losses.py:softmax_loss --input 4,3 --input labels:4:3 --json
  minicnn gradcheck --library

what NAME can be:
  a class (made with --init), an object, a function that returns an object,
  a pair of functions: affine, where affine_forward and affine_backward exist, or one of
    the two names, as conv_forward_naive, or both, FILE.py:fw,bw,
    with y, cache = fw(x, w) and dx, dw = bw(dy, cache),
  one function with loss, dx = f(x, y)

what --input can say, once for each argument of forward:
  2,3,5,6            normal random numbers of that shape
  positive:2,3       between 0.5 and 1.5
  binary:4,3         0.0 or 1.0
  labels:4:3         4 integers below 3; labels:4,5:3 for a shape
  onehot:4:3         4 rows of 3 numbers, one of them 1.0
  json:{"pad": 1}    a constant: a dict, a number, null, a text, a list
  x.npy              an array from a file
Without --input the file's own NAME_inputs() or gradcheck_inputs() makes them.

The file runs in a process of its own, with its folder as the first place for imports.
Exit code 0: right (PASS, PASS_AT_KINK). 1: wrong or undecided (FAIL, INCONCLUSIVE).
2: the check could not be made, and one line says why.
"""


def add_parser(subparsers: Any) -> None:
    """Add this command to the command line."""
    parser = add_command(
        subparsers, "gradcheck", "check a hand-written backward pass, and name the mistake", EXAMPLE
    )
    parser.add_argument(
        "target", nargs="?", type=place, metavar="FILE.py:NAME", help="what to check"
    )
    parser.add_argument(
        "--input", action="append", metavar="WHAT", help="an argument of forward (see below)"
    )
    parser.add_argument(
        "--init", metavar="JSON", help="arguments of the class: a list, or an object by name"
    )
    parser.add_argument("--wrt", metavar="NAMES", help="check these alone: x,weight (everything)")
    parser.add_argument("--seed", type=seed, help="seed of everything random (0)")
    parser.add_argument(
        "--time-limit",
        type=number(above=0, maximum=1e6),
        metavar="S",
        help=f"seconds the file may take ({TIME_LIMIT:g}), or --mutants and --fuzz (no limit)",
    )
    parser.add_argument("--plot", type=png_file, metavar="PNG", help="draw the gradients")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, too")
    selfchecks.add_options(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check; return 0 if the gradients are right, else 1."""
    mode = selfchecks.chosen(args)
    if mode is not None:
        for name in OWN_OPTIONS:
            if getattr(args, name) is not None:
                raise ArgumentError(f"--{name} is for a file of yours; leave it out with --{mode}")
        return selfchecks.run(mode, args)
    if args.target is None:
        raise ArgumentError(
            "there is nothing to check; name a file and what to check in it, FILE.py:NAME, or "
            "one of --library, --planted, --mutants, --fuzz (help: minicnn gradcheck --help)"
        )
    return _check(args)


def _check(args: argparse.Namespace) -> int:
    from minicnn.checking.errors import CheckError
    from minicnn.checking.userfile import check_file

    path, name = _split(args.target)
    for out in (args.plot, args.markdown):
        if out is not None:
            _refuse_unwritable(out, path)
    try:
        _understand(args)
        outcome = check_file(
            path,
            name,
            args.input or (),
            init=args.init,
            wrt=args.wrt,
            seed=args.seed or 0,
            time_limit=TIME_LIMIT if args.time_limit is None else args.time_limit,
            arrays=args.plot is not None,
        )
    except CheckError as error:
        _relay(getattr(error, "printed", ""))
        raise DataError(str(error)) from error
    _relay(outcome.printed)
    report = outcome.report
    _write(report, args)
    if args.json:
        print_json(_as_dict(report, path, name, args))
    else:
        # Each line as it is, but nothing in it that the terminal would obey.
        print("\n".join(map(printable, str(report).splitlines())))
        if args.plot is not None:
            print(f"picture: {printable(args.plot)}")
    return 0 if report.ok else WRONG


def _as_dict(report: Report, path: Path, name: str, args: argparse.Namespace) -> dict[str, Any]:
    from minicnn.checking.wording import report_as_dict

    return {
        "file": str(path),
        "name": name,
        **report_as_dict(report),
        "picture": None if args.plot is None else str(args.plot),
        "markdown": None if args.markdown is None else str(args.markdown),
    }


def _understand(args: argparse.Namespace) -> None:
    """Complain about the inputs before a process is started."""
    from minicnn.checking.userfile.inputs import parse_input

    for text in args.input or ():
        parse_input(text)


def _split(target: str) -> tuple[Path, str]:
    """Part ``FILE.py:NAME``; on Windows a colon may stand in the path as well."""
    file, colon, name = target.rpartition(":")
    if not colon or any(mark in name for mark in "/\\") or name.endswith(".py"):
        file, name = target, ""
    path = Path(file).expanduser()
    if path.is_dir():
        raise DataError(f"{path} is a folder; one file is checked at a time; write FILE.py:NAME")
    if not path.is_file() and (path.exists() or path.is_symlink()):
        raise DataError(
            f"{path} is no regular file, or a link that leads nowhere; only a Python file can be "
            "imported; give the path of one"
        )
    if not path.is_file():
        near = _neighbour(path)
        hint = f"did you mean {near}? " if near else ""
        raise DataError(f"there is no file {path}; {hint}write FILE.py:NAME with the file's path")
    if path.suffix.lower() == ".ipynb":
        raise DataError(
            f"{path} is a notebook; only Python files can be imported; save it as one with "
            f"jupyter nbconvert --to script {path.name}"
        )
    if path.suffix.lower() != ".py":
        raise DataError(f"{path} does not end in .py; give a Python file, as in FILE.py:NAME")
    if not name.strip():
        names = _names(path)
        known = ", ".join(names) if names else "a class or a function in it"
        known = f"one of {known}" if len(names) > 1 else known
        raise DataError(
            f"{target} says which file, but not what to check in it; name {known}: "
            f"{path}:{names[0] if names else 'NAME'}"
        )
    return path, name.strip()


def _neighbour(path: Path) -> str | None:
    import difflib

    try:
        names = [p.name for p in path.parent.glob("*.py")]
    except OSError:
        return None
    names = [name for name in names if name != path.name]
    near = [f"{path.name}.py"] if f"{path.name}.py" in names else []
    near = near or difflib.get_close_matches(path.name, names, n=1)
    return str(path.parent / near[0]) if near else None


def _names(path: Path, most: int = 8) -> list[str]:
    """List, without running it, what a file holds: classes and forward functions first."""
    from minicnn.checking.userfile.finding import pair_of

    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    functions = [n.name for n in body if isinstance(n, ast.FunctionDef)]
    pairs = [
        name.removesuffix("_forward")
        for name in functions
        if name == (halves := pair_of(name))[0] and halves[1] in functions
    ]
    classes = [n.name for n in body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    others = [n for n in functions if not n.startswith("_")]
    return ((classes + pairs) or others)[:most]


def _refuse_unwritable(out: Path, checked: Path) -> None:
    if out.exists() and out.samefile(checked):
        raise ArgumentError(
            f"{out} is the file to be checked; the report would take its place; give another name"
        )
    # A device or a pipe would be replaced by a file, not written to.
    if not out.parent.is_dir() or (out.exists() and not out.is_file()):
        raise ArgumentError(
            f"{out} cannot be written: {out.parent} must be an existing folder and {out.name} a "
            "file in it; give another name"
        )


def _write(report: Report, args: argparse.Namespace) -> None:
    from minicnn.files import write_text

    if args.markdown is not None:
        write_text(args.markdown, report.to_markdown())
    if args.plot is not None:
        report.plot(args.plot)


def _relay(printed: str) -> None:
    """Show on stderr what the user's code printed; it is no part of the result."""
    lines = printed.splitlines()
    if not lines:
        return
    note("the code under test printed:")
    for line in lines[:SHOWN]:
        say(f"  | {printable(line.rstrip())[:200]}")
    if len(lines) > SHOWN:
        say(f"  | ... and {len(lines) - SHOWN:,} or more other lines")
