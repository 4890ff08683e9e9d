"""Kernels that treat every entry alike, cut into pieces for the threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import ready
from minicnn.backends.compiled.threads import run

PIECE = 4096  # entries: 16 KB in float32, a few pieces fit the first-level cache


def elementwise(kernel: Any, nanoseconds: float, *arrays: NDArray, extra: tuple = ()) -> NDArray:
    """Return ``kernel(first, last, out, *arrays, *extra)`` in the shape of the first array.

    Parameters
    ----------
    kernel
        Fills out[first * PIECE : last * PIECE] from the same entries of the arrays, which
        arrive flat; the last piece may be shorter. It should take these slices first and
        count from 0: an index that might be negative keeps the compiler from using vector
        instructions.
    nanoseconds
        A rough guess at the time per entry.
    arrays
        All of one size.
    extra
        Numbers to hand on.
    """
    flat = [ready(a).reshape(-1) for a in arrays]
    out = np.empty(flat[0].size, flat[0].dtype)
    if out.size:
        run(kernel, -(-out.size // PIECE), out.size * nanoseconds, out, *flat, *extra)
    return out.reshape(arrays[0].shape)
