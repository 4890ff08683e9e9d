"""Two more libraries in NumPy, which at the moment no current Python or NumPy can import.

DeZero 0.0.13 uses ``numpy.int`` (gone since NumPy 1.24), numpy-ml 0.1.2 takes ``Hashable`` from
``collections`` (gone since Python 3.10). They are tried in every run, so that the reason is
printed rather than remembered; a release that imports deserves a translation of its own.
"""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.peers import Untranslatable


class _NotYet:
    library = ""

    def __init__(self, *arguments: Any) -> None:
        try:
            importlib.import_module(self.library)
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise Untranslatable(f"does not import ({reason})") from error
        raise Untranslatable("imports, but nobody has translated the layers yet")


class Dezero(_NotYet):
    library = "dezero"


class NumpyML(_NotYet):
    library = "numpy_ml"
