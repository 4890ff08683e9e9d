"""McNemar's test: whether one of two models decides right more often, on the same images.

Images on which both are right, or both wrong, say nothing about the difference. Of those
that only one of them gets right, half should be each model's if they are equally good
(McNemar 1947, doi 10.1007/BF02295996). The p-value is the exact one, from the binomial
distribution with probability 1/2, so that few disagreements are no obstacle.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike

from minicnn.errors import ArgumentError, ShapeError


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """On how many images only one of two models is right.

    Parameters
    ----------
    only_a, only_b
        Images that only the first, or only the second decides right.
    p
        Exact two-sided p-value; 1 where they never disagree.
    """

    only_a: int
    only_b: int
    p: float


def mcnemar_test(right_a: ArrayLike, right_b: ArrayLike) -> Disagreement:
    """Compare two models' decisions.

    Parameters
    ----------
    right_a, right_b
        (N,) of bool: was the model right on this image?

    Raises
    ------
    ShapeError
        If they are not (N,) both.
    """
    a, b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ShapeError(
            f"right_a has shape {a.shape} and right_b {b.shape}; expected (N,) both, of the "
            f"same images"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return Disagreement(only_a, only_b, binomial_p(only_a, only_a + only_b))


def binomial_p(successes: int, n: int) -> float:
    """Two-sided p-value of so many successes in n fair tosses; 1 for n = 0.

        p = min(1, 2 P(X <= min(k, n - k))),  X binomial(n, 1/2)

    Raises
    ------
    ArgumentError
        If not 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ArgumentError(f"successes is {successes}; expected 0 ... n = {n}")
    few = min(successes, n - successes)
    if n < 1000:
        return min(1.0, 2 * sum(math.comb(n, i) for i in range(few + 1)) / 2**n)
    # In logarithms, since the binomial coefficients leave the range of floats.
    logs = np.array(
        [
            math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2)
            for i in range(few + 1)
        ]
    )
    top = logs.max()
    return min(1.0, 2 * float(np.exp(top) * np.exp(logs - top).sum()))
