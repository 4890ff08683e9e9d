"""What a diagnosis starts from: a wrong gradient, the right one, and how to tell a match.

A hypothesis is a candidate: "if the mistake were this, the gradient would be that". It explains
the mistake if the analytic gradient equals the candidate, for both cotangents, and if what is left
unexplained is a small part of the difference that had to be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.comparison import Comparison
from minicnn.checking.failures import TargetError
from minicnn.checking.promises.behaviour import Behaviour
from minicnn.checking.subject import Subject, Variable

# What may stay unexplained of the difference between analytic and numeric.
UNEXPLAINED = 0.02
BARS = 10.0
STEP = 1e-4

GradientOf = Callable[[NDArray, Mapping[str, NDArray]], dict[str, NDArray]]


@dataclass
class Evidence:
    """Everything a check has found out.

    Parameters
    ----------
    subject
        What was checked.
    cotangents
        (K, m).
    behaviour
        What its calls showed.
    comparisons
        One per variable that could be compared.
    gradient_of
        Returns analytic gradients for a cotangent and a point.
    """

    subject: Subject
    cotangents: NDArray[np.float64]
    behaviour: Behaviour
    comparisons: Sequence[Comparison]
    gradient_of: GradientOf

    @cached_property
    def suspects(self) -> list[Suspect]:
        """The gradients that are wrong."""
        return [Suspect(self, c) for c in self.comparisons if c.failed]

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """The shape of each output."""
        return self.subject.base_call.shapes

    def slopes(
        self,
        variable: Variable,
        entries: NDArray[np.intp],
        at: Mapping[str, NDArray] | None = None,
    ) -> NDArray[np.float64]:
        """(K, entries) central differences by some entries, with other values of some variables.

        Raises
        ------
        TargetError
            If the target cannot be called there, or returns another number of outputs.
        """
        at = dict(at or {})
        h = STEP * variable.scale
        point = at.get(variable.name, variable.value)
        found = np.empty((len(self.cotangents), len(entries)))
        for j, i in enumerate(entries):
            sides = []
            for step in (h, -h):
                moved = point.copy()
                moved.flat[i] += step
                y = self.subject.evaluate(at | {variable.name: moved})
                if y.size != self.cotangents.shape[1]:
                    raise TargetError("forward", "the output has another size there")
                sides.append(y)
            found[:, j] = self.cotangents @ (sides[0] - sides[1]) / (2 * h)
        return found

    def numeric(self, name: str) -> NDArray[np.float64] | None:
        """Return the true gradients of a variable, (K, *shape), if all entries are known."""
        for c in self.comparisons:
            if c.variable.name == name and np.isfinite(c.numeric).all():
                return c.numeric.reshape(-1, *c.variable.value.shape)
        return None


class Suspect:
    """One wrong gradient beside the right one."""

    def __init__(self, evidence: Evidence, comparison: Comparison) -> None:
        self.evidence = evidence
        self.comparison = comparison
        self.variable: Variable = comparison.variable
        self.shape = self.variable.value.shape
        count = len(comparison.analytic)
        self.analytic = comparison.analytic.reshape(count, *self.shape)  # (K, ...)
        # At a kink there is no number to compare with; NaN also where none was measured.
        at_kink = comparison.kinky | comparison.kink_wrong
        self.wrong_beside_kinks = bool((comparison.wrong & ~at_kink).any())
        self.wrong_beside_kinks |= comparison.direction_wrong
        numeric = comparison.numeric
        if self.wrong_beside_kinks:
            numeric = np.where(at_kink, np.nan, numeric)
        error = np.nan_to_num(comparison.error)
        if comparison.wrong.any():
            # What is right need not be explained, and its noise must not hide what is wrong.
            fine = np.isfinite(numeric) & ~comparison.wrong
            numeric = np.where(fine, comparison.analytic, numeric)
            error = np.where(fine, 0.0, error)
        self.numeric = numeric.reshape(count, *self.shape)  # (K, ...)
        self.error = error.reshape(count, *self.shape)
        self.known = np.isfinite(self.numeric[0])  # (...)
        self.wrong = comparison.wrong.reshape(self.shape)  # (...)
        self.jacobian = comparison.jacobian  # (m, n) or None
        self.v = evidence.cotangents  # (K, m)

    @property
    def name(self) -> str:
        """Of the variable."""
        return self.variable.name

    @property
    def gradient_name(self) -> str:
        """What the user calls this gradient."""
        return self.variable.gradient_name

    @property
    def complete(self) -> bool:
        """Whether every entry of the true gradient is known."""
        return bool(self.known.all())

    @cached_property
    def discrepancy(self) -> float:
        """The length of analytic - numeric."""
        return self.distance(self.numeric, self.analytic)

    def distance(self, one: NDArray, other: NDArray) -> float:
        """Return the length of a difference over the entries that are known in both."""
        difference = one - other
        return float(np.linalg.norm(difference[np.isfinite(difference)]))

    def matches(self, left: NDArray, right: NDArray) -> bool:
        """Whether two arrays are equal but for a small part of the discrepancy.

        Either may hold NaN where nothing is known; half of what is known must be compared.
        """
        both = np.isfinite(left) & np.isfinite(right)
        if both.sum() < max(1, 0.5 * np.isfinite(self.numeric).sum()):
            return False
        noise = BARS * float(np.linalg.norm(self.error))
        limit = min(UNEXPLAINED * self.discrepancy + noise, 0.2 * self.discrepancy)
        return float(np.linalg.norm((left - right)[both])) <= limit

    def explained_by(self, candidate: NDArray) -> bool:
        """Whether the analytic gradient equals a candidate (K, ...)."""
        return candidate.shape == self.analytic.shape and self.matches(self.analytic, candidate)

    def undone_by(self, undo: Callable[[NDArray], NDArray]) -> bool:
        """Whether a rearrangement of the analytic gradient is the numeric one.

        This direction works with a few known entries as well as with all.
        """
        restored = np.stack([undo(a) for a in self.analytic])
        return restored.shape == self.numeric.shape and self.matches(restored, self.numeric)

    def some_entries(self) -> Suspect | None:
        """Return the suspect reduced to the entries whose slopes are known for every output."""
        c = self.comparison
        if c.columns is None:
            return None
        chosen, jacobian = c.columns
        v = self.variable
        few = Variable(v.name, v.kind, v.key, v.value.ravel()[chosen], v.given)
        none = np.zeros(len(chosen), bool)
        return Suspect(
            self.evidence,
            Comparison(
                few,
                c.analytic[:, chosen],
                c.numeric[:, chosen],
                c.error[:, chosen],
                c.wrong[chosen],
                none,
                none.copy(),
                jacobian,
                direction_wrong=True,
            ),
        )

    @cached_property
    def contributions(self) -> NDArray[np.float64] | None:
        """(K, m, n) what each output contributes to each entry; None if that is too much."""
        if self.jacobian is None or not np.isfinite(self.jacobian).all():
            return None
        if self.jacobian.size * len(self.v) > 8_000_000:
            return None
        return self.v[:, :, None] * self.jacobian[None]

    def is_batched(self) -> bool:
        """Whether the first axis of the variable is that of the batch."""
        shapes = self.evidence.output_shapes
        return (
            self.variable.kind == "input"
            and len(self.shape) > 1
            and (all(not s for s in shapes) or any(s[:1] == self.shape[:1] for s in shapes))
        )

    def spatial_axes(self) -> list[int]:
        """The axes along which neighbours are neighbours in the picture."""
        dims = len(self.shape)
        if dims == 2 and not any(self.evidence.output_shapes):
            return []  # samples and classes
        first = {0: 0, 1: 0, 2: 0 if not self.is_batched() else 1, 3: 1}.get(dims, 2)
        return [axis for axis in range(first, dims) if self.shape[axis] > 1]
