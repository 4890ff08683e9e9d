"""The checker tried on mistakes that nobody chose: changes to the source of this library.

    print(run_mutants().to_text())

A table of planted bugs can be tuned to, even unknowingly. So a second set is drawn by chance:
functions that take part in backward passes (`targets`), each with one small change (`mutations`).
Changes that make no difference are sorted out by comparing gradients directly (`equivalence`),
changes that raise an exception whatever the input are not counted at all; of the others the
checker must catch all but one in a hundred.
"""

from __future__ import annotations

import contextlib
import time
import types
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.backends import use_backend
from minicnn.backends.vectorized import conv
from minicnn.checking import Report
from minicnn.checking.report import FAIL, INCONCLUSIVE
from minicnn.errors import ArgumentError
from minicnn.selfcheck.equivalence import ANOTHER_SLOPE, DIFFERENT, EQUIVALENT, RAISES, Judge
from minicnn.selfcheck.library import check_layer_case, check_loss_case
from minicnn.selfcheck.mutations import Mutation, mutations
from minicnn.selfcheck.progress import Progress, silent
from minicnn.selfcheck.subjects import LossCase
from minicnn.selfcheck.targets import Target, cases, find_targets, in_force

CAUGHT, MISSED, UNDECIDED, DISPUTED = "caught", "missed", "inconclusive", "disputed"
GOAL = 0.99
# So few that the batch of even the smallest convolution is worked through in several parts.
COLUMN_ENTRIES = 60
# These mistakes leave the gradient as it is: comparing gradients cannot show them.
BROKEN_PROMISES = {"mutates", "alias", "stale-cache", "accumulates", "nondeterministic", "dtype"}


