"""Nobody is timed before the numbers were compared.

With dropout every library draws masks of its own, so networks that have it are compared with
its probability at 0, and at its usual value only roughly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.work import Work
from minicnn import BatchNorm2d, Conv2d, Sequential
from minicnn.layers.base import Layer

STEPS = 10  # of those that can say their weights
SLOW_STEPS = 3  # of the others
ROUGHLY = 0.25  # losses with masks of their own, relative
SCORES = 1e-3  # of the largest


@dataclass(frozen=True)
class Tolerance:
    """How far two libraries may be apart.

    Attributes
    ----------
    first, losses
        Relative, of the first loss and of the later ones.
    gradients
        Of the norm of each parameter's first gradient.
    moved
        Of the distance that each parameter has moved in all steps.
    """

    first: float
    losses: float
    gradients: float
    moved: float


# In float32 a rounding error sends some activations to the other side of a ReLU, and Adam takes
# full steps where a gradient is nearly nothing: torch in two layouts differs from itself by 1 %
# in the gradients of `resnet`, and by 15 % in the steps of its smallest parameters.
SINGLE = Tolerance(first=1e-4, losses=5e-3, gradients=0.05, moved=0.3)
# In float64 nothing of that happens in ten steps, and agreement means the same function.
DOUBLE = Tolerance(first=1e-9, losses=1e-7, gradients=1e-7, moved=1e-5)


def check_training(work: Work, steps: dict[str, Any], tolerance: Tolerance | None) -> None:
    """Assert that all contestants compute the same thing as the first one.

    Parameters
    ----------
    steps
        Fresh contestants by name. They are reset afterwards where they can be.
    tolerance
        None where dropout is at work: losses are compared, roughly.

    Raises
    ------
    AssertionError
        If losses, first gradients, or the weights after ten steps disagree.
    """
    reference, *_ = steps
    skip = set(without_gradient(work.build()))
    seen = {name: follow(step) for name, step in steps.items()}
    for name, found in seen.items():
        where, right = f"{work}: {name} against {reference}", seen[reference]
        compare_losses(where, found["losses"], right["losses"], tolerance)
        if tolerance is not None:
            for what, limit in (("gradients", tolerance.gradients), ("moved", tolerance.moved)):
                if found[what] is not None and right[what] is not None:
                    compare_arrays(f"{where}, {what}", found[what], right[what], limit, skip)


def follow(step: Any) -> dict[str, Any]:
    """Run a few steps; return losses, first gradients, and how far the weights moved."""
    told = hasattr(step, "weights")
    before = step.weights() if told else {}
    losses = [step()]
    gradients = step.gradients() if hasattr(step, "gradients") else None
    losses += [step() for _ in range((STEPS if told else SLOW_STEPS) - 1)]
    moved = {k: a - before[k] for k, a in step.weights().items()} if told else None
    if hasattr(step, "reset"):
        step.reset()
    return {"losses": losses, "gradients": gradients, "moved": moved}


def compare_losses(
    where: str, found: list[float], expected: list[float], tolerance: Tolerance | None
) -> None:
    n = min(len(found), len(expected))
    limits = np.full(n, ROUGHLY if tolerance is None else tolerance.losses)
    if tolerance is not None:
        limits[0] = tolerance.first
    off = np.abs(np.subtract(found[:n], expected[:n])) / np.abs(expected[:n])
    # Written so that NaN fails.
    if not np.all(off <= limits):
        raise AssertionError(f"{where}: losses {found[:n]}; expected {expected[:n]}")


def compare_arrays(
    where: str,
    found: dict[str, NDArray],
    expected: dict[str, NDArray],
    limit: float,
    skip: set[str],
) -> None:
    """Compare by norms, parameter by parameter.

    Parameters
    ----------
    skip
        Parameters not to compare.
    """
    assert found.keys() == expected.keys(), f"{where}: {found.keys() ^ expected.keys()}"
    for name, right in expected.items():
        if name in skip:
            continue
        off = np.linalg.norm(found[name] - right) / max(np.linalg.norm(right), 1e-12)
        if not off <= limit:
            raise AssertionError(f"{where}: {name} is off by {off:.2%} of its norm")


def without_gradient(model: Layer, path: str = "") -> Iterator[str]:
    """Yield the biases in front of a batch norm.

    It takes the mean away again, so that their gradient is nothing but rounding error, which
    Adam blows up to full steps: there is nothing to compare.
    """
    children = list(model.children())
    for name, child in children:
        yield from without_gradient(child, f"{path}{name}.")
    if isinstance(model, Sequential):
        for (name, first), (_, second) in itertools.pairwise(children):
            if isinstance(first, Conv2d) and isinstance(second, BatchNorm2d):
                yield f"{path}{name}.bias"


def check_scores(work: Work, outputs: dict[str, Any], expected: NDArray) -> None:
    """Assert that all outputs are the expected scores (N, K)."""
    for name, output in outputs.items():
        off = np.abs(np.asarray(output) - expected).max() / np.abs(expected).max()
        if not (np.shape(output) == expected.shape and off <= SCORES):
            raise AssertionError(f"{work}: the scores of {name} are off by {off:.2e}")
