"""Random networks, checked against differences and against PyTorch.

    print(fuzz(50).to_text())

What nobody thought of putting together is put together by chance. A network that fails is
printed with its seed; ``fuzz(1, seed=...)`` makes it again.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minicnn.backends import use_backend
from minicnn.checking import Report, gradcheck
from minicnn.checking.report import FAIL
from minicnn.errors import ArgumentError
from minicnn.selfcheck.networks import Network, random_network
from minicnn.selfcheck.progress import Progress, silent
from minicnn.selfcheck.torch_twin import differences_from_torch, torch_is_here
from minicnn.selfcheck.usable import usable_backends

# How far from torch, relative to the largest entry: rounding alone stays far below.
SAME_AS_TORCH = 1e-9
# Multiply-adds and entries that Python loops get through in time.
FEW_PRODUCTS = 1500


@dataclass(frozen=True)
class Trial:
    """One random network and what was found.

    Parameters
    ----------
    network
        What was drawn.
    backend
        What it ran on.
    report
        Of the gradient checker.
    from_torch
        Differences from PyTorch by the name of the array; None where torch was not asked.
    seconds
        How long it took.
    """

    network: Network
    backend: str
    report: Report
    from_torch: dict[str, float] | None = field(default=None)
    seconds: float = 0.0

    @property
    def unlike_torch(self) -> dict[str, float]:
        """The arrays that differ from PyTorch's by more than rounding."""
        return {n: d for n, d in (self.from_torch or {}).items() if d > SAME_AS_TORCH}

    @property
    def failed(self) -> bool:
        """Whether the checker or PyTorch disagrees."""
        return self.report.verdict == FAIL or bool(self.unlike_torch)

    @property
    def ok(self) -> bool:
        """Whether both agree that all is right; what is undecided is not."""
        return self.report.ok and not self.unlike_torch

    @property
    def trouble(self) -> list[str]:
        """What is wrong, in sentences."""
        said = [f"{finding.slug}: {finding.sentence}" for finding in self.report.findings]
        if not said and not self.report.ok:
            said = [f"{t.name}: {t.verdict}" for t in self.report.tensors if not t.ok]
        said += [f"{n} differs from torch by {d:.1e}" for n, d in self.unlike_torch.items()]
        return said


@dataclass(frozen=True)
class FuzzReport:
    """What `fuzz` found."""

    trials: tuple[Trial, ...]
    seed: int
    with_torch: bool
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every network passed."""
        return bool(self.trials) and all(trial.ok for trial in self.trials)

    @property
    def failed(self) -> list[Trial]:
        """The networks that did not pass."""
        return [trial for trial in self.trials if not trial.ok]

    @property
    def used(self) -> Counter[str]:
        """How often each layer and loss occurred."""
        counts: Counter[str] = Counter()
        for trial in self.trials:
            model, loss = trial.network.model, trial.network.loss
            counts.update(type(part).__name__ for part in model.modules() if part is not model)
            if loss is not None:
                counts[type(loss).__name__] += 1
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "ok": self.ok,
            "networks": len(self.trials),
            "passed": sum(trial.ok for trial in self.trials),
            "seed": self.seed,
            "compared_with_torch": self.with_torch,
            "seconds": self.seconds,
            "verdicts": dict(Counter(trial.report.verdict for trial in self.trials)),
            "backends": dict(Counter(trial.backend for trial in self.trials)),
            "used": dict(self.used),
            "failures": [
                {
                    "seed": trial.network.seed,
                    "backend": trial.backend,
                    "network": trial.network.describe(),
                    "verdict": trial.report.verdict,
                    "trouble": trial.trouble,
                }
                for trial in self.failed
            ],
        }

    def to_text(self) -> str:
        """Return what failed, how to repeat it, and a summary."""
        lines: list[str] = []
        for trial in self.failed:
            lines.append(f"{trial.report.verdict} on {trial.backend}, {trial.network.describe()}")
            lines += [f"    {sentence}" for sentence in trial.trouble]
            lines.append(f"    again: fuzz(1, seed={trial.network.seed})")
            lines.append("")
        counts = ", ".join(f"{name} {count}" for name, count in self.used.most_common())
        verdicts = Counter(trial.report.verdict for trial in self.trials)
        lines.append(f"layers and losses: {counts}")
        lines.append("verdicts: " + ", ".join(f"{name} {n}" for name, n in verdicts.items()))
        passed = sum(trial.ok for trial in self.trials)
        torch = "compared with torch" if self.with_torch else "torch is not installed"
        lines.append(f"{passed} of {len(self.trials)} networks passed ({torch})")
        lines.append(f"seed {self.seed}, {self.seconds:.1f} s")
        return "\n".join(lines)


def fuzz(
    count: int = 20,
    seed: int = 0,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> FuzzReport:
    """Check random small networks of all layers and losses.

    Each is drawn with its own seed, ``seed``, ``seed + 1`` and so on, and runs on a backend
    drawn with it (loops only where the network is tiny). Its gradients are compared with
    differences of its forward pass and, where torch is installed, with its twin there.

    Parameters
    ----------
    count
        How many networks.
    seed
        Of the first.
    seconds
        No further network is begun after this time; None for no limit.
    progress
        Called before each network with the number done, the number of all, and its seed.

    Returns
    -------
    FuzzReport
        With ``ok``, ``to_text()`` and ``to_dict()``.

    Raises
    ------
    ArgumentError
        If ``count`` or ``seed`` is out of range.
    """
    if count < 1:
        raise ArgumentError(f"count is {count}; expected at least 1: ask for one network or more")
    if seed < 0:
        raise ArgumentError(f"seed is {seed}; expected an integer of at least 0: choose another")
    tell, start, with_torch = progress or silent, time.perf_counter(), torch_is_here()
    trials: list[Trial] = []
    for i in range(count):
        if seconds is not None and trials and time.perf_counter() - start > seconds:
            break
        tell(i, count, f"network of seed {seed + i}")
        trials.append(_try(random_network(seed + i), with_torch))
    tell(len(trials), len(trials), "")
    return FuzzReport(tuple(trials), seed, with_torch, time.perf_counter() - start)


def _try(network: Network, with_torch: bool) -> Trial:
    """Check one network."""
    start = time.perf_counter()
    backend = _backend(network)
    with use_backend(backend):
        report = gradcheck(*network.subject, seed=network.seed)
        apart = None
        if with_torch:
            apart = differences_from_torch(
                network.model, network.x, network.loss, network.target, network.seed
            )
    return Trial(network, backend, report, apart, time.perf_counter() - start)


def _backend(network: Network) -> str:
    """Draw the backend from the network's seed; loops for the tiny ones only."""
    choices = usable_backends()
    if network.model.multiply_adds(network.x.shape) + network.x.size > FEW_PRODUCTS:
        choices.remove("loops")
    return str(np.random.default_rng([network.seed, 1]).choice(choices))
