"""What a gradient check found: the verdict, one result per array, and the diagnosis."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.slugs import MEANING

PASS = "PASS"
PASS_AT_KINK = "PASS_AT_KINK"
FAIL = "FAIL"
INCONCLUSIVE = "INCONCLUSIVE"
# From good to bad: the verdict of a report is the worst of its parts.
VERDICTS = (PASS, PASS_AT_KINK, INCONCLUSIVE, FAIL)


@dataclass(frozen=True)
class Finding:
    """One mistake: its slug, a plain sentence, and the numbers behind it.

    Parameters
    ----------
    slug
        One of `minicnn.checking.slugs.SLUGS`.
    sentence
        What is wrong, for a reader who has never seen the checker.
    tensor
        The array it is about, as in ``TensorResult.name``; None for the whole target.
    evidence
        Plain numbers and texts by name, fit for JSON.
    """

    slug: str
    sentence: str
    tensor: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.slug not in MEANING:
            raise ValueError(f"there is no slug {self.slug!r}")


@dataclass(frozen=True)
class TensorResult:
    """How one gradient compares with differences of the forward pass.

    Parameters
    ----------
    name
        ``"x"`` or the argument's name for an input, the key of ``params`` for a parameter.
    shape
        Of the array and its gradient.
    verdict
        PASS, PASS_AT_KINK, FAIL or INCONCLUSIVE.
    compared
        How many entries were compared one by one.
    directions
        Along how many random directions it was compared besides.
    worst_index
        The entry that is farthest off, in units of its error bar; None if nothing was compared.
    analytic, numeric, error_bar
        There: what backward says, what differences say, and how exact those are.
    analytic_values, numeric_values, error_bars
        The same for all entries, of shape ``shape``, NaN where an entry was not compared;
        None if there is nothing to show. They are for pictures and are not in the JSON.
    """

    name: str
    shape: tuple[int, ...]
    verdict: str
    compared: int = 0
    directions: int = 0
    worst_index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    error_bar: float | None = None
    analytic_values: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    numeric_values: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    error_bars: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the gradient is right."""
        return self.verdict in (PASS, PASS_AT_KINK)


@dataclass(frozen=True)
class Report:
    """The outcome of `minicnn.gradcheck`.

    Parameters
    ----------
    target
        What was checked, in words (``"Linear(4, 3)"``).
    verdict
        PASS, PASS_AT_KINK (right, with a permissible choice where the function has a kink),
        FAIL, or INCONCLUSIVE (the differences are too coarse to tell).
    tensors
        One result per input and parameter.
    findings
        The mistakes, best explanation first.
    seed
        What the random cotangents and directions were drawn with.
    evaluations
        How often forward was called.
    seconds
        How long it took.
    notes
        What a reader should know besides.
    """

    target: str
    verdict: str
    tensors: tuple[TensorResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    seed: int = 0
    evaluations: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True for PASS and PASS_AT_KINK only."""
        return self.verdict in (PASS, PASS_AT_KINK)

    @property
    def diagnosis(self) -> list[str]:
        """The slugs of the findings, best first, each once; empty where all is well."""
        return list(dict.fromkeys(finding.slug for finding in self.findings))

    def to_json(self, indent: int | None = 2) -> str:
        """Return the report as JSON text, plain ASCII and without NaN."""
        from minicnn.checking.wording import report_as_dict

        return json.dumps(report_as_dict(self), indent=indent, allow_nan=False)

    def to_markdown(self) -> str:
        """Return the report as a Markdown text: verdict, findings, a table of the arrays."""
        from minicnn.checking.wording import report_as_markdown

        return report_as_markdown(self)

    def plot(self, path: str | Path | BinaryIO) -> None:
        """Draw analytic, numeric, and error over error bar of every array as heat maps.

        Parameters
        ----------
        path
            A PNG file to write, or an open binary file.
        """
        # Drawing is the one thing here that needs more than NumPy.
        from minicnn.plots.gradients import plot_report

        plot_report(self, path)

    def __str__(self) -> str:
        from minicnn.checking.wording import report_as_text

        return report_as_text(self)
