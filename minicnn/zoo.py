"""Named networks.

Each is a function of the image's shape and the number of scores; `build` finds it by name.
All take any image size from 28 up.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from minicnn.arguments import check_count, check_number
from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
)
from minicnn.model import Residual, Sequential

SMALLEST = 28

ImageShape = tuple[int, int, int]
Rng = np.random.Generator


def lenet(
    input_shape: ImageShape,
    classes: int,
    *,
    width: float = 1.0,
    rng: Rng | None = None,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """Two convolutions with pooling, then two linear layers, after LeCun et al. 1998.

    Parameters
    ----------
    input_shape
        (C, H, W).
    classes
        Number of scores.
    width
        Multiplies the number of channels.
    rng, dtype
        As for every layer.
    """
    channels, rows, columns = input_shape
    rng = _rng(rng)
    a, b, c = _channels(width, 16, 32, 128)
    return Sequential(
        Conv2d(channels, a, 3, padding=1, rng=rng, dtype=dtype),
        ReLU(),
        MaxPool2d(2),
        Conv2d(a, b, 3, padding=1, rng=rng, dtype=dtype),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(b * (rows // 2 // 2) * (columns // 2 // 2), c, rng=rng, dtype=dtype),
        ReLU(),
        Linear(c, classes, rng=rng, dtype=dtype),
    )


def lungnet(
    input_shape: ImageShape,
    classes: int,
    *,
    width: float = 1.0,
    rng: Rng | None = None,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """Five convolutions with batch norm and a global average: a small net for chest X-rays.

    Averaging over the last plane instead of flattening it keeps the number of weights the
    same at any image size.

    Parameters
    ----------
    input_shape
        (C, H, W).
    classes
        Number of scores.
    width
        Multiplies the number of channels.
    rng, dtype
        As for every layer.
    """
    rng = _rng(rng)
    a, b, c = _channels(width, 16, 32, 64)

    def block(inputs: int, outputs: int) -> list[Layer]:
        return [*_conv_norm(inputs, outputs, 3, bias=False, rng=rng, dtype=dtype), ReLU()]

    return Sequential(
        *block(input_shape[0], a),
        MaxPool2d(2),
        *block(a, b),
        *block(b, b),
        MaxPool2d(2),
        *block(b, c),
        *block(c, c),
        GlobalAvgPool2d(),
        Dropout(0.2, rng=rng),
        Linear(c, classes, rng=rng, dtype=dtype),
    )


def vgg(
    input_shape: ImageShape,
    classes: int,
    *,
    width: float = 1.0,
    rng: Rng | None = None,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """Pairs of 3x3 convolutions between poolings, after Simonyan and Zisserman 2014.

    32, 32, pool, 64, 64, pool, 128, global average; batch norm and ReLU after each
    convolution.

    Parameters
    ----------
    input_shape
        (C, H, W).
    classes
        Number of scores.
    width
        Multiplies the number of channels.
    rng, dtype
        As for every layer.
    """
    rng = _rng(rng)
    a, b, c = _channels(width, 32, 64, 128)

    def block(inputs: int, outputs: int) -> list[Layer]:
        return [*_conv_norm(inputs, outputs, 3, rng=rng, dtype=dtype), ReLU()]

    return Sequential(
        *block(input_shape[0], a),
        *block(a, a),
        MaxPool2d(2),
        *block(a, b),
        *block(b, b),
        MaxPool2d(2),
        *block(b, c),
        GlobalAvgPool2d(),
        Linear(c, classes, rng=rng, dtype=dtype),
    )


def resnet(
    input_shape: ImageShape,
    classes: int,
    *,
    width: float = 1.0,
    rng: Rng | None = None,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """Three stages of two residual blocks, 16, 32 and 64 channels wide, after He et al. 2016.

    The first block of the second and third stage halves the image; its shortcut is a 1x1
    convolution, the others are the identity.

    Parameters
    ----------
    input_shape
        (C, H, W).
    classes
        Number of scores.
    width
        Multiplies the number of channels.
    rng, dtype
        As for every layer.
    """
    rng = _rng(rng)
    a, b, c = _channels(width, 16, 32, 64)

    def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[Layer]:
        return _conv_norm(inputs, outputs, kernel, stride, bias=False, rng=rng, dtype=dtype)

    def block(inputs: int, outputs: int, stride: int = 1) -> list[Layer]:
        main = Sequential(*conv(inputs, outputs, 3, stride), ReLU(), *conv(outputs, outputs, 3))
        same = inputs == outputs and stride == 1
        shortcut = None if same else Sequential(*conv(inputs, outputs, 1, stride))
        return [Residual(main, shortcut), ReLU()]

    return Sequential(
        *conv(input_shape[0], a, 3),
        ReLU(),
        *block(a, a),
        *block(a, a),
        *block(a, b, 2),
        *block(b, b),
        *block(b, c, 2),
        *block(c, c),
        GlobalAvgPool2d(),
        Linear(c, classes, rng=rng, dtype=dtype),
    )


MODELS: dict[str, Callable[..., Sequential]] = {
    "lenet": lenet,
    "lungnet": lungnet,
    "vgg": vgg,
    "resnet": resnet,
}


def build(
    name: str,
    *,
    input_shape: ImageShape,
    classes: int,
    width: float = 1.0,
    rng: Rng | None = None,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """Build a network by its name.

    Parameters
    ----------
    name
        One of ``MODELS``.
    input_shape
        (C, H, W), at least 28 pixels high and wide.
    classes
        Number of scores, one per class or label.
    width
        Multiplies the number of channels of every layer, rounded to a multiple of 4 and at
        least 4; the number of weights grows with its square.
    rng, dtype
        As for every layer.

    Raises
    ------
    ArgumentError
        If there is no model of that name, or ``width`` is not above 0.
    ShapeError
        If the images are too small.
    """
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ArgumentError(f"there is no model {name!r}; {hint}known: {', '.join(MODELS)}")
    if len(input_shape) != 3:
        raise ShapeError(f"input_shape is {input_shape}; expected (C, H, W)")
    for size in input_shape:
        check_count("input_shape", size)
    if min(input_shape[1:]) < SMALLEST:
        raise ShapeError(
            f"images are {input_shape[1]}x{input_shape[2]}; the networks here need at least "
            f"{SMALLEST}x{SMALLEST}: enlarge the images first"
        )
    return MODELS[name](
        input_shape,
        check_count("classes", classes),
        width=check_number("width", width, above=0),
        rng=rng,
        dtype=dtype,
    )


def _channels(width: float, *usual: int) -> list[int]:
    # The kernels compute four channels at a time.
    return [max(4, 4 * round(width * channels / 4)) for channels in usual]


def _conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    *,
    bias: bool = True,
    rng: Rng,
    dtype: DTypeLike,
) -> list[Layer]:
    """Return a convolution that keeps the size (at stride 1), and its batch norm.

    The norm subtracts the mean and adds a shift of its own, so a bias before it changes
    nothing; ``vgg`` keeps it only to take the state dicts of the usual VGG with batch norm.
    """
    return [
        Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias, rng=rng, dtype=dtype),
        BatchNorm2d(outputs, dtype=dtype),
    ]


def _rng(rng: Rng | None) -> Rng:
    return np.random.default_rng() if rng is None else rng
