"""The frame around every command: help, versions, hints, and errors as one line."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from minicnn import __version__
from minicnn.cli import main as module
from minicnn.errors import DataError

Cli = Callable[..., Any]
COMMANDS = [
    (),
    ("train",),
    ("evaluate",),
    ("predict",),
    ("gradcheck",),
    ("data",),
    ("data", "list"),
    ("data", "download"),
    ("data", "info"),
    ("data", "montage"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_an_example(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words, "--help")
    assert result.code == 0 and result.err == ""
    assert " ".join(["usage: minicnn", *words]) in result.out
    assert "example" in result.out and f"  {' '.join(['minicnn', *words])}" in result.out
    if words not in ((), ("data",)):
        assert "--json" in result.out


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"minicnn {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["no command given", "choose one of train, ", "minicnn --help"]),
        (("trian",), ["'trian' is unknown; did you mean train?"]),
        (("xyz",), ["'xyz' is unknown; known: train"]),
        (("data",), ["ACTION", "minicnn data --help"]),
        (("data", "lsit"), ["did you mean list?"]),
        (("data", "list", "--jsn"), ["no option --jsn; did you mean --json?", "data list --help"]),
        (("data", "list", "more"), ["unexpected argument 'more'"]),
        (("train", "--epoch", "3"), ["no option --epoch; did you mean --epochs?"]),
        (("train", "--epochs=0"), ["epochs"]),
        (("train", "--epochs", "1.5"), ["--epochs"]),
        (("train", "--lr", "nan"), ["--lr: 'nan'", "finite number > 0"]),
        (("train", "--lr", "inf"), ["--lr: 'inf'"]),
        (("train", "--l2", "-1"), ["--l2: '-1'"]),
        (("train", "--seed", "-1"), ["--seed: '-1'"]),
        (("predict", "model.npz"), ["IMAGE"]),
        (("evaluate", "m.npz", "--split", "tset"), ["--split 'tset'", "did you mean test?"]),
        (("evaluate", "m.npz", "--size", "0"), ["--size", "from 8 to 1024"]),
        (("--unknown",), ["no option --unknown"]),
    ],
)
def test_bad_usage_is_one_line_with_a_hint(cli: Cli, words: Any, expected: list[str]) -> None:
    cli(*words).assert_error(*expected)


def fake(monkeypatch: pytest.MonkeyPatch, action: Callable[[], Any]) -> None:
    """Put a command ``fake`` in the place of all others."""

    def add_parser(subparsers: Any) -> None:
        subparsers.add_parser("fake").set_defaults(run=lambda args: action() or 0)

    monkeypatch.setattr(module, "COMMANDS", {"fake": SimpleNamespace(add_parser=add_parser)})


def raising(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("two\nlines"), "minicnn: error: two lines"),
        (OSError(28, "No space left on device", "/x/y.png"), "/x/y.png: No space left on device"),
        (PermissionError(13, "Permission denied"), "minicnn: error: Permission denied"),
        (MemoryError("3 GiB"), "the memory does not suffice (3 GiB); take smaller"),
        (ZeroDivisionError("oops"), "ZeroDivisionError: oops (unexpected"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)
def test_errors_are_one_line_and_exit_2(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    fake(monkeypatch, raising(error))
    result = cli("fake")
    assert result.code == 2 and result.out == ""
    assert line in result.err and result.err.count("\n") == 1


def test_debug_shows_where(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, raising(DataError("bad")))
    for words, variable in (
        (("--debug", "fake"), None),
        (("fake", "--debug"), None),
        (("fake",), "1"),
    ):
        if variable:
            monkeypatch.setenv("MINICNN_DEBUG", variable)
        result = cli(*words)
        assert result.code == 2
        assert "Traceback" in result.err and "minicnn: error: bad" in result.err


def test_interrupt_is_130_with_a_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, raising(KeyboardInterrupt()))
    result = cli("fake")
    assert result.code == 130 and "minicnn: interrupted" in result.err


def test_a_broken_pipe_is_quiet(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_silence_stdout", lambda: None)
    fake(monkeypatch, raising(BrokenPipeError()))
    result = cli("fake")
    assert result.code == 141 and result.err == ""


def test_warnings_become_notes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def action() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("be\ncareful", stacklevel=1)

    fake(monkeypatch, action)
    result = cli("fake")
    assert result.code == 0 and result.err == "minicnn: note: be careful\n"


def test_an_exit_code_is_passed_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, lambda: 1)
    assert cli("fake").code == 1


def minicnn(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    # Without buffering every print would meet a closed or full stdout by itself.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-m", "minicnn", *words],
        env=environment,
        capture_output="stdout" not in options,
        text=True,
        timeout=60,
        **options,
    )


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    # Processor time: the wall clock also measures what else the machine is doing.
    code = (
        "import sys, time\n"
        "from minicnn.cli.main import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'numba', 'matplotlib', 'PIL', 'tqdm', 'urllib.request', 'h5py'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "print(time.process_time(), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stderr) < 1.0


def test_as_a_program() -> None:
    done = minicnn("data", "list")
    assert done.returncode == 0 and "pneumoniamnist" in done.stdout and done.stderr == ""
    done = minicnn("nonsense")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX systems")
def test_a_reader_that_leaves_early_sees_no_complaint() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = minicnn("data", "list", stdout=pipe, stderr=subprocess.PIPE)
    assert done.returncode == 141 and done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = minicnn("data", "list", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert "No space left" in done.stderr and "Traceback" not in done.stderr


def test_a_terminal_without_the_letters_gets_escapes() -> None:
    # A class called 肺炎 must not break the output where only ASCII can be shown.
    code = (
        "import sys\n"
        "from minicnn.cli import main as m\n"
        "sys.stdout.reconfigure(encoding='ascii')\n"
        "m._make_streams_forgiving()\n"
        "print('\\u80ba')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "\\u80ba"


SHELL = pytest.mark.skipif(os.name == "nt", reason="closing streams needs a POSIX shell")


def shell(ending: str) -> subprocess.CompletedProcess[str]:
    command = f'"$0" -m minicnn {ending}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, text=True, timeout=60
    )


@SHELL
def test_a_closed_stdout_is_no_error() -> None:
    done = shell("data list >&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = shell("nonsense >&-")
    assert done.returncode == 2 and done.stderr.count("\n") == 1


@SHELL
def test_a_closed_stderr_does_not_spill_into_stdout() -> None:
    done = shell("nonsense 2>&-")
    assert (done.returncode, done.stdout) == (2, "")
    # Asks whether stderr is a terminal.
    done = shell("data info phantom --json 2>&-")
    assert done.returncode == 0 and done.stdout.startswith("{") and done.stdout.endswith("}\n")


def test_an_interrupt_while_it_loads_is_130_with_a_line() -> None:
    code = (
        "import runpy, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "runpy.run_module('minicnn', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nminicnn: interrupted\n")


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "model.npz", ""),
        ("predict", "", "a.png"),
        ("evaluate", ""),
        ("evaluate", "model.npz", "--data", ""),
        ("evaluate", "model.npz", "--out="),
        ("train", "--data", ""),
        ("train", "--out", ""),
        ("train", "--resume", ""),
        ("data", "info", ""),
        ("data", "montage", "", "--out", "a.png"),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_not_the_current_folder(cli: Cli, words: tuple[str, ...]) -> None:
    cli(*words).assert_error("empty path")


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "--", "m.npz", "--data", "phantom"),
        ("--data=phantom", "evaluate", "m.npz"),
        ("data", "--json", "list"),
    ],
    ids=" ".join,
)
def test_an_option_in_the_wrong_place_is_not_unknown(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    result.assert_error("is in the wrong place", "before any --")
    assert "did you mean" not in result.err
