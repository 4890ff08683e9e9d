"""How kernels are compiled, in one place.

A kernel is a plain Python function full of loops; Numba turns it into machine
code the first time it is called with a new combination of dtypes, and keeps the
result on disk, so that only the very first run waits.

Which floating-point liberties
    Sums may be reordered and multiply-adds fused (``reassoc``, ``contract``),
    decided once by the compiler. NaN and infinity keep their meaning: ``nnan``
    and ``ninf`` are never set, since a diverging training must show.

Threads are not Numba's business here, see `minicnn.backends.compiled.threads`:
``parallel=True`` multiplies the time to compile a kernel by three to five.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

OPTIONS: dict[str, Any] = {
    "nogil": True,  # other threads run meanwhile
    "error_model": "numpy",  # 0 / 0 is NaN, not an exception that every division must test for
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
}


@functools.cache
def _source_stamp() -> str:
    """Return a hash of every file in this package.

    Numba recompiles a function when its own file has changed, but not when it
    calls a kernel of another file and only that one has. Stamping the cached
    code with the sources of the whole package closes the gap.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, and keep the machine code on disk."""
    try:
        compiled = numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # there is no folder where a cache can be written
        return numba.njit(**OPTIONS)(function)
    # Not part of Numba's interface; where it is missing, Numba's own rule applies.
    cache_file: Any = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(cache_file, "_source_stamp"):
        cache_file._source_stamp = _source_stamp()
    return compiled


def ready(array: NDArray) -> NDArray:
    """Return the array as kernels want it: C-contiguous, aligned, writable; copied if need be.

    One layout means one compiled version per dtype. (Kernels never write to
    their inputs; a read-only array merely counts as another type to Numba.)
    """
    return array if array.flags.carray else np.array(array, order="C")
