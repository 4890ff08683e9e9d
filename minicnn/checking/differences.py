r"""Derivatives by differences, each with an error bar that was measured.

    D(h) = (f(x + h d) - f(x - h d)) / 2h = f'(x; d) + c h^2 + noise / h

Two things spoil a difference: the curvature of f (less for a small step) and the rounding of
its values (less for a large one). Both are measured here instead of assumed. Richardson's
extrapolation R = (4 D(h/2) - D(h)) / 3 cancels the term in h^2, and R - D(h/2) says how much
there was to cancel; a table of differences (Hamming; More and Wild 2011) says how noisy the
values are (`noise`). Of a ladder of steps the best is chosen (`estimates`), so nothing has to be
known about the function, neither its scale nor the precision it computes in.

Everything is kept per output, and only weighted by the cotangents v at the end, subtracting
before summing: sum_o v_o (y_o(x + h d) - y_o(x - h d)).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.estimates import Derivative, Sides, Sweep, choose_rung, contradicted
from minicnn.checking.failures import TargetError
from minicnn.checking.noise import EPS, SINGLE, measure_noise, own_sizes, rms, signed
from minicnn.checking.subject import Subject, Variable

# Relative to the size of a typical entry; tried in this order, the best bet first.
LADDER = (1e-3, 1e-4, 1e-2, 1e-5, 1e-6, 1e-7, 1e-8)
# For a function that computes in single precision.
COARSE_LADDER = (3e-2, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
# Steps that show whether an output depends on an entry at all, relative to its size.
FAR = (1.0, 30.0)
SWEEP_STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
KINK_STEP = 1e-5

Direction = Mapping[str, NDArray[np.float64]]


class Differences:
    """Differences of a subject's forward around its base point.

    Parameters
    ----------
    subject
        Prepared.
    cotangents
        (K, m) one row per random cotangent.
    rng
        For the directions along which noise is measured.
    at
        The values of all variables at the point; by default the base point.
    """

    def __init__(
        self,
        subject: Subject,
        cotangents: NDArray[np.float64],
        rng: np.random.Generator,
        at: Mapping[str, NDArray] | None = None,
    ) -> None:
        self.subject = subject
        self.v = cotangents
        self.at = dict(at or {})
        self.favourite = 1e-4  # the relative step that served last
        self.y = subject.evaluate(self.at)  # (m,)
        self.noise = measure_noise(
            self.move,
            {v.name: own_sizes(self.point(v), v.scale) for v in subject.variables},
            self.y,
            rng,
        )  # (m,)
        self.reach = self._measure_reach(rng)

    def point(self, variable: Variable) -> NDArray[np.float64]:
        """Return the value of a variable at the point."""
        return self.at.get(variable.name, variable.value)

    def move(self, direction: Direction, t: float) -> NDArray[np.float64]:
        """Return the outputs at x + t d; NaN where the target cannot go there."""
        values = dict(self.at)
        for variable in self.subject.variables:
            if variable.name in direction:
                values[variable.name] = self.point(variable) + t * direction[variable.name]
        try:
            y = self.subject.evaluate(values)
        except TargetError:
            return np.full(self.y.shape, np.nan)
        return y if y.shape == self.y.shape else np.full(self.y.shape, np.nan)

    def move_entry(self, variable: Variable, flat_index: int, t: float) -> NDArray[np.float64]:
        """Return the outputs with one entry of one variable moved by t."""
        return self.move({variable.name: unit(variable, flat_index)}, t)

    def _ladder_from_favourite(self) -> list[float]:
        """The steps to try, the one that served last before the others."""
        return sorted(self.ladder, key=lambda step: step != self.favourite)

    def natural(self, variable: Variable) -> float:
        """What a derivative is like that moves the outputs as much as anything does.

        Not as large as the outputs: y = 10^12 + x moves by little, and so do its derivatives.
        """
        return float(np.linalg.norm(self.v[0])) * self.reach / variable.scale

    def rounding(self, variable: Variable) -> float:
        """What the rounding of y alone may look like as a derivative."""
        return EPS * float(np.linalg.norm(self.v[0])) * rms(self.y) / variable.scale

    def _measure_reach(self, rng: np.random.Generator) -> float:
        """How far the outputs go when every variable moves by its own size."""
        direction = {v.name: v.scale * signed(rng, v.value.shape) for v in self.subject.variables}
        moves = [self.move(direction, t) - self.y for t in (0.03, *FAR, *(-t for t in FAR))]
        return max((rms(m[np.isfinite(m)]) for m in moves), default=0.0)

    # ---- noise ----------------------------------------------------------------------

    @property
    def ladder(self) -> tuple[float, ...]:
        """The steps to try, by the precision of the function."""
        coarse = rms(self.noise) > SINGLE * rms(self.y) > 0
        return COARSE_LADDER if coarse else LADDER

    def noise_of(
        self,
        ahead: NDArray[np.float64],
        behind: NDArray[np.float64],
        h: float,
        reached: NDArray[np.bool_] | bool = False,
    ) -> NDArray[np.float64]:
        """(K,) what the noise of the outputs that changed does to a difference of step h."""
        rounding = EPS * np.maximum(np.abs(ahead), np.abs(behind))
        noise = np.where((ahead != behind) | reached, np.maximum(self.noise, rounding), 0.0)
        return np.sqrt((self.v**2) @ noise**2) / h

    # ---- one direction --------------------------------------------------------------

    def along(
        self,
        direction: Direction,
        scale: float,
        wanted: NDArray[np.float64] | None = None,
        ladder: tuple[float, ...] | None = None,
        thorough: bool = False,
    ) -> Derivative:
        """Differentiate along a direction with the best step of a ladder.

        Parameters
        ----------
        direction
            By variable; steps are multiples of it.
        scale
            What a step of 1 means: the size of the entries that move.
        wanted
            (K,) what the derivative is claimed to be; the search ends early when it is
            plainly right or plainly wrong.
        ladder
            Steps to try, relative to ``scale``; by default those that fit the noise.
        thorough
            Try all of them before calling a claim wrong.
        """
        rungs: dict[float, Derivative] = {}
        # x + h is rounded: the step is not quite the one that was meant.
        furthest = max(
            float(np.abs(self.point(v)[direction[v.name] != 0]).max(initial=0.0))
            for v in self.subject.variables
            if v.name in direction
        )
        reached: NDArray[np.bool_] | None = None
        for relative in ladder or self._ladder_from_favourite():
            h = relative * scale
            outer = self.move(direction, h), self.move(direction, -h)
            inner = self.move(direction, h / 2), self.move(direction, -h / 2)
            found = self._extrapolate(outer, inner, h, reached, furthest)
            if found is None:
                continue
            if wanted is not None and found.fits(wanted):
                self.favourite = relative
                return found
            if reached is None:
                reached = self._reached(direction, scale)
                found = self._extrapolate(outer, inner, h, reached, furthest) or found
            rungs[h] = found
            if wanted is not None and not thorough and contradicted(rungs, wanted):
                break
        if not rungs:
            nowhere = np.full(len(self.v), np.nan)
            return Derivative(nowhere, np.full(len(self.v), np.inf), np.zeros(len(self.v)))
        return choose_rung([rungs[h] for h in sorted(rungs)])

    def _reached(self, direction: Direction, scale: float) -> NDArray[np.bool_]:
        """(m,) the outputs that a long step changes.

        A short one may change them by less than they can show, which does not make their
        derivative exact: it is zero to within their rounding.
        """
        reached = np.zeros(self.y.shape, bool)
        for length in FAR:
            for t in (length * scale, -length * scale):
                reached |= ~(self.move(direction, t) == self.y)
        # What changes nothing at all may still be a change too small for any output to show.
        return reached if reached.any() else ~reached

    def _extrapolate(
        self,
        outer: tuple[NDArray, NDArray],
        inner: tuple[NDArray, NDArray],
        h: float,
        reached: NDArray[np.bool_] | None,
        furthest: float,
    ) -> Derivative | None:
        wide = outer[0] - outer[1]  # (m,)
        narrow = inner[0] - inner[1]
        if not (np.isfinite(wide).all() and np.isfinite(narrow).all()):
            return None
        coarse = self.v @ wide / (2 * h)  # (K,)
        fine = self.v @ narrow / h
        value = (4 * fine - coarse) / 3
        bend = (inner[0] - self.y) - (self.y - inner[1])  # (m,)
        return Derivative(
            value,
            np.abs(value - fine)
            + 2 * self.noise_of(*outer, h, False if reached is None else reached)
            + np.abs(value) * EPS * furthest / h,
            np.abs(self.v) @ np.abs(bend) / (h / 2),
        )

    def sides(self, direction: Direction, scale: float) -> Sides:
        """Return the slopes of every output on the two sides of the point."""
        step = KINK_STEP if self.ladder is LADDER else 100 * KINK_STEP
        wide = self._slopes(direction, 10 * step * scale)
        left, right = self._slopes(direction, step * scale)
        # The slopes on the two sides of a bend come together as the step shrinks; at a kink
        # they stay apart.
        stays = np.abs(right - left) > 0.5 * np.abs(wide[1] - wide[0])
        return Sides(left, right, 3 * self.noise / (step * scale), step, stays)

    def _slopes(
        self, direction: Direction, h: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ahead, behind = self.move(direction, h), self.move(direction, -h)
        return (self.y - behind) / h, (ahead - self.y) / h

    # ---- all entries of a variable --------------------------------------------------

    def best_step(self, variable: Variable, rng: np.random.Generator) -> float:
        """Choose the step of the sweep: where curvature and noise, both measured, are least."""
        direction = {variable.name: rng.choice([-1.0, 1.0], variable.value.shape)}
        best, chosen = np.inf, SWEEP_STEPS[1] * variable.scale
        for relative in SWEEP_STEPS:
            h = relative * variable.scale
            ahead, behind = self.move(direction, h), self.move(direction, -h)
            inner = self.move(direction, h / 2) - self.move(direction, -h / 2)
            if not (np.isfinite(ahead - behind).all() and np.isfinite(inner).all()):
                continue
            coarse, fine = self.v @ (ahead - behind) / (2 * h), self.v @ inner / h
            error = float((np.abs(coarse - fine) + self.noise_of(ahead, behind, h)).sum())
            if error < best:
                best, chosen = error, h
        return chosen

    def sweep(
        self,
        variable: Variable,
        h: float,
        keep: bool,
        only: NDArray[np.intp] | None = None,
    ) -> Sweep:
        """Differentiate by every entry, or some, with central differences of one step."""
        entries = np.arange(variable.value.size) if only is None else only
        n, count = len(entries), len(self.v)
        values, noise = np.empty((count, n)), np.empty((count, n))
        jacobian = np.empty((self.y.size, n)) if keep else None
        for i, entry in enumerate(entries):
            ahead = self.move_entry(variable, int(entry), h)  # (m,)
            behind = self.move_entry(variable, int(entry), -h)
            slope = (ahead - behind) / (2 * h)
            values[:, i] = self.v @ slope
            noise[:, i] = self.noise_of(ahead, behind, h)
            if jacobian is not None:
                jacobian[:, i] = slope
        return Sweep(values, noise, jacobian)


def unit(variable: Variable, flat_index: int) -> NDArray[np.float64]:
    """Return the direction in which one entry of a variable moves."""
    direction = np.zeros(variable.value.shape)
    direction.flat[flat_index] = 1.0
    return direction
