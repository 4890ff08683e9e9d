"""Keep what the target prints and warns of away from the user's screen."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def quietly() -> Iterator[Printed]:
    """Keep the target's prints and NumPy's warnings from flooding the user."""
    printed = Printed()
    with (
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(printed),
    ):
        warnings.simplefilter("ignore")
        yield printed


class Printed(io.TextIOBase):
    """A stream that keeps the first thousand letters and forgets the rest."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep what still fits."""
        if len(self.text) < 1000:
            self.text += text[:1000]
        return len(text)
