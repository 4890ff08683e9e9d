"""First values of the parameters.

Each function is called ``f(shape, rng, dtype)``. They draw in float64 and then convert, so
a float32 and a float64 network made from the same seed differ by rounding only.

A layer keeps the variance of what passes through it if its weights have variance 1/fan_in,
and that of the gradients if 1/fan_out; ReLU, which silences half of its inputs, asks for
twice that. Glorot and He differ in which of these they heed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.arguments import check_number
from minicnn.errors import ArgumentError, ShapeError

Shape = tuple[int, ...]


def fans(shape: Shape) -> tuple[int, int]:
    """Count the inputs that meet in one output, and the outputs that one input feeds.

    For a weight (O, I) these are I and O. A convolution's weight (O, I/groups, KH, KW) adds
    the taps of the kernel: I/groups KH KW and O KH KW. (With groups an input feeds only
    O/groups maps; the fan-out leaves that aside, as PyTorch's does.)

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes or an empty one.
    """
    if len(shape) < 2 or min(shape) < 1:
        raise ShapeError(
            f"shape {tuple(shape)} has no fan-in and fan-out; expected a weight "
            "(O, I) or (O, I/groups, KH, KW). Biases start from zeros or uniform"
        )
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


# ---- scaled to the fans -------------------------------------------------------------------


def he_normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> NDArray:
    """Normal with variance 2 / fan_in: keeps the signal's size through ReLU layers.

    He et al., "Delving Deep into Rectifiers" (2015), equation 10.
    """
    return normal(shape, rng, dtype, std=math.sqrt(2 / fans(shape)[0]))


def he_uniform(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> NDArray:
    """Uniform with the variance of `he_normal`: between -b and b, b = sqrt(6 / fan_in)."""
    bound = math.sqrt(6 / fans(shape)[0])
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def glorot_normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> NDArray:
    """Normal with variance 2 / (fan_in + fan_out): a compromise of both directions.

    Glorot and Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural
    Networks" (2010), equation 12.
    """
    return normal(shape, rng, dtype, std=math.sqrt(2 / sum(fans(shape))))


def glorot_uniform(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray:
    """Uniform with the variance of `glorot_normal`: b = sqrt(6 / (fan_in + fan_out)).

    Glorot and Bengio (2010), equation 16.
    """
    bound = math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def uniform_fan_in(
    shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray:
    """Uniform between -b and b, b = 1 / sqrt(fan_in): PyTorch's default for its layers.

    LeCun et al., "Efficient BackProp" (1998), is where scaling by the fan-in comes from.
    """
    bound = 1 / math.sqrt(fans(shape)[0])
    return uniform(shape, rng, dtype, low=-bound, high=bound)


def orthogonal(
    shape: Shape,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
    *,
    gain: float = 1.0,
) -> NDArray:
    """Rows at right angles (or columns, where those are fewer), each of length ``gain``.

    The weight is read as a matrix (O, everything else). Saxe, McClelland and Ganguli, "Exact
    Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks" (2014).
    """
    fans(shape)  # refuses vectors
    gain = check_number("gain", gain)
    rows, columns = shape[0], math.prod(shape[1:])
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)  # (long, short), (short, short)
    # Q is unique once R's diagonal is positive, and only then uniform over all rotations.
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    matrix = q if rows >= columns else q.T  # (O, rest)
    return np.ascontiguousarray((gain * matrix).reshape(shape), dtype=dtype)


# ---- plain distributions ------------------------------------------------------------------


def normal(
    shape: Shape,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
    *,
    mean: float = 0.0,
    std: float = 1.0,
) -> NDArray:
    """Independent normal numbers."""
    mean = check_number("mean", mean)
    std = check_number("std", std, minimum=0)
    return rng.normal(mean, std, shape).astype(dtype)


def uniform(
    shape: Shape,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
    *,
    low: float = 0.0,
    high: float = 1.0,
) -> NDArray:
    """Independent numbers spread evenly between ``low`` and ``high``."""
    low = check_number("low", low)
    high = check_number("high", high)
    if low > high:
        raise ArgumentError(f"low is {low:g} and high is {high:g}; low must not exceed high")
    return rng.uniform(low, high, shape).astype(dtype)


def zeros(
    shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
) -> NDArray:
    """Zeros, for biases. Weights that all start equal would stay equal."""
    return np.zeros(shape, dtype)


def ones(
    shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
) -> NDArray:
    """Ones, for the factors of a normalisation."""
    return np.ones(shape, dtype)
