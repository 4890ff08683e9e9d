"""What happened in each epoch: one row per epoch, and its CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from minicnn.errors import ArgumentError, DataError
from minicnn.files import write_text

Number = int | float
Row = dict[str, Number]


class History:
    """The rows of a training, one per epoch, in order.

    Parameters
    ----------
    rows : iterable of dict, optional
        Rows to start from. A row may lack a column (no validation data, say).

    Examples
    --------
    >>> history = History([{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.4}])
    >>> history["loss"]
    [0.7, 0.4]
    >>> history.last["epoch"]
    2
    """

    def __init__(self, rows: Iterable[Mapping[str, Number]] = ()) -> None:
        self.rows: list[Row] = [dict(row) for row in rows]

    def append(self, row: Mapping[str, Number]) -> None:
        """Add one epoch."""
        self.rows.append(dict(row))

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in the order they first appeared."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def last(self) -> Row:
        """The row of the latest epoch."""
        if not self.rows:
            raise ArgumentError("the history is empty: no epoch has finished yet")
        return self.rows[-1]

    def __getitem__(self, column: str) -> list[Number]:
        if column not in self.columns:
            raise ArgumentError(
                f"the history has no column {column!r}; it has: {', '.join(self.columns) or 'none'}"
            )
        return [row.get(column, math.nan) for row in self.rows]

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"History({len(self)} epochs: {', '.join(self.columns) or 'empty'})"

    # ---- the CSV file ---------------------------------------------------------------

    def to_csv(self, path: str | Path) -> None:
        """Write a CSV file, all or nothing.

        Floats are written with `repr`, the shortest text that reads back as the same
        number, so `from_csv` restores them to the last bit. A missing value is empty.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            writer.writerow([_format(row.get(name)) for name in self.columns])
        write_text(path, text.getvalue())

    @classmethod
    def from_csv(cls, path: str | Path) -> History:
        """Read what `to_csv` wrote.

        Raises
        ------
        DataError
            The file is missing, a line has another number of cells than the header, or
            a cell is no number.
        """
        path = Path(path)
        try:
            lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(
                f"the history {path} cannot be read ({error}); expected a CSV file"
            ) from error
        if not lines:
            return cls()
        header, history = lines[0], cls()
        for number, cells in enumerate(lines[1:], start=2):
            if len(cells) != len(header):
                raise DataError(
                    f"line {number} of {path} has {len(cells)} cells, expected {len(header)} "
                    "as in its header; the file is damaged"
                )
            try:
                values = {n: _parse(c) for n, c in zip(header, cells, strict=True) if c}
            except ValueError as error:
                raise DataError(
                    f"line {number} of {path} holds a cell that is no number ({error}); "
                    "the file is damaged"
                ) from error
            history.append(values)
        return history


def _format(value: Number | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, int) else repr(float(value))


def _parse(cell: str) -> Number:
    try:
        return int(cell)
    except ValueError:
        return float(cell)
