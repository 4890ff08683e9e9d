"""Normalization, whose backward has three terms and a choice of axes, each easily lost.

With g = dy gamma, xhat = (x - mean) / sigma, and means over the axes that forward normalizes,

    dx = (g - mean(g) - xhat mean(g xhat)) / sigma

(Ioffe and Szegedy 2015). If the numeric gradient is that for some axes and eps, forward is a
normalization, and the analytic one is compared with the same formula a term short or over other
axes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minicnn.checking.diagnosis.evidence import Suspect
from minicnn.checking.diagnosis.words import axes_listed, subsets
from minicnn.checking.report import Finding

EPSILONS = (1e-5, 1e-8, 1e-6, 1e-3, 1e-7, 1e-12, 1e-4, 0.0)
FEWEST = 3


def another_normalization(s: Suspect) -> Finding | None:
    """The gradient of a normalization without a term, or with sums over other axes."""
    x = s.variable.value
    shapes = s.evidence.output_shapes
    if s.variable.kind != "input" or not s.complete or shapes != [x.shape] or x.ndim < 2:
        return None
    for axes, eps, scale in _settings(s, x):
        g = s.v.reshape(s.analytic.shape) * scale
        if not _like(s, _gradient(x, g, axes, eps), s.numeric):
            continue
        for slug, words, candidate in _mistakes(x, g, axes, eps):
            if s.explained_by(candidate):
                return Finding(
                    slug, f"{s.gradient_name} {words}", s.name, {"axes": list(axes), "eps": eps}
                )
        return None
    return None


def another_softmax(s: Suspect) -> Finding | None:
    """The gradient of a softmax, or of its logarithm, with the sum over another axis."""
    x = s.variable.value
    if s.variable.kind != "input" or s.evidence.output_shapes != [x.shape] or not s.complete:
        return None
    y, v = s.evidence.subject.base_call.flat.reshape(x.shape), s.v.reshape(s.analytic.shape)
    if np.abs(y).max() > 700:
        return None
    for axis in range(x.ndim):
        total = (v * y).sum(axis=axis + 1, keepdims=True)
        log_total = v.sum(axis=axis + 1, keepdims=True)
        for candidate in (y * (v - total), v - np.exp(y) * log_total):
            if s.explained_by(candidate):
                return Finding(
                    "wrong-axis",
                    f"{s.gradient_name} sums over axis {axis}; the softmax in forward goes over "
                    "another one",
                    s.name,
                    {"axis": axis},
                )
    return None


def _settings(
    s: Suspect, x: NDArray
) -> Iterator[tuple[tuple[int, ...], float, NDArray[np.float64]]]:
    scales = [np.ones((1,) * x.ndim)]
    for v in s.evidence.subject.variables:
        if v.name == s.name:
            continue
        for axis in range(x.ndim):
            if v.value.shape == (x.shape[axis],):
                scales.append(v.value.reshape([-1 if i == axis else 1 for i in range(x.ndim)]))
        if v.value.size > 1 and v.value.shape == x.shape[-v.value.ndim :]:
            scales.append(v.value)
    for axes in subsets(range(x.ndim)):
        if int(np.prod([x.shape[a] for a in axes])) < FEWEST:
            continue
        for scale, eps in itertools.product(scales, EPSILONS):
            yield axes, eps, scale


def _gradient(
    x: NDArray,
    g: NDArray,
    axes: tuple[int, ...],
    eps: float,
    mean_axes: tuple[int, ...] | None = None,
    variance_axes: tuple[int, ...] | None = None,
    mean: bool = True,
    variance: bool = True,
) -> NDArray[np.float64]:
    """(K, ...) the formula; the two means may be left out or go over other axes."""
    sigma = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    xhat = (x - x.mean(axis=axes, keepdims=True)) / sigma
    over_g = tuple(a + 1 for a in (axes if mean_axes is None else mean_axes))
    over_gx = tuple(a + 1 for a in (axes if variance_axes is None else variance_axes))
    dx = g.copy() if g.shape[1:] == x.shape else np.broadcast_to(g, (len(g), *x.shape)).copy()
    inner = dx.copy()
    if mean:
        dx -= inner.mean(axis=over_g, keepdims=True)
    if variance:
        dx -= xhat * (inner * xhat).mean(axis=over_gx, keepdims=True)
    return dx / sigma


def _mistakes(
    x: NDArray, g: NDArray, axes: tuple[int, ...], eps: float
) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    lost = "lacks what comes back through the "
    yield "missing-term", lost + "mean", _gradient(x, g, axes, eps, mean=False)
    yield "missing-term", lost + "variance", _gradient(x, g, axes, eps, variance=False)
    both = _gradient(x, g, axes, eps, mean=False, variance=False)
    yield "missing-term", lost + "mean and the variance", both
    for other in subsets(range(x.ndim)):
        if other == axes:
            continue
        words = f"takes its means over {axes_listed(other)}; forward normalizes over "
        words += axes_listed(axes)
        yield "wrong-axis", words, _gradient(x, g, axes, eps, other, other)
        yield "wrong-axis", words, _gradient(x, g, other, eps)
        yield "wrong-axis", words, _gradient(x, g, axes, eps, mean_axes=other)
        yield "wrong-axis", words, _gradient(x, g, axes, eps, variance_axes=other)


def _like(s: Suspect, formula: NDArray, numeric: NDArray) -> bool:
    size = float(np.linalg.norm(numeric))
    noise = 10 * float(np.linalg.norm(s.error))
    return float(np.linalg.norm(formula - numeric)) <= 1e-6 * size + noise
