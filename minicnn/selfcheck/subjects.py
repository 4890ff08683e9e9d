"""What there is to check in this library: one list for the tests and for the tools here.

Shapes are small and odd. Sizes that differ from each other, strides that do not divide, windows
that overlap and weights that are not 1 are what tells a right gradient from one that only looks
right; nothing is left out that an option can change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn import layers as m
from minicnn import losses, penalties, zoo
from minicnn.layers import Layer
from minicnn.losses import Loss
from minicnn.model import Residual, Sequential

RNG = np.random.default_rng


@dataclass(frozen=True)
class LayerCase:
    """A layer with its options, and the shape of an input.

    Parameters
    ----------
    make
        Builds it, in float32, always alike.
    shape
        Of x, batch included.
    values
        ``"normal"``: all different. ``"wide"``: several times as large. ``"ties"``: few
        integers, so that maxima tie and zeros stand at the kink of ReLU.
    """

    make: Callable[[], Layer]
    shape: tuple[int, ...]
    values: str = "normal"

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw an input."""
        if self.values == "ties":
            return rng.integers(-1, 3, self.shape).astype(np.float64)
        return rng.normal(scale=3.0 if self.values == "wide" else 1.0, size=self.shape)

    @property
    def modes(self) -> tuple[bool, ...]:
        """The values of ``training`` under which it does different things."""
        depends = (m.BatchNorm2d, m.Dropout)
        if any(isinstance(part, depends) for part in self.make().modules()):
            return (True, False)
        return (True,)


@dataclass(frozen=True)
class LossCase:
    """A loss with its options, and what to give it."""

    make: Callable[[], Loss]
    scores: NDArray[np.float64]
    target: NDArray[Any]


@dataclass(frozen=True)
class FunctionCase:
    """A function ``value, gradient, ... = f(*arrays)``."""

    function: Callable[..., tuple[Any, ...]]
    arrays: tuple[NDArray[np.float64], ...] = field(repr=False)


def shaken(layer: Layer, seed: int = 5) -> Layer:
    """Give a layer parameters and running statistics other than 0 and 1, which hide mistakes."""
    rng = RNG(seed)
    for array in (*layer.params.values(), *layer.buffers.values()):
        array += rng.uniform(0.2, 1.0, array.shape).astype(array.dtype)
    return layer


def small_net() -> Sequential:
    """Return a bit of everything, with a detour."""
    return Sequential(
        m.Conv2d(1, 2, 3, padding=1, bias=False, rng=RNG(1)),
        shaken(m.BatchNorm2d(2)),
        m.LeakyReLU(0.2),
        m.MaxPool2d(2),
        Residual(m.Conv2d(2, 2, 3, padding=1, rng=RNG(2))),
        m.Flatten(),
        m.Dropout(0.3, rng=RNG(3)),
        m.Linear(8, 3, rng=RNG(4)),
    )


def two_paths() -> Residual:
    """Return a block whose shortcut is a convolution too."""
    return Residual(
        m.Conv2d(2, 3, 3, 2, 1, rng=RNG(0)),
        m.Conv2d(2, 3, 1, 2, rng=RNG(1)),
    )


