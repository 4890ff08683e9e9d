"""Analytic against numeric where there are too many entries to try each.

A direction of random signs moves all entries at once, and one derivative along it sees a mistake
in any of them, since the difference of two gradients is orthogonal to a random direction almost
never. (Positive weights would see less: errors that cancel in a sum are common.) Beside the
directions over everything stand directions over slabs, the first and last index of each axis,
where mistakes like to sit, and single entries: corners, the largest, the smallest, some at
random. A direction that fails is cut in halves until the wrong entry is found.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.comparison import BARS, RELATIVE, ROUNDINGS, Comparison, judge, kink_or_bend
from minicnn.checking.differences import Differences
from minicnn.checking.noise import signed
from minicnn.checking.subject import Variable

FULL_DIRECTIONS = 2
RANDOM_ENTRIES = 8
# Of a network with many arrays each is tried along fewer subsets.
MOST_SUBSETS = 96
FEWEST_SUBSETS = 5
WIDEST_PROFILE = 12
MOST_SAMPLES = 100
COLUMNS = 16
LARGEST_COLUMNS = 4_000_000


class Sampler:
    """Compares one large variable along directions, slabs and single entries.

    Parameters
    ----------
    differences
        At the point.
    variable
        Which one.
    analytic
        (K, n) what backward says for each cotangent.
    rounding
        The rounding of backward itself.
    rng
        For the signs and the choice of entries.
    arrays
        How many large variables share the work that is reasonable.
    """

    def __init__(
        self,
        differences: Differences,
        variable: Variable,
        analytic: NDArray[np.float64],
        rounding: float,
        rng: np.random.Generator,
        arrays: int = 1,
    ) -> None:
        self.differences = differences
        self.subsets = max(FEWEST_SUBSETS, MOST_SUBSETS // arrays)
        self.variable = variable
        self.analytic = analytic
        self.rounding = rounding
        self.rng = rng
        self.shape = variable.value.shape
        n = variable.value.size
        unknown = np.full(analytic.shape, np.nan)
        none = np.zeros(n, bool)
        self.comparison = Comparison(
            variable,
            analytic,
            unknown,
            np.full(analytic.shape, np.nan),
            none.copy(),
            none.copy(),
            none.copy(),
            at=dict(differences.at),
        )

    def compare(self) -> Comparison:
        """Run the comparison; where it fails, look for the place."""
        failing: list[NDArray[np.intp]] = []
        for entries in self._subsets():
            kind = self._try(entries)
            if kind == "wrong":
                failing.append(entries)
                if len(failing) >= 3:
                    break
        if failing:
            self.comparison.direction_wrong = True
            self._locate(min(failing, key=len))
            self._explore()
        return self.comparison

    # ---- what to try ----------------------------------------------------------------

    def _subsets(self) -> Iterator[NDArray[np.intp]]:
        everything = np.arange(self.variable.value.size)
        for _ in range(FULL_DIRECTIONS):
            yield everything
        some = [self.slab(axis, j) for axis, j in self._slabs()]
        some += [np.array([i]) for i in self._entries()]
        count = self.subsets - FULL_DIRECTIONS
        if len(some) > count:
            chosen = np.sort(self.rng.choice(len(some), count, replace=False))
            some = [some[i] for i in chosen]
        yield from some

    def slab(self, axis: int, j: int) -> NDArray[np.intp]:
        """Return the flat indices of the entries at one place along an axis."""
        numbers = np.arange(self.variable.value.size).reshape(self.shape)
        return np.take(numbers, j, axis=axis).ravel()

    def _slabs(self) -> Iterator[tuple[int, int]]:
        for axis, length in enumerate(self.shape):
            if length > 1:
                yield axis, 0
                yield axis, length - 1
                if length > 3:
                    yield axis, int(self.rng.integers(1, length - 1))

    def _entries(self) -> list[int]:
        corners = np.array(
            np.meshgrid(*[sorted({0, length - 1}) for length in self.shape], indexing="ij")
        ).reshape(len(self.shape), -1)
        chosen = list(np.ravel_multi_index(tuple(corners), self.shape))[:16]
        size = np.abs(self.analytic[0])
        chosen.append(int(size.argmax()))
        if (size > 0).any():
            chosen.append(int(np.where(size > 0, size, np.inf).argmin()))
        chosen += list(self.rng.integers(0, self.variable.value.size, RANDOM_ENTRIES))
        return list(dict.fromkeys(int(i) for i in chosen))

    # ---- one subset -----------------------------------------------------------------

    def _try(self, entries: NDArray[np.intp], signs: NDArray | None = None) -> str:
        direction, claimed = self._direction(entries, signs)
        found = self.differences.along(
            {self.variable.name: direction}, self.variable.scale, claimed
        )
        slack = ROUNDINGS * self.rounding * float(np.sqrt(len(entries)))
        natural = 1e-3 * self.differences.natural(self.variable)
        largest = max(float(np.abs(claimed).max(initial=0.0)), natural)
        kind = judge(claimed, found, slack, largest)
        if kind == "kink":
            off = np.abs(claimed - found.value) - BARS * found.error - slack
            kind = kink_or_bend(
                self.differences, {self.variable.name: direction}, self.variable.scale, off
            )
        comparison = self.comparison
        if len(entries) == 1:
            i = int(entries[0])
            sign = 1.0 if signs is None else float(signs[0])
            comparison.numeric[:, i] = found.value * sign
            comparison.error[:, i] = found.error
            comparison.wrong[i] = kind == "wrong"
        else:
            comparison.directions += 1
        if kind == "kink":
            comparison.direction_kinky = True
        if kind == "unresolved" and len(entries) == self.variable.value.size:
            comparison.unresolved[0] = True
        return kind

    def _direction(
        self, entries: NDArray[np.intp], signs: NDArray | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a signed direction over some entries, and the derivative that is claimed there.

        Its weights differ in size: two entries that are exchanged would cancel along signs alone
        half of the time.
        """
        direction = np.zeros(self.variable.value.size)
        if signs is None:
            signs = np.ones(1)
            if len(entries) > 1:
                signs = signed(self.rng, (len(entries),))
        direction[entries] = signs
        claimed = self.analytic @ direction  # (K,)
        return direction.reshape(self.shape), claimed

    # ---- where it is wrong ----------------------------------------------------------

    def _locate(self, entries: NDArray[np.intp]) -> None:
        """Cut a failing subset in halves until one wrong entry is left."""
        while len(entries) > 1:
            half = len(entries) // 2
            first, second = entries[:half], entries[half:]
            if self._plainly_wrong(first):
                entries = first
            elif self._plainly_wrong(second):
                entries = second
            else:
                return  # both halves pass alone: the mistake is at the edge of what can be seen
        self._try(entries)

    def _plainly_wrong(self, entries: NDArray[np.intp]) -> bool:
        """Compare along a subset with the step that served last: four calls instead of thirty."""
        direction, claimed = self._direction(entries, None)
        found = self.differences.along(
            {self.variable.name: direction},
            self.variable.scale,
            claimed,
            (self.differences.favourite,),
        )
        off = np.abs(claimed - found.value)
        return bool((off > BARS * found.error + RELATIVE * np.abs(found.value)).any())

    def _explore(self) -> None:
        """Learn the pattern of the mistake: which slabs are wrong, and some entries."""
        wrong_slabs: list[NDArray[np.intp]] = []
        slabs = self.comparison.slabs
        for axis, length in enumerate(self.shape):
            if length == 1:
                continue
            places = list(range(length))
            if length > WIDEST_PROFILE:
                places = [0, 1, 2, length // 2, length - 3, length - 2, length - 1]
            slabs[axis] = ([], [])
            for j in places:
                entries = self.slab(axis, j)
                wrong = self._plainly_wrong(entries)
                slabs[axis][wrong].append(j)
                if wrong:
                    wrong_slabs.append(entries)
        chosen: list[int] = []
        if wrong_slabs:
            smallest = min(wrong_slabs, key=len)
            chosen += list(self.rng.choice(smallest, min(len(smallest), 24), replace=False))
        n = self.variable.value.size
        chosen += list(self.rng.choice(n, min(n, MOST_SAMPLES - len(chosen)), replace=False))
        self._measure(np.array(sorted({int(i) for i in chosen})))
        measure_columns(self.differences, self.comparison)

    def _measure(self, entries: NDArray[np.intp]) -> None:
        """Differentiate by some entries with the step that served last."""
        c = self.comparison
        entries = entries[np.isnan(c.numeric[0, entries])]
        step = self.differences.favourite * self.variable.scale
        sweep = self.differences.sweep(self.variable, step, keep=False, only=entries)
        error = sweep.noise + 1e-6 * np.abs(sweep.values)
        off = np.abs(self.analytic[:, entries] - sweep.values)
        c.numeric[:, entries], c.error[:, entries] = sweep.values, error
        c.wrong[entries] = (off > BARS * error).any(axis=0)


def measure_columns(differences: Differences, comparison: Comparison) -> None:
    """Keep the slopes of every output by a few entries: they tell which outputs count."""
    variable = comparison.variable
    known = np.flatnonzero(np.isfinite(comparison.numeric[0]))
    order = np.argsort(-np.abs(comparison.numeric[0, known]))
    chosen = known[order][:COLUMNS]
    if len(chosen) and len(chosen) * differences.y.size <= LARGEST_COLUMNS:
        sweep = differences.sweep(variable, 1e-4 * variable.scale, keep=True, only=chosen)
        assert sweep.jacobian is not None
        comparison.columns = chosen, sweep.jacobian
