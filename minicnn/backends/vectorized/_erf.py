"""The error function, which NumPy lacks.

    erf(x) = 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x

Two of the rational approximations of W. J. Cody, "Rational Chebyshev approximations
for the error function", Mathematics of Computation 23 (1969), 631-637: one for
erf near zero, one for exp(x^2) erfc(x) beyond. Cody has a third for x > 4, which
keeps the *relative* precision of erfc there; erf = 1 - erfc does not need it, since
erfc(4) = 1.5e-8 and from 6 on erf rounds to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BORDER = 0.46875  # between the two approximations

# erf(x) = x P(x^2) / Q(x^2) for |x| <= BORDER; highest power first.
NEAR_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
NEAR_Q = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)

# erfc(x) = exp(-x^2) P(x) / Q(x) for x > BORDER; highest power first.
FAR_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
FAR_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)


def erf(x: NDArray) -> NDArray[np.float64]:
    """Return erf(x) in float64, to within 5 units in the last place; any shape."""
    size = np.minimum(np.abs(x.astype(np.float64)), 6.0)  # beyond 6, erf is 1; NaN stays
    near = np.minimum(size, BORDER)
    square = near * near
    small = near * _polynomial(NEAR_P, square) / _polynomial(NEAR_Q, square)
    erfc = np.exp(-size * size) * _polynomial(FAR_P, size) / _polynomial(FAR_Q, size)
    return np.copysign(np.where(size <= BORDER, small, 1 - erfc), x)


def _polynomial(coefficients: Sequence[float], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate a polynomial, highest power first, by Horner's rule."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total
