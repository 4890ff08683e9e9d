"""A judge of planted cases that shares nothing with the checker: brute force, slow and plain.

Every evaluation starts from a new object. The Jacobian of forward is taken from both sides,
entry by entry, that of backward row by row; an entry is in order if it lies between the two
one-sided slopes. Besides, each promise is tried out in the most direct way.
"""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np

EPS = np.finfo(np.float64).eps


class Run:
    """One object, made for one purpose and thrown away."""

    def __init__(self, case):
        self.target, inputs = case.make()
        self.inputs = [x.copy() if isinstance(x, np.ndarray) else x for x in inputs]
        self.kind = "layer" if hasattr(self.target, "forward") else "function"
        if isinstance(self.target, tuple):
            self.kind = "pair"

    def forward(self):
        try:
            return self._forward()
        except Exception as error:
            raise CaseError from error

    def backward(self, dy):
        """Return the gradients of the inputs, as a list, and those of the parameters."""
        try:
            return self._backward(dy)
        except Exception as error:
            raise CaseError from error

    def _forward(self):
        if self.kind == "layer":
            y = self.target.forward(*self.inputs)
        elif self.kind == "pair":
            y, self.cache = self.target[0](*self.inputs)
        else:
            y, self.dx = self.target(*self.inputs)
        return y

    def _backward(self, dy):
        if self.kind == "layer":
            dx = self.target.backward(dy)
        elif self.kind == "pair":
            dx = self.target[1](dy, self.cache)
        else:
            dx = self.dx * dy
        given = list(dx) if isinstance(dx, tuple | list) else [dx]
        return given, dict(getattr(self.target, "grads", {}))

    @property
    def params(self):
        return getattr(self.target, "params", {})

    def floats(self):
        """Return the places of the inputs that have a gradient."""
        places = [i for i, x in enumerate(self.inputs) if is_float(x)]
        loss = any("Loss" in base.__name__ for base in type(self.target).__mro__)
        loss = loss or self.kind == "function"
        return places[:1] if loss else places


