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

import contextlib
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import extending
from numpy.typing import NDArray

from minicnn.locks import exclusive

# Makes a word of LLVM for kernels. Numba's type for it has one argument too many.
intrinsic: Any = extending.intrinsic

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
    return _compile(function, OPTIONS)


def exact(function: Callable[..., Any]) -> Any:
    """Do the same without any liberty, for what other kernels call.

    A function that is called by kernels is optimised once for itself and once more inside each of
    them, and which copy runs depends on what was loaded from disk. Where it adds up numbers one
    by one, the copies may order the sum differently; then the bits of a first run, which
    compiles, would not be those of the next.
    """
    return _compile(function, OPTIONS | {"fastmath": False})


def inlined(function: Callable[..., Any]) -> Any:
    """Write a function out wherever a kernel calls it, before anything is compiled.

    Numba compiles a function anew for each constant with which it is called. One that only reads
    column k of a table would be compiled for every k.
    """
    return numba.njit(inline="always", **OPTIONS)(function)


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder where a cache can be written
        return numba.njit(**options)(function)
    # Not part of Numba's interface; where it is missing, Numba's own rules apply.
    files: Any = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(files, "_source_stamp") and hasattr(files, "_cache_path"):
        files._source_stamp = _source_stamp()
        lock = Path(files._cache_path) / "minicnn.lock"
        files.save = _in_turn(_if_there_is_room(files.save), lock)
        files.load = _in_turn(files.load, lock)
    return compiled


def _if_there_is_room(save: Callable[..., Any]) -> Callable[..., Any]:
    """Do without the cache on a full disk: the machine code is in memory anyway."""

    @functools.wraps(save)
    def tolerant(*arguments: Any) -> None:
        with contextlib.suppress(OSError):
            save(*arguments)

    return tolerant


def _in_turn(function: Callable[..., Any], lock: Path) -> Callable[..., Any]:
    """Let one process at a time into the files of the cache.

    Numba numbers the versions of a kernel as it saves them. Two processes that compile one
    for float32 and one for float64 at the same moment would both write number 1, and the
    index would lead one of them to the other's machine code.
    """

    @functools.wraps(function)
    def locked(*arguments: Any) -> Any:
        with contextlib.ExitStack() as stack:
            # Before the first save there is no folder, and nothing to protect.
            with contextlib.suppress(OSError):
                stack.enter_context(exclusive(lock, poll=0.01))
            return function(*arguments)

    return locked


def ready(array: NDArray) -> NDArray:
    """Return the array as kernels want it: C-contiguous, aligned, writable; copied if need be.

    One layout means one compiled version per dtype. (Kernels never write to
    their inputs; a read-only array merely counts as another type to Numba.)
    """
    return array if array.flags.carray else np.array(array, order="C")
