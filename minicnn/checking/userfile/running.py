"""Starting the process that checks a user's file, and ending it, whatever that code does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn.checking.errors import CheckError
from minicnn.checking.report import Report
from minicnn.checking.userfile.child import WHERE
from minicnn.checking.userfile.transfer import read_report, receive

# The child gets the path of this process, so that it finds the same library; its own first
# entry would be the current folder, where a file called numpy.py may lie.
START = (
    "import json, sys; job = sys.argv[1]\n"
    "with open(job, encoding='utf-8') as file: sys.path[:] = json.load(file)['path']\n"
    "from minicnn.checking.userfile.child import main; main(job)"
)
GRACE = 0.5  # seconds between noting where the code hangs and ending it
ENDED_ITSELF = 1  # exit code of a process that noted where it hangs; also of others
KEPT = 20_000  # bytes of what the code prints
MEMORY = 8 * 2**30  # bytes, or three quarters of what the computer has


@dataclass(frozen=True)
class Outcome:
    """What came of checking a file.

    Parameters
    ----------
    report
        See `minicnn.gradcheck`.
    printed
        The beginning of what the code printed, outside of the check itself.
    """

    report: Report
    printed: str


def check_file(
    file: str | Path,
    name: str,
    inputs: Sequence[str] = (),
    *,
    init: str | None = None,
    wrt: str | None = None,
    seed: int = 0,
    time_limit: float = 60.0,
    arrays: bool = False,
) -> Outcome:
    """Check what stands in a file, in a process of its own.

    Parameters
    ----------
    file
        A Python file. It is imported in the other process only.
    name
        A class, an instance, a function, a pair of functions in it, or two names with a comma.
    inputs
        In words, see `minicnn.checking.userfile.inputs`; empty if the file brings its own.
    init
        JSON text with the arguments of the class.
    wrt
        Names or positions, with commas between; None for everything.
    seed
        Of the inputs, the shared generators and the checker.
    time_limit
        In seconds, for everything together.
    arrays
        Whether the report shall hold the arrays for a picture.

    Returns
    -------
    Outcome
        The report, and what the code printed.

    Raises
    ------
    CheckError
        If the check could not be made: the file does not import, there is no such name, the
        inputs do not fit, the time was up, the process crashed. The attribute ``printed``
        holds what the code printed.
    """
    path = Path(file)
    deadline = time.time() + time_limit
    with tempfile.TemporaryDirectory(prefix="gradcheck-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        job = {
            "path": sys.path,
            "file": str(path.resolve()),
            "name": name,
            "inputs": list(inputs),
            "init": init,
            "wrt": wrt,
            "seed": seed,
            "deadline": deadline,
            "memory_limit": _memory(),
            "arrays": arrays,
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        code, printed = _run(folder, time_limit)
        if code == ENDED_ITSELF and time.time() >= deadline:
            code = None
        answer = receive(folder)
        if answer is not None and "report" in answer:
            return Outcome(read_report(answer["report"], folder), printed)
        if answer is None:
            message = _no_answer(path, code, time_limit, _place(folder, path))
        elif "error" in answer:
            message = answer["error"]
        else:
            raise RuntimeError(answer.get("mistake", "the checker gave no answer"))
        failed = CheckError(message)
        failed.printed = printed  # type: ignore[attr-defined]
        raise failed


def _run(folder: Path, time_limit: float) -> tuple[int | None, str]:
    """Run the child; return its exit code, None if its time was up, and what was printed."""
    options: dict[str, Any] = {}
    if os.name == "nt":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined]
    else:
        options["start_new_session"] = True
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", START, str(folder / "job.json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ
        | {
            "MPLBACKEND": "Agg",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8:backslashreplace",
        },
        **options,
    )
    kept: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(process.stdout, kept), daemon=True)
    reader.start()
    code: int | None = None
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(time_limit + GRACE)
    finally:
        _end(process)
        # Something that left the group may hold the pipe open for ever.
        reader.join(1.0)
    return code, b"".join(kept)[:KEPT].decode("utf-8", "backslashreplace")


def _drain(pipe: Any, kept: list[bytes]) -> None:
    """Read all there is, so that printing never blocks; keep the beginning."""
    size = 0
    with contextlib.suppress(OSError, ValueError), pipe:
        while block := pipe.read1(65536):
            if size < KEPT:
                kept.append(block)
                size += len(block)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all it started; there is nothing to be polite for."""
    if os.name == "nt":
        if process.poll() is None:
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False
            )
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()


def _memory() -> int | None:
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None  # Windows
    return min(MEMORY, there * 3 // 4) if there > 0 else MEMORY


def _place(folder: Path, path: Path) -> str:
    """Return where the code was at last: ``", in forward (conv.py, line 12)"``."""
    try:
        text = (folder / WHERE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    frames = re.findall(r'File "(.*)", line (\d+) in (.*)', text)
    mine = {str(path.resolve()), os.path.abspath(path)}  # noqa: PTH100
    for file, line, function in frames:
        if file in mine:
            inside = "" if function == "<module>" else f" in {function}"
            return f"{inside} ({path.name}, line {line})"
    return ""


def _no_answer(path: Path, code: int | None, time_limit: float, place: str) -> str:
    if code is None:
        return (
            f"{path.name} was not done after {time_limit:g} s and was stopped{place}; a check "
            "calls forward some hundred times; look for a loop that never ends, give smaller "
            "shapes, or more time with --time-limit"
        )
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        if name == "SIGKILL":
            return (
                f"{path.name} was killed while it ran; most often the system does that to a "
                "program that takes too much memory; give smaller shapes, or look for an array "
                "or a list that grows without end"
            )
        return (
            f"{path.name} crashed Python itself ({name}){place}; no Python code does that alone, "
            "but compiled code can, and endless recursion; mend or replace what it calls there"
        )
    return (
        f"{path.name} ended Python with exit code {code}{place} before the check was done, as "
        "os._exit does; a layer must return to its caller; take that call out"
    )