def is_float(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


class CaseError(Exception):
    """The code of a case has raised something."""


def objections(case, single=False, inside=0.0, own_scale=False):
    """Return what is wrong with a case, as a list of sentences; empty if nothing is.

    ``inside`` is the size of numbers that forward adds and subtracts on the way, where that
    is more than the size of its outputs: they bring rounding errors of their size. With
    ``own_scale`` errors are measured by the derivatives of each entry, else by the largest.
    """
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        try:
            return list(_promises(case)) or list(_gradients(case, single, inside, own_scale))
        except CaseError as error:
            return [f"{type(error.__cause__).__name__}: {error.__cause__}"]


def _dy(y, seed=0):
    rng = np.random.default_rng(seed)
    if np.ndim(y) == 0:
        return float(rng.uniform(0.5, 2))
    return rng.normal(size=np.shape(y)).astype(np.asarray(y).dtype)


def _together(gradients):
    inputs, params = gradients
    return [np.array(g, dtype=np.float64) for g in [*inputs, *params.values()] if g is not None]


def _same(one, other, rtol=0.0):
    if len(one) != len(other):
        return False
    largest = max((np.abs(b).max(initial=0) for b in other), default=0)
    for a, b in zip(one, other, strict=True):
        if a.shape != b.shape:
            return False
        if not np.allclose(a, b, rtol=rtol, atol=rtol * largest, equal_nan=True):
            return False
    return True


def _promises(case):
    run = Run(case)
    before = [np.array(x, dtype=object if x is None else None) for x in run.inputs]
    y = run.forward()
    dy = _dy(y)
    dy_before = np.array(dy)
    params = {name: array.copy() for name, array in run.params.items()}
    places = run.floats()
    given, grads = run.backward(dy)

    # Shapes and dtypes.
    given = [g for g in given if g is not None]
    if len(given) != len(places):
        yield f"{len(given)} gradients for {len(places)} inputs"
    for place, g in zip(places, given, strict=False):
        x = run.inputs[place]
        if np.shape(g) != x.shape:
            yield f"the gradient of input {place} has shape {np.shape(g)}, not {x.shape}"
        elif np.asarray(g).dtype != x.dtype:
            yield f"the gradient of input {place} is {np.asarray(g).dtype}"
    if grads.keys() != run.params.keys():
        yield f"grads has {sorted(grads)}, params has {sorted(run.params)}"
    for name in grads.keys() & run.params.keys():
        g, p = np.asarray(grads[name]), run.params[name]
        if g.shape != p.shape or g.dtype != p.dtype:
            yield f"grads[{name}] is {g.dtype} {g.shape}, not {p.dtype} {p.shape}"
    if any(not np.isfinite(g).all() for g in [np.asarray(y), *_together((given, grads))]):
        yield "there are numbers that are not finite"

    # What belongs to the caller.
    for x, old in zip(run.inputs, before, strict=True):
        if isinstance(x, np.ndarray) and not np.array_equal(x, old):
            yield "an input was changed"
    if not np.array_equal(dy, dy_before):
        yield "dy was changed"
    params.update({name: run.params[name] for name in run.params.keys() - params.keys()})
    if any(not np.array_equal(run.params[name], old) for name, old in params.items()):
        yield "a parameter was changed"
    theirs = [a for a in (*run.inputs, dy, y, *given) if isinstance(a, np.ndarray)]
    for name, g in grads.items():
        if any(np.shares_memory(g, a) for a in theirs if isinstance(g, np.ndarray)):
            yield f"grads[{name}] shares memory"

    # The same again.
    first = _together((given, grads))
    kept_y, kept_dx = np.array(y), [np.array(g) for g in given]
    if run.kind != "function" and not _same(_together(run.backward(dy)), first):
        yield "a second backward gives something else"
    other = Run(case)
    if not np.array_equal(other.forward(), kept_y):
        yield "the same forward gives something else"
    if not _same(_together(other.backward(dy)), first):
        yield "the same backward gives something else"

    # Linear in dy.
    if run.kind != "function":
        w = _dy(y, 1)
        combined = _together(run.backward(2 * dy - 3 * w))
        v, w = _together(run.backward(dy)), _together(run.backward(w))
        rtol = 1e-10 if kept_y.dtype == np.float64 else 1e-5
        rtol = 1e-5 if "single" in case.name or "half" in case.name else rtol
        if not _same(combined, [2 * a - 3 * b for a, b in zip(v, w, strict=True)], rtol):
            yield "backward is not linear in dy"

    # What is left of an earlier call.
    used, fresh = Run(case), Run(case)
    used.forward()
    if used.kind == "layer" and not _draws(used.target):
        used.backward(dy)
        for each in (used, fresh):
            each.inputs = [np.flip(x).copy() if is_float(x) else x for x in each.inputs]
            each.forward()
        if not _same(_together(used.backward(dy)), _together(fresh.backward(dy)), 1e-12):
            yield "backward depends on an earlier forward"
    if run.kind == "layer":
        run.inputs = [0.9 * x if is_float(x) else x for x in run.inputs]
        again = run.forward()
        run.backward(_dy(again, 2))
        if not np.array_equal(y, kept_y):
            yield "y was overwritten by a later forward"
        if any(not np.array_equal(a, b) for a, b in zip(given, kept_dx, strict=True)):
            yield "dx was overwritten by a later backward"


def _draws(thing, depth=0):
    if isinstance(thing, np.random.Generator | np.random.RandomState):
        return True
    if depth > 6:
        return False
    if isinstance(thing, dict):
        parts = thing.values()
    elif isinstance(thing, list | tuple):
        parts = thing
    else:
        parts = getattr(thing, "__dict__", {}).values()
    return any(_draws(part, depth + 1) for part in list(parts) if part is not thing)


def _gradients(case, single, inside, own_scale):
    run = Run(case)
    y = np.asarray(run.forward(), dtype=np.float64)
    shape = np.shape(y)
    places = run.floats()
    run.backward(np.ones(shape) if shape else 1.0)
    names = list(run.params)

    # The Jacobian of backward: one row for each output.
    rows = []
    for k in range(y.size):
        each = Run(case)
        value = each.forward()
        unit = np.zeros(y.size, dtype=np.asarray(value).dtype)
        unit[k] = 1
        given, grads = each.backward(unit.reshape(shape) if shape else 1.0)
        given = [g for g in given if g is not None]
        rows.append([*given, *(grads[name] for name in names)])

    for number, what in enumerate([*places, *names]):
        size = np.size(run.params[what] if isinstance(what, str) else run.inputs[what])
        analytic = np.array([np.ravel(row[number]) for row in rows])  # (outputs, entries)
        chosen = range(size)
        if size > 300:
            chosen = np.unique([0, size - 1, 137 * 2 + 1, *range(0, size, size // 60)])
        intervals = [_slopes(case, what, [i], y, single, inside, own_scale) for i in chosen]
        largest = np.abs(analytic).max(initial=0)
        for i, each in zip(chosen, intervals, strict=True):
            scale = np.abs(analytic[:, i]).max() if own_scale else largest
            if not any(_inside(analytic[:, i], *bounds, scale, single) for bounds in each):
                yield f"entry {i} of {what} is wrong"
                break
        if size <= 300:
            everything = _slopes(case, what, list(range(size)), y, single, inside, own_scale)
            total = analytic.sum(axis=1)
            if not any(_inside(total, *b, largest * size**0.5, single) for b in everything):
                yield f"the sum over all entries of {what} is wrong"
    if len(places) > 1 and len({run.inputs[place].shape for place in places}) == 1:
        everything = _slopes(case, places, None, y, single, inside, own_scale)
        total = sum(np.array([np.ravel(row[n]) for row in rows]).sum(axis=1)
                    for n in range(len(places)))  # fmt: skip
        if not any(_inside(total, *b, np.abs(total).max(), single) for b in everything):
            yield "the sum over all entries of all inputs is wrong"


def _inside(values, low, high, noise, largest, single):
    """Whether values lie between the slopes of the two sides, up to rounding."""
    slack = (1e-3 if single else 2e-6) * largest + noise
    return bool(((values >= np.minimum(low, high) - slack)
                 & (values <= np.maximum(low, high) + slack)).all())  # fmt: skip


def _slopes(case, what, entries, y, single, inside, own_scale):
    """Return one-sided slopes of all outputs as some entries move together, for some steps."""
    found = []
    rules = ("coarse",) if single else ("entry",) if own_scale else ("entry", "spread", "array")
    for rule in rules:
        sides = []
        for sign in (1, -1):
            run = Run(case)
            if isinstance(what, str) and what not in run.params:
                run.forward()
            arrays = [run.inputs[p] for p in what] if isinstance(what, list) else []
            if not arrays:
                arrays = [run.params[what] if isinstance(what, str) else run.inputs[what]]
            rms = float(np.sqrt(np.mean([np.mean(np.square(a, dtype=float)) for a in arrays])))
            rms = rms or 1.0
            index = list(range(arrays[0].size)) if entries is None else entries
            value = np.abs(np.ravel(arrays[0])[index]).min()
            spread = float(np.std(arrays[0])) or rms
            h = {
                "entry": 1e-6 * (value or rms),
                "spread": 1e-5 * spread,
                "array": 3e-4 * rms,
                "coarse": 3e-2 * rms,
            }[rule]
            for array in arrays:
                flat = array.reshape(-1)
                moved = array.copy()
                moved.reshape(-1)[index] = flat[index] + sign * h
                array[...] = moved
            outputs = np.asarray(run.forward(), dtype=np.float64)
            sides.append((outputs - y).ravel() / (sign * h))
        size = np.abs(y).ravel() if own_scale else max(np.abs(y).max(), inside)
        noise = 0.0 if single else 8 * EPS * size / h
        found.append((sides[0], sides[1], noise))
    return found
