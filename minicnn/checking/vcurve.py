"""The V-curve: how wrong a difference is, from a step too long to one too short.

With a long step the difference is not yet the derivative: its error falls as h^2. With a short
one the two values differ in their last digits alone: rounding adds an error of about eps / h.
Between the two, near h = eps^(1/3), lies the best that central differences can do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

DTYPES = (np.float32, np.float64)
# Relative to the size of x; both ends lie well beyond the useful range.
STEPS = tuple(10.0 ** np.arange(-12, 0.01, 0.125))


@dataclass(frozen=True)
class VCurve:
    """The error of central differences as a function of the step, in one precision.

    Parameters
    ----------
    dtype
        In which x was stored and f was computed.
    steps
        (S,) the steps h, growing.
    errors
        (S,) abs(difference - gradient) / abs(gradient), norms over all entries; at least eps / 2,
        since a smaller one is luck.
    """

    dtype: np.dtype
    steps: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def eps(self) -> float:
        """The distance from 1 to the next number in this precision."""
        return float(np.finfo(self.dtype).eps)

    @property
    def best(self) -> tuple[float, float]:
        """The step with the smallest error, and that error."""
        i = int(np.nanargmin(self.errors))
        return float(self.steps[i]), float(self.errors[i])


def v_curve(
    f: Callable[[NDArray], float],
    x: ArrayLike,
    gradient: ArrayLike,
    steps: Sequence[float] | None = None,
    dtypes: Sequence[DTypeLike] = DTYPES,
) -> list[VCurve]:
    """Measure the error of central differences for many steps.

        g_h[i] = (f(x + h e_i) - f(x - h e_i)) / (2 h),    error(h) = |g_h - g| / |g|

    Parameters
    ----------
    f
        Takes an array of the shape and dtype of x and returns one number. It has to compute
        in the dtype it is given, or both curves will be the same.
    x
        Where to differentiate, any shape; a few entries of order one are enough.
    gradient
        The true gradient there, in float64, of the shape of x.
    steps
        The steps h; by default from 1e-12 to 1.
    dtypes
        The precisions.

    Returns
    -------
    list of VCurve
        One for each precision.

    Raises
    ------
    ValueError
        If the shapes differ, the gradient is zero or not finite, or a step is not positive.

    Examples
    --------
    >>> single, double = v_curve(lambda x: np.sin(x).sum(), [1.0], [np.cos(1.0)])
    >>> bool(single.best[1] > 1000 * double.best[1])
    True
    """
    point, true = np.asarray(x, np.float64), np.asarray(gradient, np.float64)
    if point.shape != true.shape:
        raise ValueError(
            f"gradient has shape {true.shape} and x has {point.shape}; both must be the same; "
            "give the gradient of f at x"
        )
    size = float(np.linalg.norm(true))
    if not (np.isfinite(size) and size > 0):
        raise ValueError(
            "the gradient is zero or not finite, so no relative error can be formed; choose "
            "another x"
        )
    chosen = np.array(sorted(STEPS if steps is None else steps), np.float64)
    if not chosen.size or not (np.isfinite(chosen) & (chosen > 0)).all():
        raise ValueError("steps must be positive numbers, at least one; try 1e-12 to 1")
    return [_curve(f, point, true, chosen, np.dtype(dtype)) for dtype in dtypes]


def _curve(
    f: Callable[[NDArray], float],
    point: NDArray[np.float64],
    true: NDArray[np.float64],
    steps: NDArray[np.float64],
    dtype: np.dtype,
) -> VCurve:
    base = point.astype(dtype)
    errors = np.empty(len(steps))
    for k, h in enumerate(steps):
        found = np.empty(point.shape)
        for index in np.ndindex(point.shape):
            ahead, behind = base.copy(), base.copy()
            ahead[index] += dtype.type(h)
            behind[index] -= dtype.type(h)
            # Divided by h as it was meant, not as it was rounded: this is the textbook formula.
            found[index] = (float(f(ahead)) - float(f(behind))) / (2 * h)
        errors[k] = np.linalg.norm(found - true) / np.linalg.norm(true)
    return VCurve(dtype, steps, np.maximum(errors, np.finfo(dtype).eps / 2))
