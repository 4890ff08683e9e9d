"""Forward is a function: of its inputs and the state it starts from, and of nothing else."""

from __future__ import annotations

import numpy as np

from minicnn.checking.arrays import close
from minicnn.checking.memento import (
    global_randomness,
    restore_global_randomness,
    same_randomness,
    unusual_randomness,
)
from minicnn.checking.promises.behaviour import SAME
from minicnn.checking.promises.calls import Calls
from minicnn.checking.promises.ownership import check_mutations


def check_forward(calls: Calls) -> bool:
    """Run forward twice; return whether derivatives of it can be compared."""
    subject, found = calls.subject, calls.found
    # From a state that nobody else would choose: a target that seeds the shared generators
    # itself would else find them as it left them.
    restore_global_randomness(unusual_randomness())
    before = global_randomness()
    call = subject.forward()
    if not same_randomness(before, global_randomness()):
        restore_global_randomness(before)
        subject.remember_randomness()
        found.add(
            "nondeterministic",
            "forward draws from the global random generator, which everybody shares: nobody "
            "can repeat the call; draw from a np.random.Generator that the object holds",
            source="np.random or random",
        )
        call = subject.forward()
    check_mutations(calls, call, "forward")
    y = call.flat
    if not y.size:
        found.add("error", "forward returned an empty array: there is nothing to differentiate")
        found.comparable = False
        return False
    if not np.isfinite(y).all():
        bad = int((~np.isfinite(y)).sum())
        found.add(
            "error",
            f"forward returned {bad} numbers of {y.size} that are NaN or infinite",
            phase="forward",
            not_finite=bad,
        )
        found.comparable = False
        return False
    again = subject.forward()
    if again.shapes != call.shapes or not close(again.flat, y, SAME):
        difference = float(np.abs(again.flat - y).max()) if again.flat.shape == y.shape else None
        found.add(
            "nondeterministic",
            "two calls of forward with the same input, from the same state, differ; the "
            "randomness of a target must come from a generator that it holds",
            difference=difference,
        )
        found.comparable = False
        return False
    return True
