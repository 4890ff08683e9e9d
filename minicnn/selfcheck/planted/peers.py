"""The planted cases before other judges: PyTorch's gradcheck, the CS231n rule, SciPy's.

All of them get the case as a function of its float inputs and parameters (`problem`), with
their usual steps and tolerances. A judge says *fail* by saying so or by raising, whatever the
reason. So a wrong case is caught if the judge fails it, and a right one is a false alarm if
the judge fails it. None of them is told what a kink is or that float32 is used inside; a case
without floats to differentiate cannot be put to them.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.selfcheck.planted.case import Case
from minicnn.selfcheck.planted.problem import Problem

Array = NDArray[Any]
PASS, FAIL, NOT_POSSIBLE = "pass", "fail", "not possible"


def torch_slow(problem: Problem, seed: int) -> bool:
    """`torch.autograd.gradcheck` with its defaults: eps 1e-6, atol 1e-5, rtol 1e-3."""
    return _torch(problem, fast=False)


def torch_fast(problem: Problem, seed: int) -> bool:
    """The same with ``fast_mode=True``: one random projection of the Jacobian."""
    return _torch(problem, fast=True)


def cs231n(problem: Problem, seed: int) -> bool:
    """The rule of the course notes.

    Central differences with h = 1e-5 of the sum of y times a random dy, for each entry; the
    largest abs(a - n) / max(1e-8, abs(a) + abs(n)) counts. Up to 1e-7 one is to be happy, above
    1e-2 it is wrong; 1e-4 is "okay" where there are kinks, and is the limit here.
    """
    dy = _random_dy(problem, seed)
    numeric = [_central(problem, number, dy, 1e-5) for number in range(len(problem.arrays))]
    problem.forward([array.copy() for array in problem.arrays])
    errors = [
        np.abs(a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n))
        for a, n in zip(problem.backward(dy), numeric, strict=True)
    ]
    return max(float(error.max(initial=0)) for error in errors) <= 1e-4


def scipy(problem: Problem, seed: int) -> bool:
    """`scipy.optimize.check_grad`: forward differences, eps 1.5e-8, and the 2-norm of the error.

    SciPy leaves the limit to its user; here it is 1e-5, or as much of the gradient's norm.
    """
    check_grad = importlib.import_module("scipy.optimize").check_grad
    dy = _random_dy(problem, seed)
    shapes = [array.shape for array in problem.arrays]
    cuts = np.cumsum([array.size for array in problem.arrays])[:-1]

    def arrays(flat: Array) -> list[Array]:
        parts = zip(np.split(flat, cuts), problem.arrays, shapes, strict=True)
        return [part.reshape(shape).astype(old.dtype) for part, old, shape in parts]

    def value(flat: Array) -> float:
        return float((problem.forward(arrays(flat)) * dy).sum())

    def gradient(flat: Array) -> Array:
        problem.forward(arrays(flat))
        parts = zip(problem.backward(dy), shapes, strict=True)
        return np.concatenate([np.asarray(g, dtype=float).reshape(s).ravel() for g, s in parts])

    start = np.concatenate([np.ravel(array).astype(np.float64) for array in problem.arrays])
    error = check_grad(value, gradient, start)
    return bool(error <= 1e-5 * max(1.0, float(np.linalg.norm(gradient(start)))))


def available() -> dict[str, Callable[[Problem, int], bool]]:
    """Return the judges that can be asked here, by name."""
    judges: dict[str, Callable[[Problem, int], bool]] = {}
    if importlib.util.find_spec("torch"):
        judges |= {"torch": torch_slow, "torch fast": torch_fast}
    judges["CS231n"] = cs231n
    if importlib.util.find_spec("scipy"):
        judges["SciPy"] = scipy
    return judges


def ask(judge: Callable[[Problem, int], bool], case: Case, seed: int = 0) -> str:
    """Return ``"pass"``, ``"fail"`` or ``"not possible"``."""
    from minicnn.checking.memento import global_randomness, restore_global_randomness

    shared = global_randomness()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        np.random.seed(seed)  # noqa: NPY002 - for cases that draw from it, and for torch's own
        try:
            problem = Problem(case)
            if not problem.arrays:
                return NOT_POSSIBLE
            return PASS if judge(problem, seed) else FAIL
        except Exception:
            return FAIL
        finally:
            restore_global_randomness(shared)


def _random_dy(problem: Problem, seed: int) -> Array:
    y = problem.forward([array.copy() for array in problem.arrays])
    return np.asarray(np.random.default_rng(seed).normal(size=y.shape).astype(y.dtype))


def _central(problem: Problem, number: int, dy: Array, h: float) -> Array:
    arrays = [array.copy() for array in problem.arrays]
    x = arrays[number]
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        old = x[index]
        sums = []
        for step in (h, -h):
            x[index] = old + step
            sums.append(float((problem.forward(arrays) * dy).sum()))
        x[index] = old
        gradient[index] = (sums[0] - sums[1]) / (2 * h)
    return gradient


def _torch(problem: Problem, *, fast: bool) -> bool:
    import torch

    class Wrapped(torch.autograd.Function):
        """The NumPy code as a node of PyTorch's graph."""

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            return torch.as_tensor(np.array(problem.forward([t.detach().numpy() for t in tensors])))

        @staticmethod
        def backward(ctx: Any, *dys: Any) -> Any:
            # The code expects its backward right after its forward.
            problem.forward([t.detach().numpy() for t in ctx.saved_tensors])
            grads = problem.backward(dys[0].numpy().copy())
            return tuple(torch.as_tensor(np.array(grad)) for grad in grads)

    tensors = [torch.tensor(array.copy(), requires_grad=True) for array in problem.arrays]
    return bool(torch.autograd.gradcheck(Wrapped.apply, tensors, fast_mode=fast))
