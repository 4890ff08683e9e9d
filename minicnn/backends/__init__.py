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
import importlib.util
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
        _current = "compiled"
        if importlib.util.find_spec("numba") is None:
            _current = "vectorized"
            warnings.warn(
                "numba cannot be imported, so minicnn computes with its 'vectorized' backend, "
                "which is several times slower; `pip install numba` brings the compiled one",
                stacklevel=2,
            )
    return _current


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
        If there is no backend of that name, or numba is missing for ``"compiled"``.

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
        if name == "compiled" and importlib.util.find_spec("numba") is None:
            raise ArgumentError(
                "the 'compiled' backend needs numba, which cannot be imported; "
                "`pip install numba`, or use_backend('vectorized')"
            )
        self.name = name
        self._previous = _current
        _current = name

    def __enter__(self) -> use_backend:
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
