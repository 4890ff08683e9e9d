"""The names of mistakes: what a diagnosis can be, each with what it means.

A report lists them best first. The names are stable: autograders may rely on them.
"""

from __future__ import annotations

MEANING = {
    "zero": "the gradient is zero everywhere, and should not be",
    "sign": "the gradient has the wrong sign",
    "scale": "the gradient is the true one times a factor",
    "transposed": "two axes are exchanged: in the gradient, or in an array it is made from",
    "flipped": "the order along an axis is reversed: a kernel is turned around, or is not",
    "shifted": "the gradient is moved along an axis",
    "swapped": "two channels, two samples or two gradients stand in each other's place",
    "wrong-axis": "a sum, a mean or a maximum goes over the wrong axis",
    "overlap": "where several outputs use one input, their contributions are not added up",
    "border": "right inside, wrong at an edge, a corner or in the padding",
    "partial-batch": "only some samples of the batch contribute",
    "missing-term": "one of the paths from input to output has been forgotten",
    "ignores-dy": "the gradient does not depend on dy, or only on a part of it",
    "mask": "the gradient passes where it should stop, or stops where it should pass",
    "subgradient": "at a kink the gradient lies outside the slopes on its two sides",
    "shape": "a gradient is missing or has the wrong shape",
    "dtype": "a gradient has another dtype than its array, or too few digits",
    "mutates": "the code changes an array that belongs to its caller",
    "alias": "an array that was returned shares memory with another, or is overwritten later",
    "stale-cache": "backward uses what an earlier forward left behind",
    "accumulates": "gradients are added to those of an earlier call instead of replacing them",
    "nondeterministic": "the same call gives different results",
    "nonlinear-in-dy": "backward is not linear in dy; the derivative of anything is",
    "error": "the code raised an exception, or returned NaN or infinity",
    "other": "wrong, but not in a way that has a name here",
}
SLUGS = tuple(MEANING)
