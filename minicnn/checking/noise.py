"""How rough the outputs of a function are: the noise that differences have to live with.

Nothing is assumed about the precision a function computes in. Its values on a line at equal spacing
are differenced again and again, as in Hamming's tables: what is smooth vanishes, what is left is
noise (More and Wild, Estimating computational noise, 2011).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

EPS = float(np.finfo(np.float64).eps)
EPS32 = float(np.finfo(np.float32).eps)
NOISE_SPACINGS = (3e-2, 1e-3, 1e-5, 1e-6, 1e-7, 1e-8)
NOISE_POINTS = 6
SURE_TO_MOVE = 1e-5  # even an x that is rounded to single precision
LEAP = 1e-12  # rounding of numbers of ordinary size; a kink makes longer ones
SINGLE = 1e-10  # relative noise that is not double precision's
LIKE_SINGLE = 3e-9


def measure_noise(
    move: Callable[[dict[str, NDArray[np.float64]], float], NDArray[np.float64]],
    sizes: Mapping[str, NDArray[np.float64]],
    y: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Estimate the rounding noise of each output from tables of differences.

    Differences of order k of a smooth function shrink like spacing^k, those of noise
    grow like sqrt(binomial(2k, k)): divided by that, what is left is the noise.

    Parameters
    ----------
    move
        Returns the outputs at x + t d for a direction d and a length t.
    sizes
        By variable how far each entry can go.
    y
        (m,) the outputs at x.
    rng
        For the directions.
    """
    best = np.full(y.shape, np.inf)
    quantum = np.full(y.shape, np.inf)
    still = np.zeros(y.shape, bool)
    for spacing in NOISE_SPACINGS:
        direction = {name: size * signed(rng, size.shape) for name, size in sizes.items()}
        # One-sided: at the point itself there may be a kink.
        table = np.stack([move(direction, spacing * k) for k in range(1, NOISE_POINTS + 1)])
        moves = spacing >= SURE_TO_MOVE
        best = np.fmin(best, _noise_in(table, moves))
        steps = np.abs(np.diff(table, axis=0))  # (points - 1, m)
        quantum = np.fmin(quantum, np.where(steps > 0, steps, np.inf).min(axis=0))
        still |= moves & ~steps.any(axis=0)
    # An output that stands still for short steps and moves by tiny leaps for longer ones is
    # as rough as its leaps.
    best[~np.isfinite(best)] = 0.0
    best = np.maximum(best, np.where(still & (quantum < LEAP), quantum / 3, 0.0))
    relative = rms(best) / max(rms(y), 1e-300)
    floor = EPS
    if relative > SINGLE:
        # An estimate from a few points may be low by luck; none of single precision is lower
        # than its rounding.
        floor = max(min(relative, 1e-3) / 2, EPS32 / 2 if relative > LIKE_SINGLE else 0.0)
    return np.maximum(3 * best, floor * np.abs(y))


def signed(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Draw weights of either sign and of order one, no two alike: nothing cancels by design."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)


def own_sizes(value: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """How far each entry can go without leaving its surroundings: log x ends at 0."""
    own = np.minimum(np.abs(value), scale)
    return np.where(own > 0, own, scale)


def _noise_in(table: NDArray[np.float64], moves: bool) -> NDArray[np.float64]:
    """(m,) the noise in a table of values at equal spacing (points, m).

    Where x may not have moved at all, since it is rounded to single precision somewhere, values
    that stand still tell nothing.
    """
    stands = (np.diff(table, axis=0) == 0).any(axis=0) & (not moves)  # (m,)
    orders = []
    factor = 1.0
    for k in range(1, NOISE_POINTS):
        table = np.diff(table, axis=0)  # (points - k, m)
        factor *= 2 * (2 * k - 1) / k  # binomial(2k, k)
        if k >= 4:
            orders.append(np.sqrt((table**2).mean(axis=0) / factor))
    return np.where(stands, np.inf, np.max(orders, axis=0))


def rms(values: NDArray[np.float64]) -> float:
    """Return the root of the mean square."""
    largest = float(np.abs(values).max(initial=0.0))
    return largest * float(np.sqrt(((values / largest) ** 2).mean())) if largest else 0.0
