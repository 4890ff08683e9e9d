"""A target under examination, as the promises see it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.checking.promises.calls import Calls
from tests.checking.test_subject import prepared


def calls_of(target: Any, *inputs: Any) -> Calls:
    subject = prepared(target, *inputs)
    size = subject.base_call.flat.size
    rng = np.random.default_rng(0)
    v = rng.choice([-1.0, 1.0], (2, size)) * rng.uniform(0.5, 1.5, (2, size))
    return Calls(subject, v if subject.takes_dy else np.ones((1, size)))


def broken(calls: Calls) -> list[tuple[str, str | None]]:
    """Return the promises that were found broken, with the array."""
    return [(finding.slug, finding.tensor) for finding in calls.found.findings]
