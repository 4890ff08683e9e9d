"""A small problem that trains in a blink: bright or dark squares in noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minicnn.data.dataset import Dataset
from minicnn.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU
from minicnn.model import Sequential


def squares(n: int, seed: int, findings: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    images = rng.integers(60, 160, (n, 1, 8, 8))
    if findings:
        labels = rng.integers(0, 2, (n, findings)).astype(np.uint8)
        for j in range(findings):
            images[labels[:, j] == 1, :, 2 * j : 2 * j + 2, 2:5] += 60
        classes = tuple(f"finding {j}" for j in range(findings))
        return Dataset(images.astype(np.uint8), labels, classes)
    labels = rng.integers(0, 2, n)
    images[labels == 1, :, 2:5, 2:5] += 50
    return Dataset(images.astype(np.uint8), labels, ("dark", "bright"))


@pytest.fixture
def train() -> Dataset:
    return squares(70, 1)


@pytest.fixture
def val() -> Dataset:
    return squares(30, 2)


@pytest.fixture
def findings() -> tuple[Dataset, Dataset]:
    """Training and validation images with three labels each."""
    return squares(120, 1, findings=3), squares(60, 2, findings=3)


@pytest.fixture
def make_model() -> Callable[..., Sequential]:
    """Return a function that builds the same network, with dropout, from a seed."""

    def build(seed: int = 0, classes: int = 2) -> Sequential:
        rng = np.random.default_rng(seed)
        return Sequential(
            Conv2d(1, 4, 3, padding=1, rng=rng),
            BatchNorm2d(4),
            ReLU(),
            MaxPool2d(2),
            Dropout(0.2, rng=rng),
            Flatten(),
            Dropout(0.1, rng=rng),
            Linear(64, classes, rng=rng),
        )

    return build
