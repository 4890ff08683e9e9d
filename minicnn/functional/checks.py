"""What every function checks before it computes: real float arrays, one dtype, the right axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.errors import DtypeError, ShapeError

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def check_float(**arrays: NDArray | None) -> None:
    """Check that all arrays are float32, or all float64; ``bias`` may be None.

    Raises
    ------
    DtypeError
        Naming the first array whose dtype is neither, or differs from the first one's.
    """
    first_name, first_dtype = "", None
    for name, array in arrays.items():
        if array is None and name == "bias":  # a layer without one
            continue
        if not isinstance(array, np.ndarray):
            raise DtypeError(f"{name} is a {type(array).__name__}; expected a NumPy array")
        if isinstance(array, np.ma.MaskedArray):
            raise DtypeError(
                f"{name} is a masked array, whose mask would be ignored; "
                f"fill it first, as in {name}.filled(0)"
            )
        if array.dtype not in FLOATS:
            raise DtypeError(
                f"{name} has dtype {array.dtype}; expected float32 or float64: "
                f"convert it with {name}.astype(np.float32)"
            )
        if first_dtype is None:
            first_name, first_dtype = name, array.dtype
        elif array.dtype != first_dtype:
            raise DtypeError(
                f"{name} is {array.dtype} but {first_name} is {first_dtype}; both must be the "
                f"same: convert the data with .astype(np.{first_dtype}), "
                f"or the layer with .astype(np.{array.dtype})"
            )


def check_axes(name: str, array: NDArray, axes: str) -> None:
    """Check the number of axes; ``axes`` spells them, as in ``"N, C, H, W"``."""
    count = len(axes.split(","))
    if array.ndim != count:
        raise ShapeError(
            f"{name} has shape {array.shape}, {array.ndim} axes; expected {count}: ({axes})"
        )


def check_shape(name: str, array: NDArray, expected: tuple[int, ...], why: str) -> None:
    """Check an exact shape; ``why`` says where the expectation comes from."""
    if array.shape != expected:
        raise ShapeError(f"{name} has shape {array.shape}; expected {expected}, {why}")
