"""The gradient checker turned on all planted cases, beside other checkers.

    print(run_table().to_text())

A wrong case is *caught* if the verdict is FAIL, *missed* if the code passes; a right one that
fails is a *false alarm*. INCONCLUSIVE is neither: it is counted by itself. The diagnosis is
right if its first slug is one that the case allows.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minicnn.selfcheck.planted import FAMILIES, Case, cases
from minicnn.selfcheck.planted.peers import FAIL, NOT_POSSIBLE, ask, available
from minicnn.selfcheck.progress import Progress, silent

COUNTS = ("wrong", "caught", "missed", "right", "false_alarms", "inconclusive", "diagnosed")


@dataclass(frozen=True)
class Outcome:
    """What the checker said about one case.

    Parameters
    ----------
    case
        The case.
    seed
        The checker's.
    verdict
        PASS, PASS_AT_KINK, FAIL, INCONCLUSIVE, or RAISED if the checker itself broke.
    diagnosis
        Its slugs, best first.
    sentence
        Its first finding in words; of a checker that broke, the exception.
    seconds
        How long it took.
    peers
        What the others said: ``"pass"``, ``"fail"`` or ``"not possible"``.
    """

    case: Case
    seed: int
    verdict: str
    diagnosis: tuple[str, ...] = ()
    sentence: str = ""
    seconds: float = 0.0
    peers: dict[str, str] = field(default_factory=dict)

    @property
    def caught(self) -> bool:
        """A wrong case that fails."""
        return self.case.wrong and self.verdict == "FAIL"

    @property
    def missed(self) -> bool:
        """A wrong case that passes."""
        return self.case.wrong and self.verdict in ("PASS", "PASS_AT_KINK", "RAISED")

    @property
    def false_alarm(self) -> bool:
        """A right case that fails."""
        return not self.case.wrong and self.verdict in ("FAIL", "RAISED")

    @property
    def inconclusive(self) -> bool:
        """Neither passed nor failed."""
        return self.verdict == "INCONCLUSIVE"

    @property
    def diagnosed(self) -> bool:
        """Caught, and called by a name that fits."""
        return self.caught and self.diagnosis[:1] != () and self.diagnosis[0] in self.case.slugs

    @property
    def as_it_should_be(self) -> bool:
        """Caught if it is wrong, passed if it is right."""
        return not (self.missed or self.false_alarm or self.inconclusive)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, fit for JSON."""
        return {
            "name": self.case.name,
            "wrong": self.case.wrong,
            "slugs": list(self.case.slugs),
            "seed": self.seed,
            "verdict": self.verdict,
            "diagnosis": list(self.diagnosis),
            "sentence": self.sentence,
            "diagnosed": self.diagnosed,
            "seconds": round(self.seconds, 4),
            "peers": self.peers,
        }


