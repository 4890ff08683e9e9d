"""What became of mutants: counts, tables, and every one that was not caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minicnn.selfcheck.equivalence import ANOTHER_SLOPE, EQUIVALENT
from minicnn.selfcheck.mutations import Mutation
from minicnn.selfcheck.targets import Target

CAUGHT, MISSED, UNDECIDED, DISPUTED = "caught", "missed", "inconclusive", "disputed"
GOAL = 0.99


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
