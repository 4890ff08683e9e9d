"""The derivative by its definition: move each number a little, see how the result moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Cutting the Taylor series off costs about h^2, rounding costs about eps / h; the sum
# is smallest near the cube root of eps = 2.2e-16.
STEP = float(np.finfo(np.float64).eps ** (1 / 3))  # 6.06e-06


def numerical_gradient(
    f: Callable[[NDArray], float], x: ArrayLike, h: float = STEP
) -> NDArray[np.float64]:
    """Gradient of ``f`` at ``x`` by central differences, in float64.

        g[i] = (f(x + h_i e_i) - f(x - h_i e_i)) / (2 h_i),    h_i = h max(1, |x[i]|)

    Two evaluations of ``f`` per entry of ``x``: right and slow, a check for fast gradients.

    Parameters
    ----------
    f
        Takes an array of the shape of ``x`` and returns one number. It must not modify it.
    x
        Where to differentiate, any shape. A writable float64 array is perturbed in place,
        so ``f`` may also read it from elsewhere (a parameter of a layer, say), and holds
        its old values afterwards, whatever happened. Anything else (float32, integers, a
        list) is copied to float64, and only the copy that ``f`` receives moves.
    h
        The step, relative for entries beyond 1.

    Returns
    -------
    NDArray
        float64, of the shape of ``x``.

    Raises
    ------
    ValueError
        If ``f`` returns more than one number, or ``h`` is not positive.
    TypeError
        If ``x`` is not real.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**2).sum(), [3.0, -1.0]).round(6)
    array([ 6., -2.])
    """
    if not (np.isfinite(h) and h > 0):
        raise ValueError(f"h is {h!r}; give a small positive number, such as {STEP:.0e}")
    point = np.asarray(x)
    if point.dtype.kind not in "biuf":
        raise TypeError(f"x has dtype {point.dtype}; expected real numbers")
    if point.dtype != np.float64 or not point.flags.writeable:
        point = point.astype(np.float64)

    gradient = np.empty(point.shape)
    for index in np.ndindex(point.shape):
        centre = float(point[index])
        step = h * max(1.0, abs(centre))
        try:
            point[index] = ahead = centre + step
            f_ahead = _one_number(f(point))
            point[index] = behind = centre - step
            f_behind = _one_number(f(point))
        finally:
            point[index] = centre
        # Not 2 * step: the sums above were rounded, and this is how far apart they are.
        gradient[index] = (f_ahead - f_behind) / (ahead - behind)
    return gradient


def _one_number(value: ArrayLike) -> float:
    result = np.asarray(value)
    if result.size != 1:
        raise ValueError(
            f"f returned an array of shape {result.shape}; it must return one number, "
            "such as the sum of its outputs times fixed random factors"
        )
    return float(result.item())