# The part of a name before "-" is the layer's own.
LAYERS: dict[str, LayerCase] = {
    "Conv2d": LayerCase(lambda: m.Conv2d(2, 3, 3, rng=RNG(0)), (2, 2, 5, 4)),
    "Conv2d-geometry": LayerCase(
        lambda: m.Conv2d(4, 6, (2, 3), (2, 1), (1, 2), (1, 2), 2, False, rng=RNG(0)), (2, 4, 5, 6)
    ),
    "Conv2d-depthwise": LayerCase(
        lambda: m.Conv2d(3, 6, 3, 2, 1, groups=3, rng=RNG(0)), (1, 3, 6, 5)
    ),
    "Conv2d-dilated": LayerCase(
        lambda: m.Conv2d(2, 2, (3, 2), (1, 3), (2, 0), (2, 1), rng=RNG(0)), (3, 2, 4, 7)
    ),
    "Conv2d-wide": LayerCase(
        lambda: m.Conv2d(2, 1, (1, 3), padding=(0, 1), rng=RNG(0)), (2, 2, 3, 4)
    ),
    "Conv2d-pointwise": LayerCase(lambda: m.Conv2d(3, 2, 1, (1, 2), rng=RNG(0)), (2, 3, 3, 4)),
    "ConvTranspose2d": LayerCase(lambda: m.ConvTranspose2d(2, 3, 3, rng=RNG(0)), (2, 2, 3, 4)),
    "ConvTranspose2d-geometry": LayerCase(
        lambda: m.ConvTranspose2d(4, 2, (2, 3), 2, 1, 1, 2, True, (2, 1), rng=RNG(0)), (2, 4, 3, 3)
    ),
    "ConvTranspose2d-groups": LayerCase(
        lambda: m.ConvTranspose2d(6, 4, (2, 1), 2, groups=2, rng=RNG(0)), (2, 6, 2, 3)
    ),
    "ConvTranspose2d-no-bias": LayerCase(
        lambda: m.ConvTranspose2d(2, 3, (3, 2), (1, 3), (1, 0), (0, 2), bias=False, rng=RNG(0)),
        (3, 2, 2, 4),
    ),
    "ConvTranspose2d-output-padding": LayerCase(
        lambda: m.ConvTranspose2d(2, 2, 2, 1, 0, 1, dilation=(2, 3), rng=RNG(0)), (2, 2, 2, 3)
    ),
    "MaxPool2d": LayerCase(lambda: m.MaxPool2d(2), (2, 3, 5, 4)),
    "MaxPool2d-overlap": LayerCase(lambda: m.MaxPool2d(3, 2, 1), (2, 2, 6, 5)),
    "MaxPool2d-geometry": LayerCase(lambda: m.MaxPool2d((2, 3), (1, 2), (0, 1)), (2, 2, 4, 6)),
    "MaxPool2d-ties": LayerCase(lambda: m.MaxPool2d(3, 2, 1), (2, 1, 5, 6), "ties"),
    "AvgPool2d": LayerCase(lambda: m.AvgPool2d(2), (2, 3, 4, 5)),
    "AvgPool2d-overlap": LayerCase(lambda: m.AvgPool2d((3, 2), (2, 1), (1, 0)), (2, 2, 6, 5)),
    "AvgPool2d-wide": LayerCase(lambda: m.AvgPool2d((2, 3), (1, 2), (0, 1)), (2, 2, 3, 6)),
    "GlobalAvgPool2d": LayerCase(m.GlobalAvgPool2d, (2, 3, 4, 5)),
    "Linear": LayerCase(lambda: m.Linear(4, 3, rng=RNG(0)), (5, 4)),
    "Linear-square": LayerCase(lambda: m.Linear(3, 3, rng=RNG(0)), (3, 3)),
    "Linear-3d": LayerCase(lambda: m.Linear(4, 2, rng=RNG(0)), (2, 3, 4)),
    "Linear-no-bias-3d": LayerCase(lambda: m.Linear(4, 3, False, rng=RNG(0)), (2, 3, 4)),
    "BatchNorm2d": LayerCase(lambda: shaken(m.BatchNorm2d(3)), (4, 3, 2, 5)),
    "BatchNorm2d-eps": LayerCase(lambda: shaken(m.BatchNorm2d(2, 0.5, 0.3)), (3, 2, 2, 3)),
    "LayerNorm": LayerCase(lambda: shaken(m.LayerNorm((3, 4))), (2, 3, 4)),
    "LayerNorm-last": LayerCase(lambda: shaken(m.LayerNorm(5, 0.3)), (2, 3, 5)),
    "GroupNorm": LayerCase(lambda: shaken(m.GroupNorm(2, 4)), (2, 4, 3, 2)),
    "GroupNorm-eps": LayerCase(lambda: shaken(m.GroupNorm(3, 3, 0.4)), (3, 3, 2, 4)),
    "ReLU": LayerCase(m.ReLU, (3, 4)),
    "ReLU-ties": LayerCase(m.ReLU, (3, 4), "ties"),
    "LeakyReLU": LayerCase(lambda: m.LeakyReLU(0.1), (3, 4)),
    "LeakyReLU-ties": LayerCase(lambda: m.LeakyReLU(0.3), (3, 4), "ties"),
    "Sigmoid": LayerCase(m.Sigmoid, (3, 4)),
    "Tanh": LayerCase(m.Tanh, (3, 4)),
    "GELU": LayerCase(m.GELU, (3, 4)),
    "GELU-wide": LayerCase(m.GELU, (3, 4), "wide"),
    "Softmax": LayerCase(m.Softmax, (3, 4)),
    "Softmax-last": LayerCase(lambda: m.Softmax(-1), (2, 3, 4)),
    "Softmax-middle": LayerCase(lambda: m.Softmax(1), (2, 3, 4)),
    "Softmax-first": LayerCase(lambda: m.Softmax(0), (3, 2, 4)),
    "Dropout": LayerCase(lambda: m.Dropout(0.4, rng=RNG(0)), (5, 6)),
    "Dropout-all": LayerCase(lambda: m.Dropout(1.0, rng=RNG(0)), (2, 3)),
    "Flatten": LayerCase(m.Flatten, (2, 3, 2, 2)),
    "Flatten-some": LayerCase(lambda: m.Flatten(0, 1), (2, 3, 4)),
    "Sequential": LayerCase(small_net, (3, 1, 4, 4)),
    "Sequential-empty": LayerCase(Sequential, (2, 3)),
    "Residual": LayerCase(two_paths, (2, 2, 5, 5)),
    "Residual-identity": LayerCase(lambda: Residual(m.Linear(3, 3, rng=RNG(0))), (2, 3)),
}

