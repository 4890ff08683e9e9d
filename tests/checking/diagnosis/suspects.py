"""A wrong gradient beside the right one, as the hypotheses see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.checking.diagnosis.evidence import Evidence, Suspect
from minicnn.checking.gradcheck import Check
from minicnn.checking.promises import examine
from minicnn.checking.quiet import quietly
from minicnn.checking.report import Finding
from tests.checking.test_subject import prepared

Hypothesis = Callable[[Suspect], Finding | None]


def evidence_of(target: Any, *inputs: Any) -> Evidence:
    with quietly():
        subject = prepared(target, *inputs)
        check = Check(subject, seed=0, deep=False)
        v = check._cotangents(subject.base_call.flat.size)
        behaviour = examine(subject, v)
        check._compare(behaviour, v)
    return Evidence(subject, v, behaviour, check.comparisons, check.gradient_of)


def suspect(target: Any, *inputs: Any, name: str | None = None) -> Suspect:
    suspects = {s.name: s for s in evidence_of(target, *inputs).suspects}
    return suspects[name or next(iter(suspects))]


def said(
    hypothesis: Hypothesis, target: Any, *inputs: Any, name: str | None = None
) -> Finding | None:
    """Return what one hypothesis has to say of the wrong gradient."""
    wrong = suspect(target, *inputs, name=name)
    with np.errstate(all="ignore"):
        return hypothesis(wrong)


def slug(hypothesis: Hypothesis, target: Any, *inputs: Any, name: str | None = None) -> str | None:
    """Return the name it has for the mistake."""
    finding = said(hypothesis, target, *inputs, name=name)
    return None if finding is None else finding.slug
