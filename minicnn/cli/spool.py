"""A JSON object with long lists, which wait on disk until it can be printed whole.

What a command prints as JSON is one complete object or nothing. A list of any length can
therefore not be printed as it grows, and should not be kept in memory.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from typing import IO, Any, Self, TextIO

from minicnn.evaluation.jsonable import to_json

IN_MEMORY = 1 << 20  # letters


class Spool:
    """A list whose entries are kept as text, in a temporary file where they are many."""

    def __init__(self) -> None:
        self.count = 0
        self._file: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115
            IN_MEMORY, "w+", encoding="ascii", newline="\n"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, value: Any) -> None:
        """Add an entry at the end."""
        self._file.write(",\n    " if self.count else "[\n    ")
        self._file.write(_text(value, "    "))
        self.count += 1

    def copy_to(self, stream: TextIO) -> None:
        """Write the list as it stands inside an object."""
        if not self.count:
            stream.write("[]")
            return
        self._file.seek(0)
        shutil.copyfileobj(self._file, stream)
        stream.write("\n  ]")


def print_object(facts: Mapping[str, Any], lists: Mapping[str, Spool], stream: TextIO) -> None:
    """Print one JSON object, first the ``facts`` and then the lists, as `print_json` would."""
    separator = "{"
    for name, value in facts.items():
        stream.write(f"{separator}\n  {json.dumps(name)}: {_text(value, '  ')}")
        separator = ","
    for name, spool in lists.items():
        stream.write(f"{separator}\n  {json.dumps(name)}: ")
        spool.copy_to(stream)
        separator = ","
    stream.write("\n}\n")


def _text(value: Any, indent: str) -> str:
    # A string's own line breaks are escaped: those in the text are all JSON's.
    return json.dumps(to_json(value), indent=2, allow_nan=False).replace("\n", "\n" + indent)
