"""What the calls of a target showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.report import Finding

# Two results of the same arithmetic may differ by the order of a threaded sum, no more.
SAME = 1e-9

Gradients = dict[str, NDArray[np.float64] | None]


@dataclass
class Behaviour:
    """What the calls of a subject showed.

    Parameters
    ----------
    findings
        Broken promises.
    gradients
        One dict per cotangent: float64 gradients in the shape of their variable, or None
        where none came, or one of a wrong shape.
    misshapen
        Gradients of a wrong shape, of the first cotangent.
    rounding
        By variable: how far backward itself is from linear, as far as rounding explains it.
    comparable
        Whether derivatives can be compared at all.
    """

    findings: list[Finding] = field(default_factory=list)
    gradients: list[Gradients] = field(default_factory=list)
    misshapen: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    rounding: dict[str, float] = field(default_factory=dict)
    comparable: bool = True
    notes: list[str] = field(default_factory=list)

    def add(self, slug: str, sentence: str, tensor: str | None = None, **evidence: Any) -> None:
        """Add a finding, unless the same is known of the same array."""
        if not any(f.slug == slug and f.tensor == tensor for f in self.findings):
            self.findings.append(Finding(slug, sentence, tensor, evidence))
