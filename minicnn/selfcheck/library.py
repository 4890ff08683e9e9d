"""The gradient checker turned on this library: every layer, loss, penalty and model.

    print(check_library().to_text())

Layers and losses are checked on every backend, models on the two that are quick enough, and
penalties, which no backend computes, once. What there is to check stands in `subjects`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minicnn.backends import BACKENDS, use_backend
from minicnn.checking import Report, gradcheck
from minicnn.checking.report import PASS_AT_KINK, VERDICTS
from minicnn.selfcheck.progress import Progress, silent
from minicnn.selfcheck.subjects import (
    LAYERS,
    LOSSES,
    MODELS,
    PENALTIES,
    FunctionCase,
    LayerCase,
    LossCase,
)
from minicnn.selfcheck.usable import obstacle, usable_backends

# One network has thousands of parameters: too many for Python loops. What differs between
# training and evaluation is checked layer by layer; models are checked in training.
MODEL_BACKENDS = ("vectorized", "compiled")
# A penalty is plain NumPy and asks no backend.
NO_BACKEND = "-"


@dataclass(frozen=True)
class Check:
    """One line of the table on one backend.

    Parameters
    ----------
    kind
        ``"layer"``, ``"loss"``, ``"penalty"`` or ``"model"``.
    name
        Of the case, as in `subjects`.
    backend
        A backend's name, or ``"-"`` for what needs none.
    reports
        One for each mode (training, evaluation) in which the subject behaves differently.
    """

    kind: str
    name: str
    backend: str
    reports: tuple[Report, ...]

    @property
    def ok(self) -> bool:
        """Whether all gradients are right."""
        return all(report.ok for report in self.reports)

    @property
    def verdict(self) -> str:
        """The worst of the modes."""
        return max((report.verdict for report in self.reports), key=VERDICTS.index)

    @property
    def worst(self) -> float:
        """The largest distance from the differences, in units of their error bar.

        At a kink, where there is no one derivative to be far from, nothing counts.
        """
        return max((_worst(report) for report in self.reports), default=0.0)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(report.seconds for report in self.reports)

    @property
    def trouble(self) -> list[str]:
        """What is wrong, in sentences; empty where all is well."""
        said: list[str] = []
        for report in self.reports:
            said += [f"{finding.slug}: {finding.sentence}" for finding in report.findings]
            if not report.findings:
                said += [f"{t.name}: {t.verdict}" for t in report.tensors if not t.ok]
        return list(dict.fromkeys(said))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "backend": self.backend,
            "verdict": self.verdict,
            "worst_error_over_bar": self.worst,
            "seconds": self.seconds,
            "trouble": self.trouble,
        }


@dataclass(frozen=True)
class LibraryReport:
    """What `check_library` found.

    Parameters
    ----------
    checks
        In the order they were made.
    seed
        Of all of them.
    skipped
        The backends that cannot be used here, each with the reason.
    """

    checks: tuple[Check, ...]
    seed: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every gradient of the library is right."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def failed(self) -> list[Check]:
        """The checks that did not pass; what could not be decided is among them."""
        return [check for check in self.checks if not check.ok]

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return sum(check.seconds for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "seconds": self.seconds,
            "passed": sum(check.ok for check in self.checks),
            "checked": len(self.checks),
            "skipped": dict(self.skipped),
            "checks": [check.to_dict() for check in self.checks],
        }

    def to_text(self) -> str:
        """Return a table, one line for each layer, loss, penalty and model."""
        lines = [*_table(self.checks), ""]
        for check in self.failed:
            lines.append(f"{check.name} on {check.backend}: {check.verdict}")
            lines += [f"    {sentence}" for sentence in check.trouble]
        lines += [f"{name} was not checked: {why}" for name, why in self.skipped.items()]
        passed = sum(check.ok for check in self.checks)
        lines.append(
            f"{passed} of {len(self.checks)} passed in {self.seconds:.1f} s (error: the largest "
            "distance from the differences, in units of their error bar)"
        )
        return "\n".join(lines)


def check_library(
    progress: Progress | None = None,
    seed: int = 0,
    *,
    layers: Mapping[str, LayerCase] = LAYERS,
    losses: Mapping[str, LossCase] = LOSSES,
    penalties: Mapping[str, FunctionCase] = PENALTIES,
    models: Mapping[str, LayerCase] = MODELS,
    backends: Sequence[str] | None = None,
) -> LibraryReport:
    """Check the gradients of every layer, loss, penalty and model of this library.

    Parameters
    ----------
    progress
        Called before each check with the number done, the number of all, and a name.
    seed
        Of the inputs and of the checker.
    layers, losses, penalties, models
        What to check, by name; all there is by default.
    backends
        On which backends, by default all that can be used here; models run on the quick
        ones among them only.

    Returns
    -------
    LibraryReport
        With ``ok``, ``to_text()`` and ``to_dict()``.

    Raises
    ------
    ArgumentError
        If a backend cannot be used here: ``"compiled"`` needs numba.
    """
    tell = progress or silent
    if backends is None:
        backends = usable_backends()
        skipped = {name: obstacle(name) for name in BACKENDS if name not in backends}
    else:
        skipped = {}
    quick = [name for name in backends if name in MODEL_BACKENDS]
    jobs: list[tuple[str, str, str, Callable[[], tuple[Report, ...]]]] = []
    for backend in backends:
        jobs += [("layer", n, backend, _layer_job(c, c.modes, seed)) for n, c in layers.items()]
        jobs += [("loss", n, backend, _loss_job(c, seed)) for n, c in losses.items()]
    jobs += [("penalty", n, NO_BACKEND, _function_job(c, seed)) for n, c in penalties.items()]
    for backend in quick:
        jobs += [("model", n, backend, _layer_job(c, (True,), seed)) for n, c in models.items()]
    checks = []
    for done, (kind, name, backend, job) in enumerate(jobs):
        tell(done, len(jobs), f"{name} on {backend}" if backend != NO_BACKEND else name)
        if backend == NO_BACKEND:
            reports = job()
        else:
            with use_backend(backend):
                reports = job()
        checks.append(Check(kind, name, backend, reports))
    tell(len(jobs), len(jobs), "")
    return LibraryReport(tuple(checks), seed, skipped)


def _layer_job(
    case: LayerCase, modes: Sequence[bool], seed: int
) -> Callable[[], tuple[Report, ...]]:
    return lambda: tuple(check_layer_case(case, training, seed) for training in modes)


def check_layer_case(case: LayerCase, training: bool, seed: int = 0) -> Report:
    """Check one layer in one mode; built in float32, as it is used, and judged in float64."""
    layer = case.make()
    (layer.train if training else layer.eval)()
    x = case.draw(np.random.default_rng(seed)).astype(np.float32)
    return gradcheck(layer, x, seed=seed)


def _loss_job(case: LossCase, seed: int) -> Callable[[], tuple[Report, ...]]:
    return lambda: (check_loss_case(case, seed),)


def check_loss_case(case: LossCase, seed: int = 0) -> Report:
    """Check one loss, on scores in float32 as they come from a network."""
    return gradcheck(case.make(), case.scores.astype(np.float32), case.target, seed=seed)


def _function_job(case: FunctionCase, seed: int) -> Callable[[], tuple[Report, ...]]:
    return lambda: (gradcheck(case.function, *case.arrays, seed=seed),)


def _worst(report: Report) -> float:
    """Return the largest error over its bar; 0 where nothing was compared."""
    found = [0.0]
    for tensor in report.tensors:
        if tensor.analytic is None or tensor.numeric is None or not tensor.error_bar:
            continue
        if tensor.verdict == PASS_AT_KINK:
            continue
        found.append(abs(tensor.analytic - tensor.numeric) / tensor.error_bar)
    finite = [value for value in found if np.isfinite(value)]
    return max(finite)


def _table(checks: Sequence[Check]) -> Iterator[str]:
    """Yield a line for each subject, with a column for each backend."""
    rows: dict[tuple[str, str], dict[str, Check]] = {}
    for check in checks:
        rows.setdefault((check.kind, check.name), {})[check.backend] = check
    backends = list(dict.fromkeys(c.backend for c in checks if c.backend != NO_BACKEND))
    width = max([len(name) for _, name in rows], default=0)
    yield f"{'':{width}}  " + "  ".join(f"{backend:26}" for backend in backends).rstrip()
    titles = f"{'verdict':12} {'error':>6} {'s':>6}"
    yield f"{'':{width}}  " + "  ".join(titles for _ in backends)
    before = ""
    for (kind, name), found in rows.items():
        if kind != before:
            yield f"-- {kind} --"
            before = kind
        # What needs no backend stands in the first column.
        cells = [found.get(b) for b in backends] if NO_BACKEND not in found else [found[NO_BACKEND]]
        yield f"{name:{width}}  " + "  ".join(_cell(cell) for cell in cells).rstrip()


def _cell(check: Check | None) -> str:
    if check is None:
        return f"{'':26}"
    return f"{check.verdict:12} {check.worst:6.2g} {check.seconds:6.2f}"
