"""Random networks of the kind that is fused, drawn from one number each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minicnn as m
from minicnn.errors import MinicnnError

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 31, 32, 33, 40)
SLOPES = (0.0, 0.01, 1.0, 1.5, -0.3)
LARGEST = 30_000  # numbers in an image between two layers
Rng = np.random.Generator


@dataclass
class Drawn:
    """A network in float64, and its input."""

    model: m.Sequential
    x: NDArray[np.float64]


def _pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    a, b = rng.integers(low, high + 1, 2)
    return int(a), int(b)


def _conv(rng: Rng, channels: int) -> m.Conv2d:
    kernel = (1, 3) if rng.random() < 0.1 else _pair(rng, 1, 5)
    outputs, groups = int(rng.choice(CHANNELS)), 1
    if rng.random() < 0.15:
        groups = int(rng.choice([g for g in range(1, channels + 1) if channels % g == 0]))
        outputs = groups * int(rng.integers(1, 3))
    return m.Conv2d(
        channels, outputs, kernel, _pair(rng, 1, 3) if rng.random() < 0.4 else 1,
        _pair(rng, 0, 3), _pair(rng, 1, 2), groups, bool(rng.integers(2)), rng=rng,
    )  # fmt: skip


def _activation(rng: Rng) -> list[m.Layer]:
    kind = rng.random()
    if kind < 0.35:
        return [m.ReLU()]
    if kind < 0.75:
        return [m.LeakyReLU(float(rng.choice(SLOPES)))]
    return [m.Sigmoid()] if kind < 0.85 else []


def _pool(rng: Rng) -> list[m.Layer]:
    kind = rng.random()
    if kind < 0.4:
        return []
    kernel = _pair(rng, 1, 3)
    stride = None if rng.integers(2) else _pair(rng, 1, 4)
    padding = (int(rng.integers(0, kernel[0] // 2 + 1)), int(rng.integers(0, kernel[1] // 2 + 1)))
    return [(m.MaxPool2d if kind < 0.85 else m.AvgPool2d)(kernel, stride, padding)]


def _unit(rng: Rng, channels: int) -> list[m.Layer]:
    conv = _conv(rng, channels)
    norm = [m.BatchNorm2d(conv.out_channels)] if rng.integers(2) else []
    drop = [m.Dropout(0.3, rng=rng.spawn(1)[0])] if rng.random() < 0.1 else []
    row = [conv, *norm, *_activation(rng), *_pool(rng), *drop]
    return [m.Sequential(*row)] if rng.random() < 0.2 else row


def _path(rng: Rng, channels: int, outputs: int, length: int) -> list[m.Layer]:
    """Draw convolutions that keep the size."""
    row: list[m.Layer] = []
    for _ in range(length):
        kernel = int(rng.choice([1, 3, 5]))
        row.append(m.Conv2d(channels, outputs, kernel, padding=kernel // 2, rng=rng))
        channels = outputs
        if rng.integers(2):
            row.append(m.BatchNorm2d(outputs))
        row += _activation(rng)
    return row


def _residual(rng: Rng, channels: int) -> list[m.Layer]:
    length = int(rng.integers(1, 4))
    if rng.random() < 0.4:
        main = _path(rng, channels, channels, length)
        if rng.random() < 0.3:
            main = [m.Residual(m.Sequential(*main)), *_path(rng, channels, channels, 1)]
        block = m.Residual(m.Sequential(*main))
    else:
        outputs = int(rng.choice(CHANNELS))
        main = _path(rng, channels, outputs, length)
        shortcut = _path(rng, channels, outputs, int(rng.integers(1, 3)))
        if rng.random() < 0.4:
            stride = _pair(rng, 1, 2)
            main.append(m.Conv2d(outputs, outputs, 3, stride, 1, rng=rng))
            shortcut.append(m.Conv2d(outputs, outputs, 1, stride, rng=rng))
        block = m.Residual(m.Sequential(*main), m.Sequential(*shortcut))
    return [block, *_activation(rng), *_pool(rng)]


def _fits(model: m.Sequential, shape: tuple[int, ...]) -> bool:
    try:
        for layer in model:
            shape = layer.output_shape(shape)
            if math.prod(shape[1:]) > LARGEST:
                return False
    except MinicnnError:
        return False
    return math.prod(shape) > 0


def draw(seed: int) -> Drawn:
    """Return the network of a seed, in training mode, its weights far from 0 and 1."""
    rng = np.random.default_rng(seed)
    while True:
        shape = (int(rng.integers(1, 10)), int(rng.choice(CHANNELS)), *_pair(rng, 1, 20))
        row: list[m.Layer] = []
        current: Any = shape
        try:
            for _ in range(int(rng.integers(1, 4))):
                row += (_residual if rng.random() < 0.3 else _unit)(rng, current[1])
                current = m.Sequential(*row).output_shape(shape)
        except MinicnnError:
            continue
        end = rng.random()
        if end < 0.3:
            row += [m.GlobalAvgPool2d(), m.Linear(current[1], 3, rng=rng)]
        elif end < 0.7:
            row += [m.Flatten(), m.Linear(math.prod(current[1:]), 3, rng=rng)]
            row += [m.ReLU()] if rng.random() < 0.3 else []
        elif end < 0.85:
            row.append(m.GlobalAvgPool2d() if rng.integers(2) else m.Flatten())
        model = m.Sequential(*row)
        if _fits(model, shape):
            break
    model.astype(np.float64)
    for array in (*model.params.values(), *model.buffers.values()):
        array += rng.uniform(0.05, 0.3, array.shape)
    return Drawn(model, rng.normal(size=shape))
