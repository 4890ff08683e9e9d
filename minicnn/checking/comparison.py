"""Analytic against numeric, entry by entry, for a variable small enough to try every one.

A quick sweep settles most entries: they agree to seven digits, and no wrong gradient does that.
What disagrees is looked at again with a ladder of steps and an error bar of its own, and is

- right, within 20 error bars;
- at a kink, where the slopes on the two sides differ: then see `minicnn.checking.kinks`;
- unresolved, where the error bar is as large as the derivative;
- wrong.

There is no absolute tolerance. A gradient of 1e-9 is held to seven digits like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.differences import Differences, Direction, unit
from minicnn.checking.estimates import Derivative
from minicnn.checking.report import FAIL, INCONCLUSIVE, PASS, PASS_AT_KINK, TensorResult
from minicnn.checking.subject import Variable

RELATIVE = 1e-7  # of a gradient that is right, in float64
BARS = 20.0  # error bars
# Below this numbers lose their digits one by one.
UNDERFLOW = 1e-290
ROUNDINGS = 30.0  # of a backward that computes in single precision
ENOUGH = 12  # wrong entries, after which the others are taken as the sweep has them
MOST_VAGUE = 16
THOROUGH = 3  # entries with which no step is spared
OWN_STEPS = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass
class Comparison:
    """One variable, analytic and numeric.

    Parameters
    ----------
    variable
        What was differentiated.
    analytic, numeric, error
        (K, n); numeric is NaN where an entry was not tried.
    wrong, kinky, unresolved
        (n,) the entries that are so.
    jacobian
        (m, n) numeric slopes of each output, or None where that is too much to keep.
    directions
        Along how many directions it was compared besides.
    direction_wrong, direction_kinky
        Whether one of those showed a difference, or met a kink.
    kink_wrong
        (n,) the wrong entries that lie at a kink.
    at
        The point, where it is not the base point.
    slabs
        By axis the indices where all was right, and those where something was wrong.
    columns
        Of a large variable some entries, and the slopes (m, entries) of every output.
    """

    variable: Variable
    analytic: NDArray[np.float64]
    numeric: NDArray[np.float64]
    error: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    kinky: NDArray[np.bool_]
    unresolved: NDArray[np.bool_]
    jacobian: NDArray[np.float64] | None = None
    directions: int = 0
    direction_wrong: bool = False
    direction_kinky: bool = False
    kink_wrong: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    at: dict[str, NDArray] = field(default_factory=dict)
    slabs: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)
    columns: tuple[NDArray[np.intp], NDArray[np.float64]] | None = None

    def __post_init__(self) -> None:
        self.kink_wrong = np.zeros(self.wrong.shape, bool)

    @property
    def failed(self) -> bool:
        """Whether the gradient is wrong."""
        return bool(self.wrong.any()) or self.direction_wrong

    @property
    def verdict(self) -> str:
        """The verdict on this variable."""
        if self.failed:
            return FAIL
        if self._too_vague():
            return INCONCLUSIVE
        return PASS_AT_KINK if self.kinky.any() or self.direction_kinky else PASS

    def _too_vague(self) -> bool:
        """Whether what is not resolved is a good part of the gradient."""
        if not self.unresolved.any():
            return False
        size = float(np.linalg.norm(self.analytic))
        bars = float(np.linalg.norm(np.where(self.unresolved, self.error, 0.0)))
        if size and BARS * bars <= 0.3 * size:
            return False
        # Noisy, but as close as the noise allows, and the noise far from all there is.
        off = np.abs(self.analytic - self.numeric)[:, self.unresolved]
        close = bool((off <= 3 * self.error[:, self.unresolved]).all())
        return not (close and bars <= 0.2 * size)

    def result(self) -> TensorResult:
        """Put it into the words of a report."""
        shape = self.variable.value.shape
        known = np.isfinite(self.numeric[0])
        base = TensorResult(
            self.variable.name, shape, self.verdict, int(known.sum()), self.directions
        )
        if not known.any():
            return base
        off = np.abs(self.analytic - self.numeric)
        bars = np.maximum(self.error, RELATIVE / BARS * np.abs(self.numeric)) + 1e-300
        ratio = np.where(known, off / bars, -1.0)  # (K, n)
        if self.wrong.any():
            ratio = np.where(self.wrong, ratio, -1.0)
        k, i = np.unravel_index(int(np.nanargmax(ratio)), ratio.shape)
        index = tuple(int(j) for j in np.unravel_index(i, shape)) if shape else ()
        return TensorResult(
            self.variable.name,
            shape,
            self.verdict,
            int(known.sum()),
            self.directions,
            index,
            float(self.analytic[k, i]),
            float(self.numeric[k, i]),
            float(self.error[k, i]),
            self.analytic[k].reshape(shape),
            self.numeric[k].reshape(shape),
            np.where(known, bars[k], np.nan).reshape(shape),
        )


def compare_entries(
    differences: Differences,
    variable: Variable,
    analytic: NDArray[np.float64],
    rounding: float,
    rng: np.random.Generator,
    keep_jacobian: bool,
) -> Comparison:
    """Compare every entry of a variable.

    Parameters
    ----------
    differences
        At the point.
    variable
        Which one.
    analytic
        (K, n) what backward says for each cotangent.
    rounding
        The rounding of backward itself, found where it is not quite linear.
    rng
        For choosing the step.
    keep_jacobian
        Whether to keep the slopes of every output.
    """
    n = analytic.shape[1]
    step = differences.best_step(variable, rng)
    sweep = differences.sweep(variable, step, keep_jacobian)
    numeric, error = sweep.values.copy(), sweep.noise.copy()
    slack = ROUNDINGS * rounding
    off = np.abs(analytic - numeric)
    suspect = ~(off <= RELATIVE * np.abs(numeric) + 5 * error + slack).all(axis=0)  # (n,)
    suspect |= _vague(analytic, numeric, error)
    plain = np.any(off > 1e-4 * np.abs(numeric) + 100 * error + slack, axis=0)  # (n,)
    wrong, kinky, unresolved = (np.zeros(n, bool) for _ in range(3))
    largest = max(float(np.abs(analytic).max(initial=0.0)), 1e-3 * differences.natural(variable))
    for tried, i in enumerate(np.flatnonzero(suspect)):
        if wrong.sum() >= ENOUGH and plain[i]:
            # The gradient is wrong; what the sweep says of the rest is exact enough to say how.
            wrong[i] = True
            continue
        found, kind = _look_again(
            differences, variable, int(i), analytic[:, i], slack, largest, tried < THOROUGH
        )
        if np.isfinite(found.value).all():
            numeric[:, i], error[:, i] = found.value, found.error
        wrong[i], kinky[i], unresolved[i] = kind == "wrong", kind == "kink", kind == "unresolved"
    return Comparison(
        variable,
        analytic,
        numeric,
        error,
        wrong,
        kinky,
        unresolved,
        sweep.jacobian,
        at=dict(differences.at),
    )


def _vague(
    analytic: NDArray[np.float64], numeric: NDArray[np.float64], error: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Choose some of the entries of which the sweep shows little but noise."""
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    vague = ((5 * error > 0.1 * size) & (size > 0)).all(axis=0)  # (n,)
    chosen = np.flatnonzero(vague)
    chosen = chosen[np.argsort(-size[0, chosen])][:MOST_VAGUE]
    marked = np.zeros(vague.shape, bool)
    marked[chosen] = True
    return marked


