"""The arithmetic, in several spellings of the same functions.

===============  =======================================================
``loops``        the equations as Python loops: the definition
``vectorized``   NumPy: sliding windows, einsum, im2col
``compiled``     Numba kernels (the default)
===============  =======================================================

Each spelling is a package with the same modules (``conv``, ``pooling``, ...)
and, in them, the same stateless functions on plain arrays. Arguments have been
checked by `minicnn.functional` before they arrive here.
"""

from __future__ import annotations

import importlib
import os
import warnings
from types import ModuleType, TracebackType

from minicnn.errors import ArgumentError

BACKENDS = ("loops", "vectorized", "compiled")

# The name in force; None until the first use, so that `import minicnn` does not
# have to find out whether numba is there.
_current: str | None = None


def current_backend() -> str:
    """Return the name of the backend in force."""
    global _current
    if _current is None:
        obstacle = _obstacle_to_compiling()
        _current = "vectorized" if obstacle else "compiled"
        if obstacle:
            warnings.warn(
                f"{obstacle}, so minicnn computes with its 'vectorized' backend, "
                "which is several times slower than the compiled one",
                stacklevel=2,
            )
    return _current


def _obstacle_to_compiling() -> str | None:
    """Say why the compiled backend cannot be used here; None if it can."""
    try:
        importlib.import_module("numba")
    except ImportError as error:
        return f"numba cannot be imported ({error}; `pip install numba` brings it)"
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "the environment variable NUMBA_DISABLE_JIT keeps numba from compiling"
    return None


def kernels(module: str) -> ModuleType:
    """Return one module (``"conv"``, ``"pooling"``, ...) of the backend in force."""
    return importlib.import_module(f"minicnn.backends.{current_backend()}.{module}")


class use_backend:
    """Choose the backend, for good or for a ``with`` block.

    Parameters
    ----------
    name
        ``"loops"``, ``"vectorized"`` or ``"compiled"``.

    Raises
    ------
    ArgumentError
        If there is no backend of that name, or numba cannot compile for ``"compiled"``.

    Examples
    --------
    >>> use_backend("vectorized")  # from here on
    use_backend('vectorized')
    >>> with use_backend("loops"):  # inside the block only
    ...     current_backend()
    'loops'
    >>> current_backend()
    'vectorized'
    """

    def __init__(self, name: str) -> None:
        global _current
        if name not in BACKENDS:
            raise ArgumentError(
                f"there is no backend {name!r}; choose one of {', '.join(map(repr, BACKENDS))}"
            )
        if name == "compiled" and (obstacle := _obstacle_to_compiling()):
            raise ArgumentError(f"{obstacle}; choose use_backend('vectorized')")
        self.name = name
        self._previous = _current
        _current = name

    def __enter__(self) -> use_backend:
        global _current
        if _current != self.name:  # entered again, or late
            self._previous, _current = _current, self.name
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _current
        _current = self._previous

    def __repr__(self) -> str:
        return f"use_backend({self.name!r})"
