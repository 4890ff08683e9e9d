"""The process in which a user's file is imported and checked.

It is started by `minicnn.checking.userfile.running` and leaves its answer in a file, so that
nothing the user's code prints can spoil it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.checking.errors import CheckError
from minicnn.checking.gradcheck import gradcheck
from minicnn.checking.plain import one_line
from minicnn.checking.report import Finding, Report
from minicnn.checking.signatures import kind_of
from minicnn.checking.userfile.finding import check_count, find_inputs, find_target
from minicnn.checking.userfile.inputs import parse_input
from minicnn.checking.userfile.loading import load_module, raised, shadow_note, where
from minicnn.checking.userfile.transfer import send, send_report

WHERE = "where.txt"  # where the code was when it crashed, or when its time was up


def main(job_file: str) -> None:
    """Do the job that a file describes, leave the answer beside it, and end the process."""
    folder = Path(job_file).parent
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    with (folder / WHERE).open("w", encoding="utf-8") as places:
        faulthandler.enable(places)
        # The process ends itself, too: nobody else would, if the one that started it was killed.
        left = max(job["deadline"] - time.time(), 0.05)
        faulthandler.dump_traceback_later(left, file=places, exit=True)
        _limit_memory(job["memory_limit"])
        path = Path(job["file"]).resolve()
        sys.argv = [str(path)]
        try:
            send_report(_check(path, job), folder, job["arrays"])
        except CheckError as error:
            note = shadow_note(path)
            send(folder, {"error": one_line(error) + (f" ({note})" if note else "")})
        except MemoryError:
            send(folder, {"error": _no_memory(path)})
        except BaseException as error:
            place = where(error, path)
            if "line" in place.removeprefix(path.name):
                send(folder, {"error": _stopped(job["name"], error, place)})
            else:  # not the user's but ours: the message says so
                send(folder, {"mistake": f"{type(error).__name__}: {one_line(error)}"})
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # threads and handlers the user's code left behind are not waited for


def _check(path: Path, job: dict[str, Any]) -> Report:
    seed = job["seed"]
    # Weights drawn from the shared generators are then the same in each run.
    np.random.seed(seed % 2**32)  # noqa: NPY002
    random.seed(seed)
    draws = [parse_input(text) for text in job["inputs"]]
    module = load_module(path)
    target = find_target(module, path, job["name"], job["init"])
    if draws:
        inputs = [draw(np.random.default_rng([seed, i])) for i, draw in enumerate(draws)]
    else:
        inputs = find_inputs(module, path, job["name"], target)
    if not any(_holds_floats(value) for value in inputs) and not _has_parameters(target):
        raise CheckError(
            f"no input of {job['name']} is an array of floats ({_list(inputs)}) and it has no "
            "parameters, so there is nothing to differentiate; give an input such as --input 4,3"
        )
    if hasattr(target, "forward") or isinstance(target, tuple | list) or callable(target):
        check_count(target, inputs)
    report = gradcheck(target, *inputs, wrt=_wrt(job["wrt"]), seed=seed)
    if not report.tensors and report.findings:
        _refuse_inputs(report.findings[0], inputs)
    shadow = shadow_note(path)
    return dataclasses.replace(report, notes=(*report.notes, shadow)) if shadow else report


def _refuse_inputs(finding: Finding, inputs: Sequence[Any]) -> None:
    """Say that forward cannot be called at all; most often the shapes do not fit."""
    found = finding.evidence
    if finding.slug != "error" or "exception" not in found:
        return
    what = f"forward raised {found['exception']}"
    what += f": {found['message']}" if found["message"] else ""
    what += f" ({found['where']})" if "where" in found else ""
    if found["exception"] == "NotImplementedError":
        raise CheckError(
            f"{what}; forward is not written yet, and its gradient is compared with differences "
            "of it; write forward first"
        )
    if found["exception"] == "SystemExit":
        raise CheckError(f"{what}; a layer must return to its caller; take the call of exit out")
    if found["exception"] == "RecursionError":
        raise CheckError(
            f"{what}; forward, or what it calls, calls itself without end; let it return at last"
        )
    raise CheckError(
        f"{what}; the inputs were {_list(inputs)}; if they do not fit, give other shapes with "
        "--input or other arguments with --init, else mend forward"
    )


def _wrt(words: str | None) -> list[str | int] | None:
    if words is None:
        return None
    parts = list(dict.fromkeys(part.strip() for part in words.split(",") if part.strip()))
    if not parts:
        raise CheckError(
            f"--wrt {words!r} names nothing, so nothing would be compared; write names with commas "
            "between, such as x,weight, or leave it out to check everything"
        )
    return [int(part) if part.isdecimal() else part for part in parts]


def _holds_floats(value: Any) -> bool:
    if isinstance(value, list):
        with contextlib.suppress(ValueError):
            return np.asarray(value).dtype.kind in "fc"
        return True
    return not isinstance(value, np.ndarray) or value.dtype.kind in "fc"


def _has_parameters(target: Any) -> bool:
    return bool(getattr(target, "params", None))


def _list(inputs: Sequence[Any]) -> str:
    words = [
        f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else kind_of(value)
        for value in inputs
    ]
    return ", ".join(words) or "none"


def _limit_memory(limit: int | None) -> None:
    """Let a runaway list end in a MemoryError, not in a computer that no longer answers."""
    if limit is None:
        return
    with contextlib.suppress(ImportError, ValueError, OSError, AttributeError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _stopped(name: str, error: BaseException, place: str) -> str:
    return (
        f"{name} raised {raised(error)} ({place}), which ended the check before it had a result; "
        "reading an attribute, or a call, must not do that; mend that line"
    )


def _no_memory(path: Path) -> str:
    return (
        f"{path.name} takes more memory than there is; small arrays show a wrong gradient as "
        "well; give smaller shapes, or look for an array or a list that grows without end"
    )
