"""Recording the kernel calls of a model, and playing them back.

See `minicnn.backends.compiled.tape` for what a tape is. A recorded call refers to its arrays
by address, so the tape keeps them alive, and whoever records sees to it that they stay
the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import tape, team

TURNS = 16  # in so many parts, about, threads share the pieces of a row
Range = tuple[int, int]


class Tape:
    """The recorded kernel calls of one model in one dtype.

    Parameters
    ----------
    dtype
        float32 or float64.
    """

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype
        self._used = 0
        self._rows = np.zeros((64, tape.COLUMNS), np.int64)
        self._numbers: list[float] = []
        self._kept: list[Any] = []
        self._scratch = 1
        self._task: tuple[Any, ...] = ()
        self._like = np.zeros(0, dtype), np.zeros(0, np.uint8)
        self._helper_scratch: list[NDArray] = []

    # ---- recording ------------------------------------------------------------------

    def __len__(self) -> int:
        return self._used

    def add(self, kind: int, pieces: int, *arguments: Any, scratch: int = 0) -> None:
        """Record a call, in the next row.

        Parameters
        ----------
        kind
            Which kernel: one of the constants of `tape`.
        pieces
            As in `threads.run`.
        arguments
            What the kernel takes after the range, and after the working memory where it has
            some: arrays, ints, tuples of ints, and floats.
        scratch
            How much working memory it needs, in numbers.
        """
        if self._used == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        cells: list[int] = []
        for argument in arguments:
            cells += self._cells(argument)
        row = self._rows[self._used]
        row[:2] = tape.address_of(kind, self.dtype), pieces
        row[tape.FIRST : tape.FIRST + len(cells)] = cells
        row[tape.GRAIN] = max(1, pieces // TURNS)
        row[tape.TURNS] = -(-pieces // row[tape.GRAIN])
        self._scratch = max(self._scratch, scratch)
        self._task = ()
        self._used += 1

    def _cells(self, argument: Any) -> Iterable[int]:
        if isinstance(argument, np.ndarray):
            self._kept.append(argument)
            return argument.ctypes.data, argument.size
        if isinstance(argument, tuple):
            return argument
        if isinstance(argument, float):
            self._numbers.append(argument)
            return (len(self._numbers) - 1,)
        return (int(argument),)

    def point(self, row: int, column: int, array: NDArray) -> None:
        """Let a recorded call have another array, which the caller keeps alive."""
        self._rows[row, column : column + 2] = array.ctypes.data, array.size

    # ---- playing --------------------------------------------------------------------

    def play(self, part: Range) -> None:
        """Run the recorded calls of a range of rows."""
        if not self._task:
            self._assemble()
        helpers = team.threads() - 1
        while len(self._helper_scratch) <= helpers:
            self._helper_scratch.append(np.empty(self._scratch, self.dtype))
        for number in range(helpers):
            scratch = self._helper_scratch[number + 1]
            team.call(number, tape.help_out, team.SPINS, scratch, *self._task)
        rows, *rest = self._task
        tape.play(self._helper_scratch[0], rows, *part, *rest)

    def _assemble(self) -> None:
        """Put the numbers into arrays. A new state, since helpers may still wait at the old one."""
        state = np.zeros(tape.COUNTERS + 2 * tape.LINE * len(self._rows), np.int64)
        numbers = np.array([*self._numbers, 0.0])
        self._helper_scratch = []
        self._task = self._rows.copy(), numbers, *self._like, state
        self._rows = self._task[0]