@dataclass(frozen=True)
class Table:
    """The outcomes of all cases and seeds.

    Parameters
    ----------
    outcomes
        One for each case and seed, in the order of `cases`.
    seeds
        The seeds.
    peer_seconds
        How long each of the other judges took in all.
    """

    outcomes: tuple[Outcome, ...]
    seeds: tuple[int, ...] = (0,)
    peer_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """No wrong case missed, no right one failed, nothing left open, for any seed."""
        return all(outcome.as_it_should_be for outcome in self.outcomes)

    @property
    def seconds(self) -> float:
        """How long the checker took in all."""
        return sum(outcome.seconds for outcome in self.outcomes)

    def counts(self, *, family: str | None = None, seed: int | None = None) -> dict[str, int]:
        """Return the counts named in `COUNTS`, of one family or seed or of all."""
        chosen = self._chosen(family, seed)
        return {
            "wrong": sum(o.case.wrong for o in chosen),
            "caught": sum(o.caught for o in chosen),
            "missed": sum(o.missed for o in chosen),
            "right": sum(not o.case.wrong for o in chosen),
            "false_alarms": sum(o.false_alarm for o in chosen),
            "inconclusive": sum(o.inconclusive for o in chosen),
            "diagnosed": sum(o.diagnosed for o in chosen),
        }

    def peer_counts(self, *, family: str | None = None) -> dict[str, dict[str, int]]:
        """Return, for each other judge, what it caught, its false alarms, what it cannot judge."""
        chosen = [outcome for outcome in self._chosen(family, None) if outcome.peers]
        counts = {}
        for name in self.peer_seconds:
            said = [(o.case.wrong, o.peers[name]) for o in chosen]
            counts[name] = {
                "caught": sum(wrong and answer == FAIL for wrong, answer in said),
                "false_alarms": sum(not wrong and answer == FAIL for wrong, answer in said),
                "not_possible": sum(answer == NOT_POSSIBLE for _, answer in said),
            }
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, fit for JSON: totals, families, seeds, peers, every outcome."""
        return {
            "ok": self.ok,
            "seeds": list(self.seeds),
            "cases": len({outcome.case.name for outcome in self.outcomes}),
            "totals": self.counts(),
            "families": {family: self.counts(family=family) for family in self._families()},
            "by_seed": {str(seed): self.counts(seed=seed) for seed in self.seeds},
            "peers": self.peer_counts(),
            "seconds": round(self.seconds, 2),
            "peer_seconds": {name: round(s, 2) for name, s in self.peer_seconds.items()},
            "outcomes": [outcome.to_dict() for outcome in self.outcomes],
        }

    def to_json(self, indent: int | None = 2) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_text(self) -> str:
        """Return a table by family, then what went wrong, one line each."""
        from minicnn.selfcheck.planted.wording import table_as_text

        return table_as_text(self)

    def _families(self) -> list[str]:
        there = {outcome.case.family for outcome in self.outcomes}
        return [family for family in FAMILIES if family in there]

    def _chosen(self, family: str | None, seed: int | None) -> list[Outcome]:
        return [
            o for o in self.outcomes
            if family in (None, o.case.family) and seed in (None, o.seed)
        ]  # fmt: skip


def run_table(
    seeds: Sequence[int] = (0,),
    progress: Progress | None = None,
    *,
    peers: bool = True,
    names: Sequence[str] = (),
) -> Table:
    """Run the checker, and other checkers where installed, over the planted cases.

    Parameters
    ----------
    seeds
        The checker's seeds; each goes through all cases. The others run with the first.
    progress
        Called with the number of cases done, their number, and the name of the next.
    peers
        Whether to ask the others: PyTorch's gradcheck, the CS231n rule, SciPy's.
    names
        Only cases whose names begin like one of these; all by default.

    Returns
    -------
    Table
        With ``counts()``, ``to_text()``, ``to_dict()``, ``to_json()``.
    """
    progress = progress or silent
    chosen = [c for c in cases() if not names or c.name.startswith(tuple(names))]
    judges = available() if peers else {}
    seconds: Counter[str] = Counter(dict.fromkeys(judges, 0))
    outcomes = []
    total = len(chosen) * len(seeds)
    for number, (seed, case) in enumerate((s, c) for s in seeds for c in chosen):
        progress(number, total, case.name)
        said = {}
        if seed == seeds[0]:
            for name, judge in judges.items():
                start = time.perf_counter()
                said[name] = ask(judge, case, seed)
                seconds[name] += time.perf_counter() - start  # type: ignore[assignment]
        outcomes.append(check(case, seed, said))
    progress(total, total, "")
    return Table(tuple(outcomes), tuple(seeds), dict(seconds))


def check(case: Case, seed: int = 0, peers: dict[str, str] | None = None) -> Outcome:
    """Run the checker on one case."""
    from minicnn.checking import gradcheck

    start = time.perf_counter()
    try:
        target, inputs = case.make()
        report = gradcheck(target, *inputs, seed=seed)
    except Exception as error:
        return Outcome(case, seed, "RAISED", (), f"{type(error).__name__}: {error}")
    sentence = report.findings[0].sentence if report.findings else ""
    seconds = time.perf_counter() - start
    diagnosis = tuple(report.diagnosis)
    return Outcome(case, seed, report.verdict, diagnosis, sentence, seconds, peers or {})
