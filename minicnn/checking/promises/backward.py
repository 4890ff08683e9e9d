"""The first backward: what it changes, and whether its gradients can be used."""

from __future__ import annotations

from minicnn.checking.arrays import copy_of, same
from minicnn.checking.memento import (
    global_randomness,
    restore_global_randomness,
    same_randomness,
)
from minicnn.checking.promises.calls import Calls
from minicnn.checking.promises.ownership import check_aliases, check_mutations
from minicnn.checking.promises.presence import accept


def check_backward(calls: Calls) -> bool:
    """Run backward once; return whether it gave anything to compare."""
    subject, found = calls.subject, calls.found
    call = subject.forward()
    y_before = call.flat.copy()
    dys = subject.cotangents(call, calls.v[0])
    kept = [copy_of(dy) for dy in dys]
    before = global_randomness()
    raw = subject.backward(call, dys)
    if not same_randomness(before, global_randomness()):
        restore_global_randomness(before)
        found.add(
            "nondeterministic",
            "backward draws from the global random generator; the masks of a forward pass "
            "must be kept, not drawn again",
            phase="backward",
        )
    check_mutations(calls, call, "backward")
    for i, (dy, kept_dy) in enumerate(zip(dys, kept, strict=True)):
        if not same(dy, kept_dy):
            which = "dy" if len(dys) == 1 else f"dy {i}"
            found.add(
                "mutates",
                f"backward changes {which} in place; whoever computed it may use it again; "
                "write `dy * ...` instead of `dy *= ...`",
                phase="backward",
            )
    if not same(call.flat, y_before):
        found.add(
            "mutates",
            "backward changes the output y, which forward had already handed over",
            phase="backward",
        )
    check_aliases(calls, call, dys, raw)
    gradients = accept(calls, call, raw)
    found.gradients.append(gradients)
    return any(g is not None for g in gradients.values())
