"""Small random layers, losses and networks out of the whole vocabulary of this library.

Everything is drawn from a generator and made in float64. What is drawn always fits together:
a layer that cannot take the shape at hand is drawn again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
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
        return losses.MSELoss(), rng.normal(size=shape)
    return losses.HuberLoss(float(rng.uniform(0.3, 1.5))), rng.normal(size=shape)


LOSS_NAMES = ("CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss", "HuberLoss")


class WithLoss:
    """A model with its loss behind it, as one target: ``forward(x, target)`` is a number.

    Parameters
    ----------
    model, loss
        What is put together.
    """

    def __init__(self, model: Layer, loss: Loss) -> None:
        self.model = model
        self.loss = loss

    @property
    def params(self) -> dict[str, NDArray]:
        """The model's."""
        return self.model.params

    @property
    def grads(self) -> dict[str, NDArray]:
        """The model's."""
        return self.model.grads

    def forward(self, x: NDArray, target: NDArray) -> float:
        """Return the loss of the model's scores."""
        return self.loss.forward(self.model.forward(x), target)

    def backward(self, dy: float = 1.0) -> NDArray:
        """Return dx; the model's gradients are filled."""
        return self.model.backward(self.loss.backward(dy))

    def __repr__(self) -> str:
        return f"{self.model!r} + {self.loss!r}"


@dataclass(frozen=True)
class Network:
    """A random network and what to feed it.

    Parameters
    ----------
    seed
        Repeats it.
    model
        In float64, in training or evaluation mode.
    x
        Its input.
    loss, target
        What follows the model; None where its own output is checked.
    """

    seed: int
    model: Sequential
    x: NDArray[np.float64]
    loss: Loss | None = None
    target: NDArray[Any] | None = None

    @property
    def subject(self) -> tuple[Any, ...]:
        """What `minicnn.gradcheck` takes: the target and its inputs."""
        if self.loss is None:
            return self.model, self.x
        return WithLoss(self.model, self.loss), self.x, self.target

    def describe(self) -> str:
        """Return all that is needed to see what it is."""
        lines = [
            f"seed {self.seed}: x of shape {self.x.shape}, "
            f"{'training' if self.model.training else 'evaluation'}",
            repr(self.model),
        ]
        if self.loss is not None:
            lines.append(f"loss: {self.loss!r}")
        return "\n".join(lines)


def random_network(seed: int, depth: int = 5) -> Network:
    """Draw a network of one to ``depth`` layers, residual blocks among them, and an input.

    Parameters
    ----------
    seed
        The same seed gives the same network.
    depth
        The largest number of layers; a block counts as one.
    """
    rng = np.random.default_rng(seed)
    shape: Shape = (int(rng.integers(2, 4)), int(rng.integers(1, 5)), *_pair(rng, 4, 7))
    model = random_row(shape, rng, int(rng.integers(1, depth + 1)), containers=True)
    if rng.random() < 0.4:
        model.eval()
    x = rng.normal(size=shape)
    drawn = None
    if rng.random() < 0.5:
        drawn = random_loss(str(rng.choice(LOSS_NAMES)), model.output_shape(shape), rng)
    loss, target = drawn or (None, None)
    return Network(seed, model, x, loss, target)
