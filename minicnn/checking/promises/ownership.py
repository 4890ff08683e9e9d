"""What belongs to the caller stays as it is, and gradients have memory of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minicnn.checking.arrays import same, shares_memory
from minicnn.checking.promises.calls import Calls
from minicnn.checking.subject import Call


def check_mutations(calls: Calls, call: Call, phase: str) -> None:
    """Complain of inputs and parameters that a call has changed."""
    subject, found = calls.subject, calls.found
    for name, given, now in zip(subject.names, subject.base, call.inputs, strict=True):
        if isinstance(given, np.ndarray) and not same(now, given):
            found.add(
                "mutates",
                f"{phase} changes its input {name} in place; the caller still needs it; work "
                f"on a copy",
                name,
                phase=phase,
            )
    live = subject.parameters()
    for variable in subject.variables:
        if variable.kind == "parameter" and not same(live.get(variable.key), variable.value):
            found.add(
                "mutates",
                f"{phase} changes params[{variable.key!r}]; only the optimizer may",
                variable.name,
                phase=phase,
            )


def check_aliases(calls: Calls, call: Call, dys: tuple[Any, ...], raw: Mapping[str, Any]) -> None:
    """Complain of gradients that share memory with what belongs to somebody else."""
    subject, found = calls.subject, calls.found
    if subject.kind != "layer":
        return
    live = subject.parameters()
    inputs = dict(zip(subject.names, call.inputs, strict=True))
    returned = {v.name: raw.get(v.name) for v in subject.variables if v.kind == "input"}
    others = {f"the input {name}": a for name, a in inputs.items()}
    others |= {f"dy {i}" if i else "dy": dy for i, dy in enumerate(dys)}
    others |= {f"the output {i}" if i else "y": y for i, y in enumerate(call.outputs)}
    others |= {f"the gradient of {name}": a for name, a in returned.items()}
    others |= {f"params[{key!r}]": a for key, a in live.items()}
    for variable in subject.variables:
        gradient = raw.get(variable.name)
        if not isinstance(gradient, np.ndarray):
            continue
        if variable.kind == "parameter":
            suspects = others
        else:
            suspects = {f"params[{key!r}]": a for key, a in live.items()}
        for what, other in suspects.items():
            if isinstance(other, np.ndarray) and shares_memory(gradient, other):
                found.add(
                    "alias",
                    f"{variable.gradient_name} shares its memory with {what}: a change of "
                    "one changes the other; store a copy",
                    variable.name,
                    shares_with=what,
                )
                break
