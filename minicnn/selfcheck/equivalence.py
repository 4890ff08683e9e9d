"""Does a changed function still compute the same gradients? Answered without the checker.

Layers and losses of the kinds that use the function are drawn at random, many geometries of
each, and run backward with the function as it is and as it was changed. A change that makes no
difference anywhere is no mistake, and nobody can catch it: an equivalent mutant. One that makes
a difference only where the function has a kink may have chosen another slope there, which is as
right; then each entry of the gradient must lie among those of points close by.
"""

from __future__ import annotations

import copy
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends import use_backend
from minicnn.selfcheck.random_layers import LOSS_NAMES, random_layer, random_loss
from minicnn.selfcheck.targets import Target, in_force

# Rounding in another order is no difference.
SAME = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}
NEIGHBOURS = 12
NEAR = 1e-6

DIFFERENT = "different"
EQUIVALENT = "equivalent"
ANOTHER_SLOPE = "another slope at a kink"
RAISES = "raises"

# How x is drawn, and how many specimens there are of each kind.
VALUES = {"normal": 30, "single": 8, "large": 6, "ties": 10}


@dataclass
class Specimen:
    """A layer or a loss with an input and a cotangent, and its gradients by the right code."""

    subject: Any
    inputs: tuple[Any, ...]
    dy: Any
    values: str
    right: dict[str, NDArray]
    lowest: dict[str, NDArray]
    highest: dict[str, NDArray]

    @property
    def tolerance(self) -> float:
        """How much two gradients may differ by rounding, relative to the largest entry."""
        return SAME[self.inputs[0].dtype]

    def gradients(
        self,
        inputs: tuple[Any, ...] | None = None,
        change: tuple[Target, types.FunctionType] | None = None,
    ) -> dict[str, NDArray] | None:
        """Run a fresh copy forward and backward; return the gradients by name.

        Parameters
        ----------
        inputs
            Other inputs than its own.
        change
            A function of the library and what stands in its place.

        Returns
        -------
        dict of str to NDArray or None
            None where the output is not finite.
        """
        subject = copy.deepcopy(self.subject)
        inputs = copy.deepcopy(self.inputs if inputs is None else inputs)
        if not np.isfinite(subject.forward(*inputs)).all():
            return None
        for gradient in getattr(subject, "grads", {}).values():
            gradient.fill(np.nan)  # what is not overwritten shows
        dy = copy.deepcopy(self.dy)
        if change is None:
            dx = subject.backward(dy)
        else:
            target, changed = change
            with in_force(target, changed, type(subject)):
                dx = subject.backward(dy)
        found: dict[str, Any] = {"dx": dx, "dy": dy}
        for kind in ("grads", "params"):
            found |= {f"{kind} {name}": a for name, a in getattr(subject, kind, {}).items()}
        # What belongs to the caller is part of the outcome: it must not change.
        found |= {f"input {i}": array for i, array in enumerate(inputs)}
        return {name: np.array(array) for name, array in found.items()}


