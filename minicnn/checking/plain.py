"""Values as JSON, a terminal and Markdown can take them, whatever the checked code produced."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST = 60  # numbers of an array that are listed


def to_plain(value: Any) -> Any:
    """Turn a value into JSON types: NaN and infinity become None, strange objects their text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray):
        if value.size > LONGEST:
            return f"array of shape {value.shape}"
        return to_plain(value.tolist())
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    return one_line(value)


def one_line(text: object) -> str:
    """Return a text on one line, with control characters as escapes.

    Exceptions and reprs of somebody else's code may hold what a terminal would obey.
    """
    line = " ".join(str(text).split())
    return CONTROL.sub(lambda letter: letter[0].encode("unicode_escape").decode(), line)


def markdown(text: object) -> str:
    """Return a text on one line in which Markdown sees no markup."""
    return re.sub(r"([\\`*_<>|~]|\](?=\())", r"\\\1", one_line(text))


def number(value: float | None, digits: int = 6) -> str:
    """Write a number as short as it can be read; nothing for None."""
    return "" if value is None else f"{value:.{digits}g}"


def index_of(index: tuple[int, ...] | None) -> str:
    """Write an index as it stands behind an array: ``[0, 2]``."""
    return "" if index is None else f"[{', '.join(map(str, index))}]"


def short(value: Any) -> str:
    """Write a piece of evidence: numbers to six digits, lists with commas."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    if value is None:
        return "none"
    if isinstance(value, list):
        shown = ", ".join(short(item) for item in value[:12])
        return f"[{shown}{', ...' if len(value) > 12 else ''}]"
    if isinstance(value, dict):
        return ", ".join(f"{one_line(key)} {short(item)}" for key, item in value.items())
    return one_line(value)
