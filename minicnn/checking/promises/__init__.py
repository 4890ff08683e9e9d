"""What any backward must keep, whatever it differentiates; checked first and exactly.

A gradient can have the right values at the first call and still spoil a training run: it may
be added to the last one, overwrite an array somebody holds, or remember another batch. None of
these shows in a difference quotient. Nor does it need one: they are equalities between calls.

    backward twice gives the same; backward(0) = 0; B(2v - 3w) = 2 B(v) - 3 B(w);
    x, dy and the parameters stay as they were; what was returned stays as it was returned;
    forward A, forward B, backward gives what forward B, backward gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.failures import TargetError
from minicnn.checking.promises.backward import check_backward
from minicnn.checking.promises.behaviour import Behaviour
from minicnn.checking.promises.calls import Calls
from minicnn.checking.promises.forward import check_forward
from minicnn.checking.promises.later import check_later_calls
from minicnn.checking.promises.linearity import check_linearity
from minicnn.checking.promises.repetition import check_repetition
from minicnn.checking.subject import Subject

# With these, every later call differs from a fresh one, and to say so again would not help.
SPOILS_LATER = {"accumulates", "nondeterministic", "mutates"}


def examine(subject: Subject, cotangents: NDArray[np.float64]) -> Behaviour:
    """Run all checks; what can no longer be checked after a failure is left out.

    Parameters
    ----------
    subject
        Prepared.
    cotangents
        (K, m) signed random cotangents; K is 2, or 1 where backward takes no dy.
    """
    calls = Calls(subject, cotangents)
    found = calls.found
    try:
        if check_forward(calls) and check_backward(calls):
            check_repetition(calls)
            check_linearity(calls)
            if not any(f.slug in SPOILS_LATER for f in found.findings):
                check_later_calls(calls)
    except TargetError as error:
        found.add("error", error.sentence, **error.evidence)
        found.comparable = False
    return found