@dataclass(frozen=True)
class Mutant:
    """A changed function and what the checker said about it.

    Parameters
    ----------
    target
        Which function.
    mutation
        Which change.
    outcome
        ``"caught"``, ``"missed"``, ``"inconclusive"``, ``"equivalent"``,
        ``"another slope at a kink"`` (as right), or ``"disputed"``: the checker fails code
        whose gradients are the right ones.
    subject
        Which layer or loss gave it away.
    diagnosis
        The slugs of the report that failed.
    """

    target: Target
    mutation: Mutation
    outcome: str
    subject: str = ""
    diagnosis: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Where it is, and the line without and with the change."""
        return [
            f"{self.target.name} ({self.mutation.operator})",
            f"    - {self.mutation.before}",
            f"    + {self.mutation.after}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "function": self.target.name,
            "operator": self.mutation.operator,
            "before": self.mutation.before,
            "after": self.mutation.after,
            "outcome": self.outcome,
            "subject": self.subject,
            "diagnosis": list(self.diagnosis),
        }


@dataclass(frozen=True)
class MutantsReport:
    """What `run_mutants` found.

    Parameters
    ----------
    mutants
        Those drawn, in order.
    raising
        How many more were drawn but raised an exception on every input, and are not counted.
    possible
        How many there are to draw from.
    functions
        How many functions they are changes of.
    seed
        What they were drawn with.
    seconds
        How long it took.
    """

    mutants: tuple[Mutant, ...]
    raising: int
    possible: int
    functions: int
    seed: int
    seconds: float

    def count(self, *outcomes: str) -> int:
        """Count the mutants with these outcomes."""
        return sum(mutant.outcome in outcomes for mutant in self.mutants)

    def having(self, outcome: str) -> list[Mutant]:
        """Return the mutants with one outcome."""
        return [mutant for mutant in self.mutants if mutant.outcome == outcome]

    @property
    def wrong(self) -> int:
        """How many compute wrong gradients or break a promise: those that should be caught."""
        return self.count(CAUGHT, MISSED, UNDECIDED)

    @property
    def rate(self) -> float:
        """The share of the wrong ones that was caught; what is undecided was not."""
        return self.count(CAUGHT) / self.wrong if self.wrong else 0.0

    @property
    def by_exception(self) -> int:
        """How many of those caught gave themselves away by an exception on some input."""
        return sum(m.outcome == CAUGHT and m.diagnosis[:1] == ("error",) for m in self.mutants)

    @property
    def ok(self) -> bool:
        """Whether at least 99 in 100 were caught and nothing right was failed."""
        return self.rate >= GOAL and not self.count(DISPUTED)

    def table(self, by: str) -> list[tuple[str, int, int]]:
        """Return caught and wrong, by ``"operator"``, ``"kind"`` or ``"backend"``."""

        def keys(mutant: Mutant) -> Sequence[str]:
            if by == "operator":
                return (mutant.mutation.operator,)
            return mutant.target.kinds if by == "kind" else (mutant.target.backend,)

        caught: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for mutant in self.mutants:
            if mutant.outcome in (CAUGHT, MISSED, UNDECIDED):
                for key in keys(mutant):
                    wrong[key] += 1
                    caught[key] += mutant.outcome == CAUGHT
        return [(key, caught[key], n) for key, n in wrong.most_common()]

    @property
    def diagnoses(self) -> Counter[str]:
        """How often each slug came first."""
        return Counter(m.diagnosis[0] for m in self.mutants if m.outcome == CAUGHT and m.diagnosis)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "seconds": self.seconds,
            "drawn": len(self.mutants),
            "raising": self.raising,
            "possible": self.possible,
            "functions": self.functions,
            "equivalent": self.count(EQUIVALENT),
            "another_slope": self.count(ANOTHER_SLOPE),
            "wrong": self.wrong,
            "caught": self.count(CAUGHT),
            "by_exception": self.by_exception,
            "missed": self.count(MISSED),
            "inconclusive": self.count(UNDECIDED),
            "disputed": self.count(DISPUTED),
            "rate": self.rate,
            "by_operator": {key: [caught, n] for key, caught, n in self.table("operator")},
            "by_kind": {key: [caught, n] for key, caught, n in self.table("kind")},
            "by_backend": {key: [caught, n] for key, caught, n in self.table("backend")},
            "diagnoses": dict(self.diagnoses.most_common()),
            "not_caught": [
                mutant.to_dict()
                for mutant in self.mutants
                if mutant.outcome in (MISSED, UNDECIDED, DISPUTED)
            ],
        }

    def to_text(self) -> str:
        """Return the counts, tables, and every mutant that was not caught."""
        lines = [
            f"{len(self.mutants)} mutants of {self.functions} functions drawn from "
            f"{self.possible} with seed {self.seed}, in {self.seconds:.1f} s",
            f"(besides, {self.raising} that raise an exception on any input: nobody needs a "
            "checker for those)",
            f"equivalent   {self.count(EQUIVALENT):4}  the same gradients on every random input",
            f"another slope{self.count(ANOTHER_SLOPE):4}  other gradients at kinks only, as right",
            f"caught       {self.count(CAUGHT):4}  {self.by_exception} of them by an exception on "
            "some input",
            f"inconclusive {self.count(UNDECIDED):4}",
            f"missed       {self.count(MISSED):4}",
            f"disputed     {self.count(DISPUTED):4}  failed, though the gradients are right",
            "",
        ]
        for title, by in (("operator", "operator"), ("layer or loss", "kind")):
            lines.append(f"{title:20} caught of wrong")
            lines += [f"{key:20} {caught:6} {n:8}" for key, caught, n in self.table(by)]
            lines.append("")
        lines.append("first diagnosis")
        lines += [f"{slug:20} {n:6}" for slug, n in self.diagnoses.most_common()]
        for outcome in (MISSED, UNDECIDED, DISPUTED):
            for mutant in self.having(outcome):
                first, *rest = mutant.lines
                lines += ["", f"{outcome}: {first}", *rest]
                if mutant.diagnosis:
                    lines.append(f"    {mutant.subject}: {', '.join(mutant.diagnosis)}")
        lines += [
            "",
            f"detection rate {100 * self.rate:.1f} %: {self.count(CAUGHT)} of {self.wrong}",
        ]
        return "\n".join(lines)


def run_mutants(
    count: int | None = 250,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    targets: Sequence[Target] | None = None,
    seconds: float | None = None,
) -> MutantsReport:
    """Change the library's own backward passes and see whether the checker notices.

    Parameters
    ----------
    count
        How many mutants to draw; None takes all there are (some thousands; many minutes).
    seed
        The same seed draws the same mutants.
    progress
        Called before each with the number done, the number of all, and the function's name.
    targets
        Which functions to change; by default all that take part in a backward pass.
    seconds
        No further mutant is begun after this time; None for no limit.

    Returns
    -------
    MutantsReport
        With ``ok``, ``to_text()`` and ``to_dict()``.

    Raises
    ------
    ArgumentError
        If ``count`` is less than 1.
    """
    if count is not None and count < 1:
        raise ArgumentError(f"count is {count}; expected at least 1: ask for one mutant or more")
    tell, start, judge = progress or silent, time.perf_counter(), Judge(seed)
    targets = find_targets() if targets is None else targets
    found = {target: mutations(target.tree) for target in targets}
    possible = sum(map(len, found.values()))
    total = possible if count is None else min(count, possible)
    mutants: list[Mutant] = []
    raising = 0
    with _surroundings():
        for target, mutation in draw(found, np.random.default_rng(seed)):
            late = seconds is not None and time.perf_counter() - start > seconds
            if len(mutants) >= total or (late and mutants):
                break
            tell(len(mutants), total, target.name)
            mutant = _try(target, mutation, judge, seed)
            if mutant is None:
                raising += 1
            else:
                mutants.append(mutant)
    tell(len(mutants), len(mutants), "")
    took = time.perf_counter() - start
    functions = len({mutant.target for mutant in mutants})
    return MutantsReport(tuple(mutants), raising, possible, functions, seed, took)


def draw(
    found: dict[Target, list[Mutation]], rng: np.random.Generator
) -> Iterator[tuple[Target, Mutation]]:
    """Yield mutations in random order: functions take turns, and within each the operators.

    Long functions have most of the mutations, and names are the easiest thing to exchange; by
    turns every layer and every kind of mistake is met early.
    """
    queues: list[tuple[Target, list[Mutation]]] = []
    for target, listed in found.items():
        by_operator: dict[str, list[Mutation]] = {}
        for i in rng.permutation(len(listed)):
            by_operator.setdefault(listed[i].operator, []).append(listed[i])
        turns = [(i, m) for group in by_operator.values() for i, m in enumerate(group)]
        queues.append((target, [m for _, m in sorted(turns, key=lambda turn: turn[0])]))
    round_ = 0
    while any(len(queue) > round_ for _, queue in queues):
        for i in rng.permutation(len(queues)):
            target, queue = queues[i]
            if round_ < len(queue):
                yield target, queue[round_]
        round_ += 1


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Let convolutions work in several parts, and keep NumPy's warnings away."""
    before = conv.COLUMN_ENTRIES
    conv.COLUMN_ENTRIES = COLUMN_ENTRIES
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        conv.COLUMN_ENTRIES = before


