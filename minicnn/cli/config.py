"""Options from a file: what ``minicnn train --config`` reads and ``minicnn tune`` writes.

::

    batch_size = 32          {"batch_size": 32,
    lr = 0.003                "lr": 0.003,
    augment = false           "augment": false}
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

from minicnn.cli.parser import did_you_mean
from minicnn.errors import ArgumentError, DataError, MinicnnError


def read_table(path: str | Path, what: str) -> dict[str, Any]:
    """Read a JSON object, or where the name ends in .toml a TOML table.

    Parameters
    ----------
    path
        The file.
    what
        What it is, for errors: ``"configuration"``.

    Raises
    ------
    DataError
        If it cannot be read, or is not one object.
    """
    path = Path(path).expanduser()
    kind = "TOML" if path.suffix.lower() == ".toml" else "JSON"
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text) if kind == "TOML" else json.loads(text)
    except OSError as error:
        raise DataError(f"cannot read the {what} {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"the {what} {path} is not {kind}: {error}; mend the file") from error
    if not isinstance(table, dict):
        raise DataError(
            f"the {what} {path} holds {type(table).__name__}; expected one object of names and "
            f'values, such as {{"lr": 0.003}}'
        )
    return table


def read_config(path: str | Path) -> dict[str, Any]:
    """Read options of a training; null leaves one open.

    Raises
    ------
    DataError, ArgumentError
        If the file cannot be read, names an option that does not exist, or gives a value that
        an option cannot have.
    """
    from minicnn.training.options import Options

    table = read_table(path, "configuration")
    known = [field.name for field in dataclasses.fields(Options)]
    for name in table:
        if name not in known:
            raise ArgumentError(
                f"the configuration {path} names an unknown option {name!r}; "
                f"{did_you_mean(name, known)}known: {', '.join(known)}"
            )
    given = {name: value for name, value in table.items() if value is not None}
    for name in ("data", "id_pattern", "split_by", "model", "optimizer", "augment_with"):
        if not isinstance(given.get(name, ""), str):
            raise ArgumentError(f"{path}: {name} is {given[name]!r}; expected a text in quotes")
    if not isinstance(given.get("augment", True), bool):
        raise ArgumentError(f"{path}: augment is {given['augment']!r}; expected true or false")
    try:
        Options(**{"data": "phantom"} | given)
    except MinicnnError as error:
        raise ArgumentError(f"{path}: {error}") from error
    return given