class Judge:
    """Compares changed functions with the right ones, on specimens drawn once.

    Parameters
    ----------
    seed
        What the specimens are drawn with.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._specimens: dict[tuple[str, str], list[Specimen]] = {}

    def compare(self, target: Target, changed: types.FunctionType) -> str:
        """Say whether a changed function computes other gradients.

        Returns
        -------
        str
            ``DIFFERENT``; ``EQUIVALENT``; ``ANOTHER_SLOPE`` where it differs at kinks only, and
            permissibly; ``RAISES`` where it never gets to the end.
        """
        finished, another_slope = 0, False
        with use_backend(target.backend), np.errstate(all="ignore"):
            specimens = [s for kind in target.kinds for s in self._of(kind, target.backend)]
            raised = 0
            for specimen in specimens:
                try:
                    found = specimen.gradients(change=(target, changed))
                except Exception:
                    raised += 1
                    if finished:
                        return DIFFERENT
                    continue
                finished += 1
                if raised or found is None:
                    return DIFFERENT
                if _same(found, specimen.right, specimen.tolerance):
                    continue
                if specimen.values != "ties" or not _between(found, specimen):
                    return DIFFERENT
                another_slope = True
        if not finished:
            return RAISES
        return ANOTHER_SLOPE if another_slope else EQUIVALENT

    def _of(self, kind: str, backend: str) -> list[Specimen]:
        """Return the specimens of one kind of layer or loss, drawn when first asked for."""
        if (kind, backend) not in self._specimens:
            rng = np.random.default_rng([self.seed, *kind.encode()])
            drawn = [_draw(kind, values, rng) for values, n in VALUES.items() for _ in range(n)]
            self._specimens[kind, backend] = [s for s in drawn if s is not None]
        return self._specimens[kind, backend]


def _draw(kind: str, values: str, rng: np.random.Generator) -> Specimen | None:
    """Draw one specimen; None where the loss is not finite."""
    subject: Any = None
    inputs: tuple[Any, ...] = ()
    shape: tuple[int, ...] = ()
    while subject is None:
        shape = tuple(int(n) for n in rng.integers(1, 6, 4))
        if kind in LOSS_NAMES:
            shape = shape[: int(rng.choice([2, 2, 4]))]
            drawn = random_loss(kind, shape, rng)
            if drawn is not None:
                subject, inputs = drawn[0], (drawn[1],)
        else:
            if rng.integers(2) and kind not in ("Residual", "Sequential"):
                shape = shape[: int(rng.integers(2, 4))]
            subject = random_layer(kind, shape, rng)
            if subject is not None and rng.integers(3) == 0:
                subject.eval()
    x = rng.normal(size=shape)
    if values == "large":
        x = 200 * x
    if values == "ties":
        x = rng.integers(-1, 3, shape).astype(np.float64)
        if kind == "HuberLoss":
            subject.delta, inputs = 1.0, (rng.integers(-1, 3, shape).astype(np.float64),)
    if values == "single":
        x = x.astype(np.float32)
        if hasattr(subject, "astype"):
            subject.astype(np.float32)
    y = np.asarray(copy.deepcopy(subject).forward(x, *inputs))
    dy = rng.normal(size=y.shape).astype(x.dtype) if y.ndim else float(rng.normal())
    specimen = Specimen(subject, (x, *inputs), dy, values, {}, {}, {})
    right = specimen.gradients()
    if right is None:
        return None
    specimen.right = right
    if values == "ties":
        _look_around(specimen, rng)
    return specimen


def _look_around(specimen: Specimen, rng: np.random.Generator) -> None:
    """Note between which bounds each entry of the gradients lies at points close by."""
    x, *rest = specimen.inputs
    around = [specimen.right]
    for _ in range(NEIGHBOURS):
        moved = (x + NEAR * rng.normal(size=x.shape), *rest)
        found = specimen.gradients(moved)
        if found is not None:
            around.append(found)
    for name in specimen.right:
        stack = np.stack([found[name] for found in around])
        specimen.lowest[name], specimen.highest[name] = stack.min(axis=0), stack.max(axis=0)


def _same(found: dict[str, NDArray], right: dict[str, NDArray], tolerance: float) -> bool:
    """Whether all arrays agree in shape, dtype and, to rounding, in value."""
    if found.keys() != right.keys():
        return False
    for name, expected in right.items():
        actual = found[name]
        if actual.shape != expected.shape or actual.dtype != expected.dtype:
            return False
        size = float(np.abs(expected).max(initial=0.0))
        if not np.allclose(actual, expected, rtol=0, atol=tolerance * size, equal_nan=True):
            return False
    return True


def _between(found: dict[str, NDArray], specimen: Specimen) -> bool:
    """Whether each gradient lies among those of the points close by."""
    for name, low in specimen.lowest.items():
        actual, high = found[name], specimen.highest[name]
        if actual.shape != low.shape or actual.dtype != specimen.right[name].dtype:
            return False
        slack = 1e-4 * max(1.0, float(np.abs(high).max(initial=0.0)))
        if not ((actual >= low - slack) & (actual <= high + slack)).all():
            return False
    return True