def _try(target: Target, mutation: Mutation, judge: Judge, seed: int) -> Mutant | None:
    """Judge one mutant; None if it raises whatever it is given."""
    changed = target.compiled(mutation.source)
    difference = judge.compare(target, changed)
    if difference == RAISES:
        return None
    undecided = ""
    for subject, report in _reports(target, changed, seed):
        if report.verdict == FAIL:
            diagnosis = tuple(report.diagnosis)
            right = difference != DIFFERENT and not BROKEN_PROMISES & set(diagnosis)
            return Mutant(target, mutation, DISPUTED if right else CAUGHT, subject, diagnosis)
        if report.verdict == INCONCLUSIVE:
            undecided = undecided or subject
    if difference != DIFFERENT:
        return Mutant(target, mutation, difference)
    return Mutant(target, mutation, UNDECIDED if undecided else MISSED, undecided)


def _reports(
    target: Target, changed: types.FunctionType, seed: int
) -> Iterator[tuple[str, Report]]:
    """Yield the checker's report on each subject that uses the function, in each mode."""
    known = cases()
    for name in target.cases:
        case = known[name]
        kind = type(case.make())
        with use_backend(target.backend):
            if isinstance(case, LossCase):
                with in_force(target, changed, kind):
                    report = check_loss_case(case, seed)
                yield name, report
                continue
            for training in case.modes:
                with in_force(target, changed, kind):
                    report = check_layer_case(case, training, seed)
                yield f"{name} ({'training' if training else 'evaluation'})", report
