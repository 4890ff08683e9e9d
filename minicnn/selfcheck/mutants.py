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
from collections.abc import Iterator, Sequence

import numpy as np

from minicnn.backends import use_backend
from minicnn.backends.vectorized import conv
from minicnn.checking import Report
from minicnn.checking.report import FAIL, INCONCLUSIVE
from minicnn.errors import ArgumentError
from minicnn.selfcheck.equivalence import DIFFERENT, RAISES, Judge
from minicnn.selfcheck.library import check_layer_case, check_loss_case
from minicnn.selfcheck.mutant_report import (
    CAUGHT,
    DISPUTED,
    MISSED,
    UNDECIDED,
    Mutant,
    MutantsReport,
)
from minicnn.selfcheck.mutations import Mutation, mutations
from minicnn.selfcheck.progress import Progress, silent
from minicnn.selfcheck.subjects import LossCase
from minicnn.selfcheck.targets import Target, cases, find_targets, in_force

# So few that the batch of even the smallest convolution is worked through in several parts.
COLUMN_ENTRIES = 60
# These mistakes leave the gradient as it is: comparing gradients cannot show them.
BROKEN_PROMISES = {"mutates", "alias", "stale-cache", "accumulates", "nondeterministic", "dtype"}


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
