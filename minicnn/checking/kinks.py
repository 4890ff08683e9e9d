"""Where the function has a kink: which gradients are permissible there.

At a kink there is no derivative, but there are slopes on the two sides, and a gradient is right
if it lies between them: ReLU'(0) may be 0, 1/2 or 1, not 2. Three things make this less simple
than it sounds.

- Between must be asked of each output by itself. In a sum weighted with signed cotangents the
  interval of the sum is wider than what any choice at the kinks can give.
- Entry by entry is not enough. Where max pooling ties, each of two equal entries may have any
  share from 0 to 1, and a backward that gives both of them 1 passes twice. But moving both
  together meets no kink: along the direction of ones the slope is 1, and the shares must add up.
- One coordinate can move many kinks at once (a network whose weights are all zero). Then the
  slopes on its two sides do not span what the chain rule may choose, and the gradients beside
  the point are asked as well.

Clarke, Optimization and Nonsmooth Analysis (1983), has the theory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.comparison import BARS, Comparison
from minicnn.checking.differences import Differences, unit
from minicnn.checking.estimates import Sides
from minicnn.checking.failures import TargetError
from minicnn.checking.report import Finding
from minicnn.checking.subject import Variable

GradientOf = Callable[[NDArray, Mapping[str, NDArray]], dict[str, NDArray]]

MOST_OUTPUTS = 256
MOST_ENTRIES = 200
BESIDE = 1e-4
TRIES = 14


class Kinks:
    """Judges the entries of a gradient that lie at a kink.

    Parameters
    ----------
    differences
        At the point.
    gradient_of
        Returns the gradients of all variables for a cotangent and a point.
    """

    def __init__(
        self,
        differences: Differences,
        gradient_of: GradientOf,
    ) -> None:
        self.differences = differences
        self.gradient_of = gradient_of
        self._rows: dict[int, dict[str, NDArray]] = {}
        self._beside: dict[int, list[dict[str, NDArray]]] = {}
        self._outputs: set[int] = set()
        self._sides: dict[tuple[str, int], Sides] = {}

    def judge(self, comparison: Comparison) -> list[Finding]:
        """Move the entries of ``comparison.kinky`` that are not permissible to ``wrong``."""
        variable = comparison.variable
        findings: list[Finding] = []
        entries = np.flatnonzero(comparison.kinky)
        for i in entries[:MOST_ENTRIES]:
            sides = self.sides(variable, int(i))
            at_kink = np.flatnonzero(sides.kinky)
            if not len(at_kink):
                # A bend, not a kink; the error bar knows of bends.
                off = np.abs(comparison.analytic[:, i] - comparison.numeric[:, i])
                vague = bool((off <= BARS * comparison.error[:, i]).all())
                comparison.kinky[i] = False
                comparison.unresolved[i], comparison.wrong[i] = vague, not vague
                continue
            if len(at_kink) > MOST_OUTPUTS:
                continue
            self._outputs.update(map(int, at_kink))
            complaint = self._judge_entry(comparison, int(i), sides, at_kink)
            if complaint is not None:
                comparison.kinky[i] = False
                comparison.wrong[i] = comparison.kink_wrong[i] = True
                findings.append(complaint)
        return findings[:1]

    # ---- one entry ------------------------------------------------------------------

    def sides(self, variable: Variable, i: int) -> Sides:
        """Return the slopes on the two sides of one entry."""
        key = variable.name, i
        if key not in self._sides:
            self._sides[key] = self.differences.sides(
                {variable.name: unit(variable, i)}, variable.scale
            )
        return self._sides[key]

    def row(self, output: int) -> dict[str, NDArray]:
        """Return what backward says is the gradient of one output."""
        if output not in self._rows:
            self._rows[output] = self.gradient_of(self._one_hot(output), self.differences.at)
        return self._rows[output]

    def _one_hot(self, output: int) -> NDArray[np.float64]:
        hot = np.zeros(self.differences.y.size)
        hot[output] = 1.0
        return hot

    def _judge_entry(
        self, comparison: Comparison, i: int, sides: Sides, at_kink: NDArray[np.intp]
    ) -> Finding | None:
        variable, v = comparison.variable, self.differences.v
        smooth = np.setdiff1d(np.arange(self.differences.y.size), at_kink)
        rows = np.array([self.row(int(o))[variable.name].flat[i] for o in at_kink])  # (k,)
        # What the smooth outputs contribute must be right as anywhere else.
        slopes = (sides.left + sides.right)[smooth] / 2
        numeric = v[:, smooth] @ slopes
        analytic = comparison.analytic[:, i] - v[:, at_kink] @ rows
        size = np.abs(v[:, smooth]) @ np.abs(slopes)
        bars = BARS * (np.abs(v[:, smooth]) @ sides.error[smooth]) + 1e-5 * size
        bars += 1e-9 * np.abs(comparison.analytic).max()
        if (np.abs(analytic - numeric) > bars).any():
            return self._complain(variable, i, comparison, "beside", at_kink, sides, rows)
        lo = np.minimum(sides.left, sides.right)[at_kink]
        hi = np.maximum(sides.left, sides.right)[at_kink]
        slack = BARS * sides.error[at_kink] + 1e-6 * np.maximum(np.abs(lo), np.abs(hi))
        outside = (rows < lo - slack) | (rows > hi + slack)
        for k in np.flatnonzero(outside):
            output = int(at_kink[k])
            beside = [float(row[variable.name].flat[i]) for row in self._rows_beside(output)]
            span = self._span(beside, float(sides.left[output]), float(sides.right[output]))
            if span is None or not span[0] - slack[k] <= rows[k] <= span[1] + slack[k]:
                return self._complain(
                    variable, i, comparison, "outside", at_kink[k : k + 1], sides, rows[k : k + 1]
                )
        return None

    @staticmethod
    def _span(found: Sequence[float], left: float, right: float) -> tuple[float, float] | None:
        """Return the range of slopes beside the point, if several kinks meet there.

        With a single kink there are two slopes, those on the two sides, and nothing else is
        permissible. With several, each may be taken by itself.
        """
        size = max(map(abs, found), default=0.0) or 1.0
        if len({round(slope / size, 4) for slope in found}) <= 2:
            return None
        reach = [*found, left, right, left + right, 0.0]
        return min(reach), max(reach)

    def _rows_beside(self, output: int) -> list[dict[str, NDArray]]:
        if output not in self._beside:
            rows = []
            for direction in self._directions():
                at = {
                    v.name: self.differences.point(v) + BESIDE * v.scale * direction[v.name]
                    for v in self.differences.subject.variables
                }
                try:
                    rows.append(self.gradient_of(self._one_hot(output), at))
                except TargetError:
                    continue
            self._beside[output] = rows
        return self._beside[output]

    def _directions(self) -> Sequence[dict[str, NDArray]]:
        variables = self.differences.subject.variables
        same_way = [{v.name: np.full(v.value.shape, s) for v in variables} for s in (1.0, -1.0)]
        rng = np.random.default_rng(14)
        return same_way + [
            {v.name: rng.normal(size=v.value.shape) for v in variables} for _ in range(TRIES)
        ]

    # ---- all entries at a kink together ---------------------------------------------

    def judge_together(self, comparisons: Sequence[Comparison]) -> list[Finding]:
        """Move all entries that meet at the kink of one output in the same direction.

        They may belong to several variables: of max(a, b) each takes a share where a = b.
        """
        for output in sorted(self._outputs)[:MOST_OUTPUTS]:
            meeting = {
                c.variable.name: entries
                for c in comparisons
                if len(entries := self._meeting(c, output))
            }
            if sum(map(len, meeting.values())) < 2:
                continue
            for names in {*((name,) for name in meeting), tuple(meeting)}:
                finding = self._judge_sum({name: meeting[name] for name in names}, output)
                if finding is not None:
                    for c in comparisons:
                        chosen = meeting.get(c.variable.name, np.zeros(0, int))
                        c.kinky[chosen] = False
                        c.wrong[chosen] = c.kink_wrong[chosen] = True
                    return [finding]
        return []

    def _meeting(self, comparison: Comparison, output: int) -> NDArray[np.intp]:
        """Return the entries of a variable that move an output off its kink."""
        if comparison.jacobian is None:
            return np.zeros(0, int)
        moving = np.flatnonzero(comparison.jacobian[output])[:MOST_ENTRIES]
        variable = comparison.variable
        return np.array(
            [i for i in moving if self.sides(variable, int(i)).kinky[output]], dtype=int
        )

    def _judge_sum(self, meeting: Mapping[str, NDArray[np.intp]], output: int) -> Finding | None:
        variables = {v.name: v for v in self.differences.subject.variables}
        direction = {}
        for name, entries in meeting.items():
            moved = np.zeros(variables[name].value.size)
            moved[entries] = 1.0
            direction[name] = moved.reshape(variables[name].value.shape)
        count = sum(map(len, meeting.values()))
        if count < 2:
            return None
        scale = max(variables[name].scale for name in meeting)
        sides = self.differences.sides(direction, scale)
        left, right = float(sides.left[output]), float(sides.right[output])

        def total(row: Mapping[str, NDArray]) -> float:
            return float(sum((row[name] * d).sum() for name, d in direction.items()))

        claimed = total(self.row(output))
        slack = BARS * float(sides.error[output]) + 1e-6 * max(abs(left), abs(right))
        if min(left, right) - slack <= claimed <= max(left, right) + slack:
            return None
        span = self._span([total(row) for row in self._rows_beside(output)], left, right)
        if span is not None and span[0] - slack <= claimed <= span[1] + slack:
            return None
        name = next(iter(meeting))
        index = np.unravel_index(int(meeting[name][0]), variables[name].value.shape)
        return Finding(
            "subgradient",
            f"{count} entries of {' and '.join(meeting)} meet at a kink (a tie); moved together "
            f"they change output {output} by {max(left, right, key=abs):.4g} per step, but their "
            f"gradients add up to {claimed:.4g}: a tie is to be shared, neither doubled nor lost",
            name,
            {
                "output": output,
                "entries": count,
                "index": [int(j) for j in index],
                "sum_of_gradients": claimed,
                "slopes": [left, right],
            },
        )

    def _complain(
        self,
        variable: Variable,
        i: int,
        comparison: Comparison,
        how: str,
        at_kink: NDArray[np.intp],
        sides: Sides,
        rows: NDArray[np.float64],
    ) -> Finding:
        index = tuple(int(j) for j in np.unravel_index(i, variable.value.shape))
        place = f"{variable.name}[{', '.join(map(str, index))}]"
        if how == "beside":
            return Finding(
                "other",
                f"{place} lies at a kink of some outputs; of the others, which are smooth there, "
                "the gradient is wrong",
                variable.name,
                {"index": list(index)},
            )
        output, row = int(at_kink[0]), float(rows[0])
        left, right = float(sides.left[output]), float(sides.right[output])
        return Finding(
            "subgradient",
            f"{place} lies at a kink: the slope of output {output} is {left:.4g} on its left and "
            f"{right:.4g} on its right, and backward says {row:.4g}, which is outside",
            variable.name,
            {"index": list(index), "left": left, "right": right, "analytic": row},
        )
