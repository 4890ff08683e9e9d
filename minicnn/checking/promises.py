"""What any backward must keep, whatever it differentiates; checked first and exactly.

A gradient can have the right values at the first call and still spoil a training run: it may
be added to the last one, overwrite an array somebody holds, or remember another batch. None of
these shows in a difference quotient. Nor does it need one: they are equalities between calls.

    backward twice gives the same; backward(0) = 0; B(2v - 3w) = 2 B(v) - 3 B(w);
    x, dy and the parameters stay as they were; what was returned stays as it was returned;
    forward A, forward B, backward gives what forward B, backward gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.memento import (
    global_randomness,
    restore_global_randomness,
    same_randomness,
)
from minicnn.checking.report import Finding
from minicnn.checking.subject import Call, Subject, TargetError, Variable

# Two results of the same arithmetic may differ by the order of a threaded sum, no more.
SAME = 1e-9
# Relative departure from linearity that single precision explains, and half precision.
SINGLE, HALF = 1e-5, 1e-2
LONGER = 64.0  # a power of two: rounding scales with it exactly, in any precision

# With these, every later call differs from a fresh one, and to say so again would not help.
SPOILS_LATER = {"accumulates", "nondeterministic", "mutates"}

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


class Promises:
    """Checks the promises of one subject.

    Parameters
    ----------
    subject
        Prepared.
    cotangents
        (K, m) signed random cotangents; K is 2, or 1 where backward takes no dy.
    """

    def __init__(self, subject: Subject, cotangents: NDArray[np.float64]) -> None:
        self.subject = subject
        self.v = cotangents
        self.found = Behaviour()
        self.repeatable = True

    def examine(self) -> Behaviour:
        """Run all checks; what can no longer be checked after a failure is left out."""
        try:
            if self._check_forward() and self._check_backward():
                self._check_repetition()
                self._check_linearity()
                if not any(f.slug in SPOILS_LATER for f in self.found.findings):
                    self._check_later_calls()
        except TargetError as error:
            self.found.add("error", error.sentence, **error.evidence)
            self.found.comparable = False
        return self.found

    # ---- forward --------------------------------------------------------------------

    def _check_forward(self) -> bool:
        subject, found = self.subject, self.found
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
        self._check_mutations(call, "forward")
        y = call.flat
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
            difference = (
                float(np.abs(again.flat - y).max()) if again.flat.shape == y.shape else None
            )
            found.add(
                "nondeterministic",
                "two calls of forward with the same input, from the same state, differ; the "
                "randomness of a target must come from a generator that it holds",
                difference=difference,
            )
            found.comparable = False
            return False
        return True

    def _check_mutations(self, call: Call, phase: str, dys: tuple[Any, ...] = ()) -> None:
        subject, found = self.subject, self.found
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

    # ---- backward -------------------------------------------------------------------

    def _check_backward(self) -> bool:
        subject, found = self.subject, self.found
        call = subject.forward()
        y_before = call.flat.copy()
        dys = subject.cotangents(call, self.v[0])
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
        self._check_mutations(call, "backward", dys)
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
        self._check_aliases(call, dys, raw)
        gradients = self._accept(call, raw)
        found.gradients.append(gradients)
        return any(g is not None for g in gradients.values())

    def _accept(self, call: Call, raw: Mapping[str, Any]) -> Gradients:
        """Check presence, shape, dtype and finiteness; return what can be compared."""
        accepted: Gradients = {}
        single_outputs = all(
            np.asarray(y).dtype.kind != "f" or np.asarray(y).dtype.itemsize < 8
            for y in call.outputs
            if isinstance(y, np.ndarray | np.floating)
        ) and any(isinstance(y, np.ndarray | np.floating) for y in call.outputs)
        for variable in self.subject.variables:
            accepted[variable.name] = self._accept_one(
                variable, raw.get(variable.name), single_outputs
            )
        return accepted

    def _accept_one(
        self, variable: Variable, gradient: Any, single_outputs: bool
    ) -> NDArray[np.float64] | None:
        found, name = self.found, variable.name
        what = _gradient_name(variable)
        if gradient is None:
            found.add(
                "shape",
                f"there is no gradient of {name}: {what} is missing",
                name,
                expected=list(variable.value.shape),
                received=None,
            )
            return None
        array = np.asarray(gradient)
        if array.dtype == object or array.dtype.kind not in "fiub":
            found.add(
                "dtype",
                f"{what} holds {array.dtype} values instead of real numbers",
                name,
                received=str(array.dtype),
            )
            return None
        if array.dtype.kind != "f" and isinstance(gradient, np.ndarray):
            found.add(
                "dtype",
                f"{what} is {array.dtype}: whole numbers cannot hold a gradient; make it "
                f"{variable.value.dtype}",
                name,
                expected=str(variable.value.dtype),
                received=str(array.dtype),
            )
        elif (
            isinstance(gradient, np.ndarray)
            and array.dtype.itemsize < self._itemsize(variable)
            and not (single_outputs and array.dtype == np.float32)
        ):
            found.add(
                "dtype",
                f"{what} is {array.dtype}, but {name} is {variable.value.dtype}: half of the "
                "digits are lost; make the gradient with the dtype of its array",
                name,
                expected=str(variable.value.dtype),
                received=str(array.dtype),
            )
        values = array.astype(np.float64)
        if values.shape != variable.value.shape:
            found.add(
                "shape",
                f"{what} has shape {values.shape}, but {name} has shape {variable.value.shape}",
                name,
                expected=list(variable.value.shape),
                received=list(values.shape),
            )
            found.misshapen.setdefault(name, values)
            return None
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            found.add(
                "error",
                f"{what} holds {bad} numbers of {values.size} that are NaN or infinite",
                name,
                phase="backward",
                not_finite=bad,
            )
            return None
        return values

    def _itemsize(self, variable: Variable) -> int:
        live = self.subject.parameters() if variable.kind == "parameter" else {}
        if variable.key in live:
            return live[variable.key].dtype.itemsize
        return np.asarray(self.subject.base[variable.key]).dtype.itemsize

    def _check_aliases(self, call: Call, dys: tuple[Any, ...], raw: Mapping[str, Any]) -> None:
        subject, found = self.subject, self.found
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
                        f"{_gradient_name(variable)} shares its memory with {what}: a change of "
                        "one changes the other; store a copy",
                        variable.name,
                        shares_with=what,
                    )
                    break

    # ---- the same again -------------------------------------------------------------

    def gradients(
        self, flat: NDArray[np.float64], call: Call | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Return the gradients for a cotangent; those of a wrong shape are left out."""
        call = call if call is not None and self.repeatable else self.subject.forward()
        return self._values(self.subject.backward(call, self.subject.cotangents(call, flat)))

    def _values(self, raw: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        return gradient_values(self.subject, raw)

    def _check_repetition(self) -> None:
        subject, found = self.subject, self.found
        call = subject.forward()
        first = self.gradients(self.v[0], call)
        generators = _generator_states(subject)
        try:
            second = self._values(subject.backward(call, subject.cotangents(call, self.v[0])))
        except TargetError:
            # A cache that can be used once is a design, if not the library's.
            self.repeatable = False
            found.notes.append("backward cannot be called twice after one forward")
            second = first
        drew = generators != _generator_states(subject)
        self._compare_repetition(first, second, drew, "a second backward after the same forward")
        # A layer may reset its gradients in forward, or nowhere.
        subject.memento.restore_generators()
        subject.restore_shared_randomness()
        third_call = subject.forward_on(subject.arguments({}))
        if third_call.shapes == call.shapes and close(third_call.flat, call.flat, SAME):
            third = self._values(
                subject.backward(third_call, subject.cotangents(third_call, self.v[0]))
            )
            self._compare_repetition(first, third, drew, "the same forward and backward again")

    def _compare_repetition(
        self,
        first: Mapping[str, NDArray],
        second: Mapping[str, NDArray],
        drew: bool,
        what: str,
    ) -> None:
        for name in first.keys() & second.keys():
            one, two = first[name], second[name]
            if one.shape == two.shape and close(one, two, SAME):
                continue
            variable = next(v for v in self.subject.variables if v.name == name)
            gradient = _gradient_name(variable)
            ratio = _ratio(two, one)
            if ratio > 1.05 and close(two, ratio * one, 1e-6):
                self.found.add(
                    "accumulates",
                    f"{what} gives {ratio:.3g} times {gradient}: it is added to what was there; "
                    "overwrite it",
                    name,
                    ratio=ratio,
                )
                self.repeatable = False  # from here on each backward gets a fresh forward
                continue
            if drew:
                self.found.add(
                    "nondeterministic",
                    f"{what} gives another {gradient}: backward draws random numbers; it must use "
                    "the mask that forward drew",
                    name,
                )
            else:
                again = "a second backward" in what and bool(one.any())
                self.found.add(
                    "mutates" if again else "stale-cache",
                    f"{what} gives another {gradient}: "
                    + (
                        "backward changes what it kept from forward"
                        if again
                        else "something is left over from the first time"
                    ),
                    name,
                    difference=float(np.abs(one - two).max()) if one.shape == two.shape else None,
                )

    # ---- linear in dy ---------------------------------------------------------------

    def _check_linearity(self) -> None:
        if len(self.v) < 2:
            return
        v, w = self.v
        call = self.subject.forward()
        a, b = self.gradients(v, call), self.gradients(w, call)
        mixed = self.gradients(2 * v - 3 * w, call)
        zero = self.gradients(0 * v, call)
        large = self.gradients(LONGER * v, call)
        self.found.gradients.append({n: b.get(n) for n in self.found.gradients[0]})
        for variable in self.subject.variables:
            name = variable.name
            if all(name in g for g in (a, b, mixed, zero, large)):
                self._judge_linearity(
                    variable, a[name], b[name], mixed[name], zero[name], large[name]
                )

    def _judge_linearity(
        self,
        variable: Variable,
        a: NDArray,
        b: NDArray,
        mixed: NDArray,
        zero: NDArray,
        large: NDArray,
    ) -> None:
        found, name, what = self.found, variable.name, _gradient_name(variable)
        size = 2 * np.abs(a) + 3 * np.abs(b)
        if not a.size or not size.max() > self._vanishing(variable):
            return
        if np.array_equal(a, b):
            found.add(
                "ignores-dy",
                f"{what} is the same for two different dy: backward does not use dy",
                name,
                backward_of_zero=float(np.abs(zero).max()),
            )
            return
        residual = mixed - (2 * a - 3 * b)
        scaled = np.abs(large / LONGER - a)
        departure = np.maximum(np.abs(residual), scaled)
        relative = float(np.linalg.norm(departure) / np.linalg.norm(size))
        local = departure > 1e-3 * size
        worst = float(departure.max(initial=0))
        everywhere = relative > SINGLE
        somewhere = (local & (departure > 1e-4 * np.sqrt((size**2).mean()))).any()
        if not everywhere and not somewhere and np.abs(zero).max() <= SAME * size.max():
            found.rounding[name] = float(np.sqrt((residual**2).mean())) if relative > 1e-12 else 0.0
            return
        if np.abs(zero).max() > 1e-6 * size.max():
            self._something_added(variable, zero, residual)
        elif relative < HALF and float(np.linalg.norm(scaled)) <= 1e-9 * float(np.linalg.norm(a)):
            found.add(
                "dtype",
                f"{what} is exact to {relative:.0e} only: backward computes with too few digits",
                name,
                departure=relative,
            )
        else:
            self._mask_from_dy(variable, a)
            found.add(
                "nonlinear-in-dy",
                f"{what} is not linear in dy: B(2v - 3w) differs from 2 B(v) - 3 B(w) by "
                f"{relative:.1g} of its size; no derivative does that",
                name,
                departure=relative,
                largest=worst,
            )

    def _something_added(self, variable: Variable, zero: NDArray, residual: NDArray) -> None:
        """Backward of dy = 0 is not zero: say what is there instead."""
        name, what = variable.name, _gradient_name(variable)
        size = float(np.abs(zero).max())
        share = _ratio(zero, variable.value)
        if np.count_nonzero(variable.value) > 2 and close(zero, share * variable.value, 1e-6):
            self.found.add(
                "missing-term",
                f"backward adds {share:.4g} times {name} to {what}, as for a penalty on the "
                "weights, but the output of forward has no such term",
                name,
                coefficient=share,
            )
        self.found.add(
            "nonlinear-in-dy",
            f"backward of dy = 0 gives a {what} that is not 0",
            name,
            backward_of_zero=size,
        )
        if close(residual, 2 * zero, 1e-6):  # B(v) = L(v) + c: then the residual is 2 c
            self.found.add(
                "ignores-dy",
                f"a part of {what} does not depend on dy: it is there for dy = 0, too",
                name,
                backward_of_zero=size,
            )

    def _vanishing(self, variable: Variable) -> float:
        """What a gradient that is zero by cancellation may be by rounding.

        The bias of a layer before a normalization has no influence at all; its gradient is
        what rounding leaves of it, and is linear in nothing.
        """
        y = self.subject.base_call.flat
        size = float(np.linalg.norm(self.v[0])) * float(np.sqrt((y**2).mean()))
        return 1e-13 * size / variable.scale

    def _mask_from_dy(self, variable: Variable, a: NDArray) -> None:
        """Recognise a gradient that passes where dy is positive instead of where x is."""
        dy = self.v[0]
        if variable.kind != "input" or a.size != dy.size:
            return
        passes, positive = a.ravel() != 0, dy > 0
        for keep, words in ((positive, "positive"), (~positive, "negative")):
            if passes.any() and not (passes & ~keep).any() and passes.sum() >= 0.3 * keep.sum():
                self.found.add(
                    "mask",
                    f"{_gradient_name(variable)} passes only where dy is {words}: the mask is made "
                    "from dy, and should be made from x",
                    variable.name,
                )

    # ---- later calls ----------------------------------------------------------------

    def _check_later_calls(self) -> None:
        """Run forward A, backward A, forward B, backward B, and see what has become of each."""
        subject, found = self.subject, self.found
        other = self._another_point()
        try:
            fresh_call = self._fresh(other)
            fresh_y = fresh_call.flat
            if not np.isfinite(fresh_y).all():
                return
            flat = self.v[0]
            if fresh_y.size != flat.size:
                return
            fresh = self.gradients_on(fresh_call, flat)
        except TargetError:
            return  # the target need not accept a point we made up
        call = subject.forward()
        y_raw = [y for y in call.outputs if isinstance(y, np.ndarray)]
        y_kept = [y.copy() for y in y_raw]
        y_a = call.flat.copy()
        raw = subject.backward(call, subject.cotangents(call, flat))
        held = {n: g for n, g in raw.items() if isinstance(g, np.ndarray)}
        kept = {n: g.copy() for n, g in held.items()}

        subject.memento.restore_generators()
        subject.restore_shared_randomness()
        try:
            second = subject.forward_on(other)
        except TargetError:
            return
        self._report_overwritten(held, kept, y_raw, y_kept, "a later forward")
        y_b = second.flat.copy()
        seq = gradient_values(subject, subject.backward(second, subject.cotangents(second, flat)))
        owned = {
            v.name: held[v.name]
            for v in subject.variables
            if v.name in held and (v.kind == "input" or subject.kind != "layer")
        }
        self._report_overwritten(owned, kept, y_raw, y_kept, "a later call")
        if y_b.shape == fresh_y.shape and close(y_b, fresh_y, SAME):
            self._report_stale(seq, fresh)
        elif close(y_b, y_a, 1e-12) and not close(fresh_y, y_a, 1e-6):
            found.add(
                "stale-cache",
                "forward of another input returns the output of the first one: it uses what it "
                "kept instead of computing anew",
            )
        if subject.kind == "pair" and self.repeatable:
            late = gradient_values(subject, subject.backward(call, subject.cotangents(call, flat)))
            self._report_stale(late, {n: k.astype(np.float64) for n, k in kept.items()})

    def _fresh(self, inputs: tuple[Any, ...]) -> Call:
        subject = self.subject
        subject.memento.restore()
        subject.restore_shared_randomness()
        return subject.forward_on(tuple(copy_of(value) for value in inputs))

    def gradients_on(self, call: Call, flat: NDArray) -> dict[str, NDArray[np.float64]]:
        """Return the gradients of one particular call."""
        subject = self.subject
        return gradient_values(subject, subject.backward(call, subject.cotangents(call, flat)))

    def _another_point(self) -> tuple[Any, ...]:
        """Make other inputs of the same kind: the batch turned around, each number moved a bit."""
        rng = np.random.default_rng(20)
        inputs: list[Any] = []
        for value in self.subject.arguments({}):
            if isinstance(value, np.ndarray) and value.ndim and value.size > 1:
                axis = 0 if value.shape[0] > 1 else int(np.argmax(value.shape))
                value = np.flip(value, axis=axis if value.dtype.kind == "f" else 0).copy()
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                value = (value * rng.uniform(0.9, 1.0, value.shape)).astype(value.dtype)
            inputs.append(value)
        return tuple(inputs)

    def _report_overwritten(
        self,
        held: Mapping[str, NDArray],
        kept: Mapping[str, NDArray],
        y_raw: list[NDArray],
        y_kept: list[NDArray],
        when: str,
    ) -> None:
        for y, before in zip(y_raw, y_kept, strict=True):
            if not same(y, before):
                self.found.add(
                    "alias",
                    f"{when} overwrites the output y of an earlier one: both are the same memory; "
                    "return a new array",
                )
        for name, gradient in held.items():
            if not same(gradient, kept[name]):
                variable = next(v for v in self.subject.variables if v.name == name)
                self.found.add(
                    "alias",
                    f"{when} overwrites {_gradient_name(variable)} of an earlier one: it is memory "
                    "that is used again; return a new array",
                    name,
                )

    def _report_stale(self, now: Mapping[str, NDArray], fresh: Mapping[str, NDArray]) -> None:
        for variable in self.subject.variables:
            one, two = now.get(variable.name), fresh.get(variable.name)
            if one is None or two is None or one.shape != two.shape:
                continue
            if not close(one, two, 1e-7):
                self.found.add(
                    "stale-cache",
                    f"{_gradient_name(variable)} depends on an earlier forward: after forward of "
                    "another input, backward gives something else than in a fresh start",
                    variable.name,
                    difference=float(np.abs(one - two).max()),
                )


def gradient_values(subject: Subject, raw: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return float64 copies of the gradients that have the shape of their variable."""
    values = {}
    for variable in subject.variables:
        gradient = raw.get(variable.name)
        if gradient is None or np.shape(gradient) != variable.value.shape:
            continue
        array = np.asarray(gradient)
        if array.dtype.kind in "fiub":
            values[variable.name] = array.astype(np.float64)
    return values


def _gradient_name(variable: Variable) -> str:
    if variable.kind == "parameter":
        return f"grads[{variable.key!r}]"
    return f"d{variable.name}"


def _generator_states(subject: Subject) -> list[str]:
    return subject.memento.generator_states()


def _ratio(one: NDArray, other: NDArray) -> float:
    square = float((other * other).sum())
    return float((one * other).sum()) / square if one.shape == other.shape and square else 0.0


def close(one: NDArray, other: NDArray, tolerance: float) -> bool:
    """Whether two arrays are equal to a share of their largest entry."""
    if one.shape != other.shape:
        return False
    if not one.size:
        return True
    with np.errstate(all="ignore"):
        size = max(float(np.abs(one).max()), float(np.abs(other).max()))
        off = np.abs(one - other)
    return bool(np.array_equal(one, other, equal_nan=True) or (off <= tolerance * size).all())


def same(now: Any, before: Any) -> bool:
    """Whether nothing changed, bit for bit."""
    if isinstance(before, np.ndarray):
        if not isinstance(now, np.ndarray) or now.shape != before.shape:
            return False
        if before.dtype == object:
            return True
        return bool(np.array_equal(now, before, equal_nan=before.dtype.kind in "fc"))
    return True


def copy_of(value: Any) -> Any:
    """Copy an array; return anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def shares_memory(one: NDArray, other: NDArray) -> bool:
    """Whether two arrays overlap."""
    if not np.may_share_memory(one, other):
        return False
    try:
        return bool(np.shares_memory(one, other, max_work=-1))
    except MemoryError:
        return True


__all__ = ["Behaviour", "Gradients", "Promises", "close", "gradient_values", "same"]
