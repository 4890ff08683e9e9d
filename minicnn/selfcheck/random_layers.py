"""Small random layers, rows of layers, and losses, out of the whole vocabulary of this library.

Everything is drawn from a generator and made in float64. What is drawn always fits together:
a layer that cannot take the shape at hand is drawn again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn import layers as m
from minicnn import losses
from minicnn.errors import MinicnnError
from minicnn.layers import Layer
from minicnn.losses import Loss
from minicnn.model import Residual, Sequential

Rng = np.random.Generator
Shape = tuple[int, ...]

TRIES = 30
LARGEST_OUTPUT = 400
# Statistics over two or three values leave a gradient that is all but zero.
FEWEST_VALUES = 6


def _pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    """Draw two integers, both bounds included."""
    return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))


def _conv2d(shape: Shape, rng: Rng, out_channels: int | None = None) -> Layer:
    channels = shape[1]
    groups = int(rng.choice([g for g in (1, 1, 2, 3) if channels % g == 0]))
    if out_channels is None:
        out_channels = groups * int(rng.integers(1, 3))
    elif out_channels % groups:
        groups = 1
    kernel, stride = _pair(rng, 1, 3), _pair(rng, 1, 2)
    padding, dilation = _pair(rng, 0, 2), _pair(rng, 1, 2)
    bias = bool(rng.integers(2))
    return m.Conv2d(
        channels, out_channels, kernel, stride, padding, dilation, groups, bias, rng=rng
    )


def _conv_transpose2d(shape: Shape, rng: Rng) -> Layer:
    channels = shape[1]
    groups = int(rng.choice([g for g in (1, 1, 2, 3) if channels % g == 0]))
    stride, dilation = _pair(rng, 1, 2), _pair(rng, 1, 2)
    room = [int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)]
    return m.ConvTranspose2d(
        channels,
        groups * int(rng.integers(1, 3)),
        _pair(rng, 1, 3),
        stride,
        _pair(rng, 0, 1),
        room,
        groups,
        bool(rng.integers(2)),
        dilation,
        rng=rng,
    )


def _pool(kind: Callable[..., Layer]) -> Callable[[Shape, Rng], Layer]:
    def draw(shape: Shape, rng: Rng) -> Layer:
        kernel = _pair(rng, 1, 3)
        stride = None if rng.integers(2) else _pair(rng, 1, 3)
        return kind(kernel, stride, tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel))

    return draw


def _linear(shape: Shape, rng: Rng) -> Layer:
    return m.Linear(shape[-1], int(rng.integers(1, 6)), bool(rng.integers(2)), rng=rng)


def _eps(rng: Rng) -> float:
    return float(rng.choice([1e-5, 1e-3, 0.3]))


def _batch_norm(shape: Shape, rng: Rng) -> Layer | None:
    if math.prod(shape) // shape[1] < FEWEST_VALUES:
        return None
    return m.BatchNorm2d(shape[1], _eps(rng), float(rng.uniform(0.1, 0.9)))


def _layer_norm(shape: Shape, rng: Rng) -> Layer | None:
    axes = int(rng.integers(1, len(shape)))
    if math.prod(shape[-axes:]) < FEWEST_VALUES:
        return None
    return m.LayerNorm(shape[-axes:], _eps(rng))


def _group_norm(shape: Shape, rng: Rng) -> Layer | None:
    groups = int(rng.choice([g for g in (1, 2, 3, 4) if shape[1] % g == 0]))
    if math.prod(shape[1:]) // groups < FEWEST_VALUES:
        return None
    return m.GroupNorm(groups, shape[1], _eps(rng))


def _flatten(shape: Shape, rng: Rng) -> Layer:
    start = int(rng.integers(0, len(shape)))
    return m.Flatten(start, int(rng.integers(start, len(shape))))


def _dropout(shape: Shape, rng: Rng) -> Layer:
    p = rng.choice([0.0, 1.0]) if rng.integers(6) == 0 else rng.uniform(0.1, 0.6)
    return m.Dropout(float(p), rng=rng.spawn(1)[0])


# Layers that need images (N, C, H, W), and layers that take any shape of two axes or more.
IMAGE_LAYERS: dict[str, Callable[[Shape, Rng], Layer | None]] = {
    "Conv2d": _conv2d,
    "ConvTranspose2d": _conv_transpose2d,
    "MaxPool2d": _pool(m.MaxPool2d),
    "AvgPool2d": _pool(m.AvgPool2d),
    "GlobalAvgPool2d": lambda shape, rng: m.GlobalAvgPool2d(),
    "BatchNorm2d": _batch_norm,
    "GroupNorm": _group_norm,
}
ANY_LAYERS: dict[str, Callable[[Shape, Rng], Layer | None]] = {
    "Linear": _linear,
    "LayerNorm": _layer_norm,
    "ReLU": lambda shape, rng: m.ReLU(),
    "LeakyReLU": lambda shape, rng: m.LeakyReLU(float(rng.uniform(0.01, 0.5))),
    "Sigmoid": lambda shape, rng: m.Sigmoid(),
    "Tanh": lambda shape, rng: m.Tanh(),
    "GELU": lambda shape, rng: m.GELU(),
    "Softmax": lambda shape, rng: m.Softmax(int(rng.integers(-len(shape), len(shape)))),
    "Dropout": _dropout,
    "Flatten": _flatten,
}
CONTAINERS = ("Residual", "Sequential")
LIKELY = {"Conv2d": 3.0, "Residual": 3.0, "GlobalAvgPool2d": 0.4, "Flatten": 0.4, "Linear": 0.6}
VOCABULARY = (*IMAGE_LAYERS, *ANY_LAYERS, *CONTAINERS)


def random_layer(name: str, shape: Shape, rng: Rng) -> Layer | None:
    """Draw a layer of one kind that takes an input of this shape.

    Parameters
    ----------
    name
        One of ``VOCABULARY``.
    shape
        Of x, batch included.
    rng
        What everything is drawn from.

    Returns
    -------
    Layer or None
        In float64 and in training mode; None where no layer of the kind takes the shape.
    """
    if name in IMAGE_LAYERS and len(shape) != 4:
        return None
    for _ in range(TRIES):
        try:
            layer = _draw(name, shape, rng)
            if layer is None:
                return None
            out = layer.output_shape(shape)
        except MinicnnError:
            continue
        if len(out) >= 2 and 0 < math.prod(out) <= LARGEST_OUTPUT:
            return shake(layer.astype(np.float64), rng)
    return None


def _draw(name: str, shape: Shape, rng: Rng) -> Layer | None:
    if name == "Sequential":
        return random_row(shape, rng, int(rng.integers(0, 3)))
    if name == "Residual":
        return _residual(shape, rng)
    return (IMAGE_LAYERS.get(name) or ANY_LAYERS[name])(shape, rng)


def _residual(shape: Shape, rng: Rng) -> Layer | None:
    main = random_row(shape, rng, int(rng.integers(1, 3)))
    out = main.output_shape(shape)
    if out == shape:
        plain = random_layer(str(rng.choice(["Sigmoid", "Tanh", "LeakyReLU"])), shape, rng)
        return Residual(main, plain if rng.integers(2) else None)
    if len(shape) == len(out) == 4:
        for _ in range(TRIES):
            shortcut = _conv2d(shape, rng, out[1])
            try:
                return Residual(main, shortcut) if shortcut.output_shape(shape) == out else None
            except MinicnnError:
                continue
    return Residual(main, m.Linear(shape[-1], out[-1], rng=rng)) if out[:-1] == shape[:-1] else None


def random_row(shape: Shape, rng: Rng, length: int, containers: bool = False) -> Sequential:
    """Draw ``length`` layers that fit one behind the other."""
    kinds = [name for name in VOCABULARY if containers or name not in CONTAINERS]
    # A network that lost its images early would have little to show of the layers for them.
    weights = np.array([LIKELY.get(name, 1.0) for name in kinds])
    row: list[Layer] = []
    while len(row) < length:
        layer = random_layer(str(rng.choice(kinds, p=weights / weights.sum())), shape, rng)
        if layer is not None:
            row.append(layer)
            shape = layer.output_shape(shape)
    return Sequential(*row)


def shake(layer: Layer, rng: Rng) -> Layer:
    """Move parameters and running statistics away from 0 and 1, which hide mistakes."""
    for part in layer.modules():
        if isinstance(part, m.BatchNorm2d | m.LayerNorm | m.GroupNorm):
            for array in (*part.params.values(), *part.buffers.values()):
                array += rng.uniform(0.1, 0.8, array.shape)
    return layer


def random_loss(name: str, shape: Shape, rng: Rng) -> tuple[Loss, NDArray[Any]] | None:
    """Draw a loss of one kind and a target for scores of this shape; None if none fits."""
    classes = shape[1]
    if name == "CrossEntropyLoss":
        if classes < 2:
            return None
        smoothing = float(rng.choice([0.0, 0.2]))
        weight = rng.uniform(0.5, 2, classes) if rng.integers(2) else None
        target = rng.integers(0, classes, (shape[0], *shape[2:]))
        if rng.integers(2):
            target.flat[0] = -100  # the index that is left out
            target.flat[-1] = 0
        return losses.CrossEntropyLoss(weight, label_smoothing=smoothing), target
    if name == "BCEWithLogitsLoss":
        weight = rng.uniform(0.5, 2, shape[-1]) if rng.integers(2) else None
        pos_weight = rng.uniform(0.5, 2, shape[-1]) if rng.integers(2) else None
        return losses.BCEWithLogitsLoss(weight, pos_weight=pos_weight), rng.uniform(size=shape)
    if name == "MSELoss":
        return losses.MSELoss(), _real_target(shape, rng)
    return losses.HuberLoss(float(rng.uniform(0.3, 1.5))), _real_target(shape, rng)


def _real_target(shape: Shape, rng: Rng) -> NDArray[Any]:
    """Draw floats, or sometimes integers, which a loss must take as well."""
    return rng.integers(-2, 3, shape) if rng.integers(3) == 0 else rng.normal(size=shape)


LOSS_NAMES = ("CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss", "HuberLoss")