def judge(analytic: NDArray[np.float64], found: Derivative, slack: float, largest: float) -> str:
    """Call one derivative right, wrong, a kink or unresolved.

    Parameters
    ----------
    analytic
        (K,) what backward says.
    found
        What differences say.
    slack
        What the rounding of backward may add.
    largest
        The largest entry of the gradient, or what it could be if the variable moved the outputs
        by a thousandth of their size: what is far below need not be resolved.
    """
    if not np.isfinite(found.value).all():
        return "unresolved"
    off = np.abs(analytic - found.value)
    bars = BARS * found.error
    if (off <= bars + RELATIVE * np.abs(found.value) + slack + UNDERFLOW).all():
        size = np.maximum(np.abs(analytic), np.abs(found.value))
        vague = (bars > 0.1 * size) & (bars > 1e-3 * largest)
        if not vague.any():
            return "right"
        return "kink" if (found.gap > 0.1 * size).any() else "unresolved"
    if (found.gap > 0.2 * off).any():
        return "kink"
    return "wrong"


def compare_direction(
    differences: Differences,
    comparison: Comparison,
    direction: NDArray[np.float64],
    rounding: float,
) -> str:
    """Compare along one direction: moving many entries at once lifts them out of the noise."""
    variable = comparison.variable
    claimed = comparison.analytic @ direction.ravel()  # (K,)
    found = differences.along({variable.name: direction}, variable.scale, claimed)
    slack = ROUNDINGS * rounding * float(np.count_nonzero(direction)) ** 0.5
    # Moved together, entries may cancel to the last digit; what rounding left is no mistake.
    slack += BARS * differences.rounding(variable)
    comparison.directions += 1
    largest = max(float(np.abs(claimed).max(initial=0.0)), 1e-3 * differences.natural(variable))
    kind = judge(claimed, found, slack, largest)
    if kind == "kink":
        off = np.abs(claimed - found.value) - BARS * found.error - slack
        kind = kink_or_bend(differences, {variable.name: direction}, variable.scale, off)
    if kind == "wrong":
        comparison.direction_wrong = True
    return kind


def kink_or_bend(
    differences: Differences,
    direction: Direction,
    scale: float,
    off: NDArray[np.float64],
) -> str:
    """Tell a kink along a direction, which may explain a difference, from curvature, which can't.

    Parameters
    ----------
    differences
        At the point.
    direction, scale
        Along which the claim and the derivative differ.
    off
        (K,) by how much, beyond what the error bar allows.
    """
    sides = differences.sides(direction, scale)
    apart = np.where(sides.kinky, np.abs(sides.right - sides.left), 0.0)  # (m,)
    explained = np.abs(differences.v) @ apart  # (K,)
    return "kink" if (off <= 1.01 * explained).all() else "wrong"


def _look_again(
    differences: Differences,
    variable: Variable,
    i: int,
    analytic: NDArray[np.float64],
    slack: float,
    largest: float,
    thorough: bool,
) -> tuple[Derivative, str]:
    """Differentiate by one entry with a ladder of steps."""
    ladder = differences.ladder
    own = abs(float(differences.point(variable).flat[i])) / variable.scale
    if 0 < own < 1e-2:
        # An entry far below its neighbours may live on a scale of its own.
        ladder = tuple(own * step for step in OWN_STEPS) + ladder
    found = differences.along(
        {variable.name: unit(variable, i)}, variable.scale, analytic, ladder, thorough
    )
    return found, judge(analytic, found, slack, largest)
