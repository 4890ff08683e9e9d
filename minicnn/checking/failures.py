"""What the target itself does wrong when it is called, in words instead of a traceback."""

from __future__ import annotations

import os
import traceback
from typing import Any

import numpy as np

from minicnn.checking.signatures import kind_of

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120


class TargetError(Exception):
    """The target itself raised, or returned something that is no array of real numbers."""

    def __init__(self, phase: str, sentence: str, **evidence: Any) -> None:
        super().__init__(sentence)
        self.phase = phase
        self.sentence = sentence
        self.evidence = {"phase": phase, **evidence}


def check_real(y: Any, phase: str, what: str) -> None:
    """Complain of an output that is no array of real numbers."""
    if isinstance(y, np.ma.MaskedArray) or not isinstance(y, np.ndarray | float | int | np.number):
        raise TargetError(
            phase,
            f"{phase} returned {kind_of(y)}; {what} must be a NumPy array or a number; return "
            "the array itself",
        )
    array = np.asarray(y)
    if array.dtype.kind not in "fiu":
        raise TargetError(
            phase, f"{phase} returned {array.dtype} numbers; expected real ones; return floats"
        )


def raised(phase: str, error: BaseException) -> TargetError:
    """Put an exception of the target into words, with its place in the target's own file."""
    where = _where(error)
    place = f" ({where})" if where else ""
    text = " ".join(str(error).split())
    said = f": {text}" if text else ""
    return TargetError(
        phase,
        f"{phase} raised {type(error).__name__}{said}{place}",
        exception=type(error).__name__,
        message=text,
        **({"where": where} if where else {}),
    )


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [frame for frame in frames if not frame.filename.startswith(HERE)]
    if not foreign:
        return ""
    # The last line of the target's own file says more than one deep inside NumPy.
    own = [frame for frame in foreign if frame.filename == foreign[0].filename]
    frame = own[-1]
    return f"{os.path.basename(frame.filename)}, line {frame.lineno}"  # noqa: PTH119
