"""Large arrays: one wrong entry of ten thousand is found, and where it is is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.checking import gradcheck
from tests.checking.functions import (
    AFFINE,
    SIN,
    TANH,
    cross_entropy,
    normalization,
    softmax,
    spoilt,
    swap,
    times,
)
from tests.checking.plain import Array, normal

HERE, BESIDE = (30, 30), (30, 31)
SEEDS = range(4)


def squares_but_one(p: Array, t: Array) -> tuple[float, Array]:
    e = p - t
    g = 2 * e / e.size
    g[HERE] = 0
    return float((e * e).mean()), g


def cross_entropy_swapped(scores: Array, labels: Array) -> tuple[float, Array]:
    loss, d = cross_entropy(scores, labels)
    swap(HERE, BESIDE)(d)
    return loss, d


def integers(*shape: int, below: int = 10) -> Array:
    return np.random.default_rng(3).integers(0, below, shape)


LAYER_NORM = normalization()
ROWS = normal(64, 200), normal(200, seed=1)
WIDE = normal(4, 16), normal(16, 256, seed=1), normal(256, seed=2)
LINEAR = normal(8, 64), normal(64, 128, seed=1), normal(128, seed=2)
WRONG: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "squared error, an entry zero": (squares_but_one, (normal(80, 80), integers(80, 80))),
    "sin, an entry doubled": (spoilt(SIN, times(2, *HERE)), (normal(100, 100),)),
    "sin, an entry times 1.01": (spoilt(SIN, times(1.01, *HERE)), (normal(100, 100),)),
    "sin, an entry zero": (spoilt(SIN, times(0, *HERE)), (normal(100, 100),)),
    "tanh, an entry zero": (spoilt(TANH, times(0, *HERE)), (normal(64, 200),)),
    "layer norm, an entry times 1.5": (spoilt(LAYER_NORM, times(1.5, *HERE)), ROWS),
    "layer norm, neighbours swapped": (spoilt(LAYER_NORM, swap(HERE, BESIDE)), ROWS),
    "layer norm, a row times 1.01": (spoilt(LAYER_NORM, times(1.01, 17)), ROWS),
    "layer norm, weights swapped": (spoilt(LAYER_NORM, swap(30, 31), which=1), ROWS),
    "softmax, neighbours swapped": (spoilt(softmax(), swap(HERE, BESIDE)), (normal(100, 100),)),
    "cross-entropy, neighbours swapped": (
        cross_entropy_swapped,
        (normal(128, 80), integers(128, below=80)),
    ),
    "bias, two swapped": (spoilt(AFFINE, swap(30, 200), which=2), WIDE),
    "weight, two swapped": (spoilt(AFFINE, swap(HERE, (40, 77)), which=1), LINEAR),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_entry_of_thousands_is_found(name: str, seed: int) -> None:
    target, inputs = WRONG[name]
    report = gradcheck(target, *inputs, seed=seed)
    assert report.verdict == "FAIL", report