SCORES = RNG(0).normal(scale=2, size=(5, 4))
PIXEL_SCORES = RNG(0).normal(scale=2, size=(2, 3, 4, 1))
# Their exponentials overflow, and underflow where the largest of all rows is subtracted.
LARGE_SCORES = RNG(0).normal(scale=2, size=(4, 3)) + np.array([[2000.0], [0.0], [-2000.0], [5.0]])
LARGE_SCORES[3, 1] = -900.0
CLASSES = RNG(1).integers(0, 4, 5)
LABELS = RNG(2).integers(0, 2, (5, 4))
SOFT_LABELS = RNG(2).uniform(size=(5, 4))
WEIGHTS = np.array([1.0, 2.0, 0.5, 3.0])

LOSSES: dict[str, LossCase] = {
    "CrossEntropyLoss": LossCase(losses.CrossEntropyLoss, SCORES, CLASSES),
    "CrossEntropyLoss-weight": LossCase(
        lambda: losses.CrossEntropyLoss(WEIGHTS, label_smoothing=0.1), SCORES, CLASSES
    ),
    "CrossEntropyLoss-light": LossCase(
        lambda: losses.CrossEntropyLoss(WEIGHTS / 20), SCORES, CLASSES
    ),
    "CrossEntropyLoss-ignore": LossCase(
        lambda: losses.CrossEntropyLoss(WEIGHTS, ignore_index=1, label_smoothing=0.3),
        SCORES,
        np.array([0, 1, 3, 2, 0]),
    ),
    "CrossEntropyLoss-one": LossCase(losses.CrossEntropyLoss, SCORES[:1], CLASSES[:1]),
    "CrossEntropyLoss-pixels": LossCase(
        losses.CrossEntropyLoss, PIXEL_SCORES, RNG(3).integers(0, 3, (2, 4, 1))
    ),
    "CrossEntropyLoss-large": LossCase(
        losses.CrossEntropyLoss, LARGE_SCORES, LARGE_SCORES.argmin(axis=1)
    ),
    "BCEWithLogitsLoss": LossCase(losses.BCEWithLogitsLoss, SCORES, LABELS),
    "BCEWithLogitsLoss-pos_weight": LossCase(
        lambda: losses.BCEWithLogitsLoss(pos_weight=WEIGHTS), SCORES, LABELS
    ),
    "BCEWithLogitsLoss-weight": LossCase(
        lambda: losses.BCEWithLogitsLoss(RNG(4).uniform(size=(5, 1)), pos_weight=WEIGHTS),
        SCORES,
        SOFT_LABELS,
    ),
    "MSELoss": LossCase(losses.MSELoss, SCORES, LABELS),
    "HuberLoss": LossCase(lambda: losses.HuberLoss(0.7), SCORES, LABELS),
    "HuberLoss-wide": LossCase(lambda: losses.HuberLoss(2.5), SCORES, SOFT_LABELS),
}


def penalty_function(penalty: penalties.ElasticNet) -> Callable[..., tuple[Any, ...]]:
    """Write a penalty as one function of a weight that it acts on and a bias that it does not."""

    def penalised(weight: NDArray, bias: NDArray) -> tuple[float, NDArray, NDArray]:
        params = {"0.weight": weight, "0.bias": bias}
        grads = {name: np.zeros_like(a) for name, a in params.items()}
        penalty.add_gradient(params, grads)
        return penalty.value(params), grads["0.weight"], grads["0.bias"]

    penalised.__name__ = repr(penalty)
    return penalised


_ARRAYS = RNG(0).normal(size=(3, 4)), RNG(1).normal(size=3)

PENALTIES: dict[str, FunctionCase] = {
    "L1": FunctionCase(penalty_function(penalties.L1(0.3)), _ARRAYS),
    "L2": FunctionCase(penalty_function(penalties.L2(0.3)), _ARRAYS),
    "ElasticNet": FunctionCase(penalty_function(penalties.ElasticNet(0.2, 0.5)), _ARRAYS),
}


def small_model(name: str) -> LayerCase:
    """Return a network of the zoo as small as its poolings allow."""
    return LayerCase(
        lambda: zoo.MODELS[name]((1, 8, 8), 3, width=0.25, rng=RNG(0)),
        (3, 1, 8, 8),
    )


MODELS: dict[str, LayerCase] = {name: small_model(name) for name in zoo.MODELS}
