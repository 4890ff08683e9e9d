"""The command ``minicnn``: finds the command, runs it, and turns errors into one line.

Exit codes: 0, 1 (what was checked failed), 2 (bad usage or input), 130 (Ctrl-C).
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from minicnn import __version__
from minicnn.cli import data, evaluate, gradcheck, predict, train, tune
from minicnn.cli.output import note, one_line, say
from minicnn.cli.parser import Parser
from minicnn.errors import MinicnnError

# Each has add_parser(subparsers), which names the function to run as the default of `run`;
# that function imports what is slow.
COMMANDS = {
    "train": train,
    "tune": tune,
    "evaluate": evaluate,
    "predict": predict,
    "gradcheck": gradcheck,
    "data": data,
}
BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell reports for a program stopped by SIGPIPE
DEBUG_OPTION = "--debug"
DEBUG_VARIABLE = "MINICNN_DEBUG"
EXAMPLE = """examples:
  minicnn train
  minicnn train --data pneumoniamnist --out runs/first
  minicnn evaluate runs/first
  minicnn predict runs/first chest.png

Each command explains itself: minicnn train --help. What it writes is for teaching and
research, not for clinical use.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Parameters
    ----------
    argv
        The arguments after ``minicnn``; by default those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = DEBUG_OPTION in words or os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
    words = [word for word in words if word != DEBUG_OPTION]
    _replace_closed_streams()
    _make_streams_forgiving()
    try:
        with _warnings_as_notes():
            code = _run(words)
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        say("\nminicnn: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except SystemExit as leaving:  # --help and --version
        return leaving.code if isinstance(leaving.code, int) else 0
    except Exception as error:
        if debug:
            traceback.print_exc()
        with contextlib.suppress(OSError):
            say(f"minicnn: error: {one_line(_explain(error))}")
        _silence_a_broken_stdout()
        return BAD_INPUT


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """Return the parser, and those of the commands by name."""
    parser = Parser(
        prog="minicnn",
        description="Convolutional networks written by hand, trained on chest X-rays.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--version", action="version", version=f"minicnn {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for module in COMMANDS.values():
        module.add_parser(commands)
    return parser, dict(commands.choices)


def _run(words: list[str]) -> int:
    parser, commands = build_parser()
    args, leftovers = parser.parse_known_args(words)
    if args.command is None:
        if leftovers:
            parser.refuse_leftovers(leftovers)
        parser.error(f"no command given; choose one of {', '.join(COMMANDS)}")
    if leftovers:
        # A command with commands of its own names the parser that was used.
        used: Parser = getattr(args, "parser", commands[args.command])
        used.refuse_leftovers(leftovers)
    return int(args.run(args))


def _explain(error: Exception) -> str:
    if isinstance(error, MinicnnError):
        return str(error)
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        return f"the memory does not suffice{detail}; take smaller batches, images or data"
    if isinstance(error, OSError):
        return _explain_os_error(error)
    return (
        f"{type(error).__name__}: {error} (unexpected, so probably a mistake in minicnn; "
        f"with {DEBUG_VARIABLE}=1 it shows where, please report that)"
    )


def _explain_os_error(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return reason
    return f"{os.fsdecode(error.filename)}: {reason}"


@contextlib.contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Show each warning as one line without the source code it came from."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        note(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _replace_closed_streams() -> None:
    # A stream closed by the shell (2>&-) is None, and print takes None for stdout.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, nowhere)


def _make_streams_forgiving() -> None:
    # A file name or a class may hold letters this terminal cannot show.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with contextlib.suppress(ValueError, OSError):
                reconfigure(errors="backslashreplace")


def _silence_a_broken_stdout() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()


def _silence_stdout() -> None:
    # Nothing can be written there; without this Python complains once more at its end.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
