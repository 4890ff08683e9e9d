"""Estimates of one derivative, each with its error bar, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLAINLY = 1e4  # error bars: nothing more to find out
AGREE = 3.0  # error bars


@dataclass
class Derivative:
    """One directional derivative, weighted by each of K cotangents.

    Parameters
    ----------
    value, error
        (K,) the best estimate and its error bar.
    gap
        (K,) how far the slopes on the two sides are apart: sum_o |v_o| |J+_o - J-_o|.
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    gap: NDArray[np.float64]

    def agrees(self, other: Derivative) -> NDArray[np.bool_]:
        """(K,) whether two estimates are the same to within their error bars."""
        return np.abs(self.value - other.value) <= AGREE * (self.error + other.error)

    def fits(self, wanted: NDArray[np.float64]) -> bool:
        """Whether a claim is plainly right, so that no other step need be tried."""
        off = np.abs(wanted - self.value)
        exact = self.error <= 1e-6 * np.abs(self.value)
        return bool((exact & (off <= 1e-8 * np.abs(self.value) + self.error)).all())

    def contradicts(self, wanted: NDArray[np.float64]) -> bool:
        """Whether a claim is plainly wrong."""
        off = np.abs(wanted - self.value)
        return bool(((off > PLAINLY * self.error) & (self.gap < 0.2 * off)).any())


@dataclass
class Sides:
    """The slopes of every output on the two sides of the point, along one direction."""

    left: NDArray[np.float64]  # (m,)
    right: NDArray[np.float64]  # (m,)
    error: NDArray[np.float64]  # (m,)
    step: float  # relative
    stays: NDArray[np.bool_]  # (m,) whether they are as far apart for a step ten times as long

    @property
    def kinky(self) -> NDArray[np.bool_]:
        """(m,) where the two differ beyond their error."""
        size = np.maximum(np.abs(self.left), np.abs(self.right))
        # Curvature alone makes them differ by about the step.
        bend = np.maximum(100 * self.step * size, 10 * self.error)
        return self.stays & (np.abs(self.right - self.left) > bend)


@dataclass
class Sweep:
    """The derivatives by all entries of one variable, one by one."""

    values: NDArray[np.float64]  # (K, n)
    noise: NDArray[np.float64]  # (K, n)
    jacobian: NDArray[np.float64] | None  # (m, n)


def contradicted(rungs: Mapping[float, Derivative], wanted: NDArray[np.float64]) -> bool:
    """Whether two steps agree with each other and plainly not with a claim."""
    *before, last = rungs.values()
    return last.contradicts(wanted) and any(
        other.contradicts(wanted) and other.agrees(last).all() for other in before
    )


def choose_rung(rungs: list[Derivative]) -> Derivative:
    """Choose among estimates ordered by their step, the shortest first (Lepski's rule).

    A short step has little bias and much noise. Longer ones are less noisy and are taken as long
    as they agree with all shorter ones; where one does not, it has left the neighbourhood in which
    the function is smooth, and its own error bar cannot be trusted.
    """
    value, error, gap = (np.empty(len(rungs[0].value)) for _ in range(3))
    for k in range(len(value)):
        good = _agreeing(rungs, k)
        if len(good) == 1 and len(others := _agreeing(rungs[1:], k)) >= 3:
            good = others  # the shortest step is lost in the noise
        best = min(good, key=lambda rung: float(rung.error[k]))
        value[k], error[k], gap[k] = best.value[k], best.error[k], best.gap[k]
    return Derivative(value, error, gap)


def _agreeing(rungs: list[Derivative], k: int) -> list[Derivative]:
    good: list[Derivative] = rungs[:1]
    for rung in rungs[1:]:
        if not all(rung.agrees(other)[k] for other in good):
            break
        good = [*good, rung]
    return good
