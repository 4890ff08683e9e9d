"""The gradient checker: is this backward pass right, and if not, what is wrong with it.

    report = gradcheck(layer, x)

first checks what any backward must keep (`promises`), then compares every gradient with
differences of forward (`differences`, `comparison`, `sampling`), judges what lies at a kink
(`kinks`), and names the mistake (`diagnosis`). Only NumPy is used and nothing is assumed about
whose code it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.comparison import Comparison, compare_direction, compare_entries
from minicnn.checking.diagnosis import diagnose
from minicnn.checking.diagnosis.evidence import Evidence
from minicnn.checking.differences import Differences
from minicnn.checking.errors import CheckError
from minicnn.checking.failures import TargetError
from minicnn.checking.kinks import Kinks
from minicnn.checking.locate import blame_a_part
from minicnn.checking.memento import global_randomness, restore_global_randomness
from minicnn.checking.noise import own_sizes, rms, signed
from minicnn.checking.precision import judge_single
from minicnn.checking.promises import examine
from minicnn.checking.promises.behaviour import Behaviour
from minicnn.checking.promises.calls import gradients_of
from minicnn.checking.quiet import quietly
from minicnn.checking.report import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    VERDICTS,
    Finding,
    Report,
    TensorResult,
)
from minicnn.checking.sampling import Sampler, measure_columns
from minicnn.checking.subject import Subject, Variable
from minicnn.checking.targets import make_subject
from minicnn.checking.unchecked import unchecked_note

# Up to so many entries in all, each is tried; beyond, only variables as small as SMALL are, or
# as SMALLEST where there are many of them.
EVERY_ENTRY = 3000
SMALL, SMALLEST = 150, 8
MOST_SMALL = 400
LARGEST_JACOBIAN = 4_000_000
JITTER = 1e-3
# Relative noise of forward that no more than half precision explains.
COARSE = 2e-5


def gradcheck(
    target: Any,
    *inputs: Any,
    wrt: str | int | Sequence[str | int] | None = None,
    seed: int = 0,
) -> Report:
    """Check a hand-written backward pass.

    Parameters
    ----------
    target
        One of

        - an object with ``forward(x)`` and ``backward(dy)``, and, where it has parameters, the
          dicts ``params`` and ``grads``: a layer, a whole model, or a loss with
          ``forward(scores, target)`` and ``backward(dy=1.0)``;
        - a pair ``(forward, backward)`` with ``y, cache = forward(x, w, b)`` and
          ``dx, dw, db = backward(dy, cache)``;
        - one function ``loss, dx = f(x, y)``.
    *inputs
        The arguments of forward. Float arrays are differentiated (of a loss the first one);
        integers, None and dicts are constants. Random numbers of order one serve best.
    wrt
        Names or positions of what to differentiate; by default everything.
    seed
        Of the random cotangents and directions. The same seed gives the same report.

    Returns
    -------
    Report
        Its ``verdict``, ``ok``, ``diagnosis``, ``to_markdown()``, ``plot(path)``. A target that
        raises, or returns NaN or misshapen gradients, gives a report that fails. The target and
        the inputs are left as they were.

    Raises
    ------
    CheckError
        If there is nothing that could be checked: no forward or backward, no float input and no
        parameter, float16, an unknown name in ``wrt``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> square = SimpleNamespace(forward=np.square, backward=lambda dy: dy)
    >>> gradcheck(square, np.ones((2, 3))).diagnosis
    ['scale']
    """
    start = time.perf_counter()
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise CheckError(f"seed is {seed!r}; random numbers need a start: give 0, 1, 2, ...")
    shared = global_randomness()
    passed_over = unchecked_note(target)
    with quietly() as printed:
        subject = make_subject(target, inputs, wrt)
        original = subject.memento
        try:
            check = Check(subject, seed)
            check.run()
        finally:
            original.restore()
            restore_global_randomness(shared)
    notes = [*check.notes, *([passed_over] if passed_over else [])]
    if printed.text:
        first = printed.text.strip().splitlines()[:1]
        if first:
            notes.append(f"the target printed while it was checked, first {first[0][:80]!r}")
    return Report(
        subject.describe,
        check.verdict,
        tuple(check.results),
        tuple(check.findings),
        seed,
        subject.evaluations,
        time.perf_counter() - start,
        tuple(dict.fromkeys(notes)),
    )


class Check:
    """One run of the checker; `gradcheck` in its steps.

    Parameters
    ----------
    subject
        What to check, not yet prepared.
    seed
        Of everything random.
    deep
        Whether to look for the part of a model that is to blame.
    """

    def __init__(self, subject: Subject, seed: int, deep: bool = True) -> None:
        self.subject = subject
        self.rng = np.random.default_rng(seed)
        self.seed = seed
        self.deep = deep
        self.findings: list[Finding] = []
        self.comparisons: list[Comparison] = []
        self.notes: list[str] = []
        self.incomplete = False

    @property
    def verdict(self) -> str:
        """The worst of all parts."""
        if self.findings:
            return FAIL
        verdicts = [c.verdict for c in self.comparisons]
        if self.incomplete:
            verdicts.append(INCONCLUSIVE)
        return max(verdicts, key=VERDICTS.index, default=PASS)

    @property
    def results(self) -> list[TensorResult]:
        """One result per variable."""
        found = [c.result() for c in self.comparisons]
        done = {result.name for result in found}
        for variable in self.subject.variables:
            if variable.name not in done:
                wrong = any(f.tensor in (variable.name, None) for f in self.findings)
                verdict = FAIL if wrong else INCONCLUSIVE
                found.append(TensorResult(variable.name, variable.value.shape, verdict))
        order = [variable.name for variable in self.subject.variables]
        return sorted(found, key=lambda result: order.index(result.name))

    def run(self) -> None:
        """Run all steps."""
        subject = self.subject
        original = subject.memento
        try:
            subject.prepare()
        except TargetError as error:
            self.findings.append(Finding("error", error.sentence, None, error.evidence))
            return
        cotangents = self._cotangents(subject.base_call.flat.size)
        behaviour = examine(subject, cotangents)
        self.notes += behaviour.notes
        if behaviour.comparable:
            self._compare(behaviour, cotangents)
        evidence = Evidence(subject, cotangents, behaviour, self.comparisons, self.gradient_of)
        self.findings = diagnose(evidence)
        self.findings += judge_single(subject, original, behaviour, cotangents)
        if self.findings and self.deep:
            self.findings = blame_a_part(subject, self.findings, self._check_part, self.notes)

    def _check_part(self, part: Any, inputs: tuple[Any, ...]) -> tuple[str, Finding] | None:
        """Check a part of a model by itself; return its name and first finding, if it fails."""
        try:
            subject = make_subject(part, inputs)
            inner = Check(subject, self.seed, deep=False)
            original = subject.memento
            try:
                inner.run()
            finally:
                original.restore()
        except CheckError:
            return None
        self.subject.evaluations += subject.evaluations
        failed = inner.verdict == FAIL and inner.findings
        return (subject.describe, inner.findings[0]) if failed else None

    def _cotangents(self, m: int) -> NDArray[np.float64]:
        """Draw (K, m) signed numbers of order one: positive ones would hide what cancels."""
        if not self.subject.takes_dy:
            return np.ones((1, m))
        if m == 1:
            return np.array([[1.0], [-0.7]])
        return signed(self.rng, (2, m))

    def gradient_of(
        self, flat: NDArray[np.float64], at: Mapping[str, NDArray]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the gradients for a cotangent at a point."""
        subject = self.subject
        call = subject.forward(at)
        return gradients_of(subject, call, flat)

    # ---- derivatives ----------------------------------------------------------------

    def _compare(self, behaviour: Behaviour, cotangents: NDArray[np.float64]) -> None:
        subject = self.subject
        try:
            differences = Differences(subject, cotangents, self.rng)
        except TargetError as error:
            behaviour.add("error", error.sentence, **error.evidence)
            return
        y, typical = differences.y, rms(differences.y)
        with np.errstate(over="ignore"):
            half = y.size > 1 and np.array_equal(y.astype(np.float16).astype(np.float64), y)
        if half and float(np.median(differences.noise)) > COARSE * typical > 0:
            behaviour.add(
                "dtype",
                "forward computes with three or four digits only, too few for differences; "
                "compute in float32 or float64",
                noise=float(np.median(differences.noise)) / typical,
            )
        gradients = [
            {n: g for n, g in found.items() if g is not None} for found in behaviour.gradients
        ]
        self.comparisons = self._compare_at(differences, gradients, behaviour)
        if any(c.kinky.any() or c.direction_kinky for c in self.comparisons):
            self._compare_beside(cotangents, behaviour)

    def _compare_at(
        self,
        differences: Differences,
        gradients: Sequence[Mapping[str, NDArray]],
        behaviour: Behaviour,
    ) -> list[Comparison]:
        subject = self.subject
        sampled = self._large_variables()
        kinks = Kinks(differences, self.gradient_of)
        compared = []
        for variable in subject.variables:
            if not all(variable.name in g for g in gradients) or not variable.value.size:
                continue
            analytic = np.stack([g[variable.name].ravel() for g in gradients])  # (K, n)
            analytic = self._all_cotangents(analytic, variable, differences)
            rounding = behaviour.rounding.get(variable.name, 0.0)
            if variable.name in sampled:
                sampler = Sampler(differences, variable, analytic, rounding, self.rng, len(sampled))
                compared.append(sampler.compare())
                continue
            keep = variable.value.size * differences.y.size <= LARGEST_JACOBIAN
            comparison = compare_entries(differences, variable, analytic, rounding, self.rng, keep)
            if comparison.kinky.any():
                self._add_kinks(kinks.judge(comparison), behaviour)
            if not comparison.wrong.any():
                self._compare_directions(differences, comparison, rounding)
            if comparison.failed and not keep:
                measure_columns(differences, comparison)
            compared.append(comparison)
        if not any(c.wrong.any() for c in compared):
            self._add_kinks(kinks.judge_together(compared), behaviour)
        return compared

    def _large_variables(self) -> set[str]:
        """The variables of which not every entry is tried."""
        sizes = {v.name: v.value.size for v in self.subject.variables}
        if sum(sizes.values()) <= EVERY_ENTRY:
            return set()
        small = sum(size for size in sizes.values() if size <= SMALL)
        limit = SMALL if small <= MOST_SMALL else SMALLEST
        return {name for name, size in sizes.items() if size > limit}

    @staticmethod
    def _add_kinks(findings: Sequence[Finding], behaviour: Behaviour) -> None:
        for finding in findings:
            if not any(f.slug == finding.slug for f in behaviour.findings):
                behaviour.findings.append(finding)

    def _all_cotangents(
        self, analytic: NDArray, variable: Variable, differences: Differences
    ) -> NDArray[np.float64]:
        """Repeat a gradient that came for the first cotangent alone."""
        missing = len(differences.v) - len(analytic)
        return np.concatenate([analytic, *[analytic[:1]] * missing]) if missing > 0 else analytic

    def _compare_directions(
        self, differences: Differences, comparison: Comparison, rounding: float
    ) -> None:
        """Lift the whole gradient out of the noise: along its own signs nothing cancels."""
        variable = comparison.variable
        signs = np.where(comparison.analytic[0] < 0, -1.0, 1.0).reshape(variable.value.shape)
        sizes = own_sizes(differences.point(variable), variable.scale) / variable.scale
        kind = compare_direction(differences, comparison, signs * sizes, rounding)
        if kind == "wrong" and comparison.kinky.any():
            comparison.direction_wrong = False  # kinks were judged one by one

    def _jitter(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Small moves, none so small that it stays at the kink."""
        return JITTER * signed(self.rng, shape)

    def _compare_beside(self, cotangents: NDArray[np.float64], behaviour: Behaviour) -> None:
        """At a kink little can be said; beside it the gradient must be right as anywhere."""
        subject = self.subject
        at = {
            v.name: v.value + own_sizes(v.value, v.scale) * self._jitter(v.value.shape)
            for v in subject.variables
        }
        try:
            gradients = [self.gradient_of(v, at) for v in cotangents]
            differences = Differences(subject, cotangents, self.rng, at)
        except TargetError:
            return
        if differences.y.size != cotangents.shape[1] or not np.isfinite(differences.y).all():
            return
        found = Behaviour(rounding=behaviour.rounding)
        beside = self._compare_at(differences, gradients, found)
        failed = {c.variable.name: c for c in beside if c.failed}
        for comparison in self.comparisons:
            if comparison.variable.name not in failed:
                # Right beside the kinks: what is off at the point is the choice made at them,
                # where several meet. A single kink has been judged, and says `kink_wrong`.
                doubtful = comparison.wrong & ~comparison.kink_wrong
                comparison.wrong &= ~doubtful
                comparison.kinky |= doubtful
                comparison.direction_wrong = False
        self.comparisons = [failed.get(c.variable.name, c) for c in self.comparisons]
        self.notes.append("the point lies at a kink; the gradient was compared beside it as well")


__all__ = ["CheckError", "gradcheck"]
