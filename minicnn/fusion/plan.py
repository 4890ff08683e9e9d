"""Which layers become one stage.

A convolution takes with it, in this order, what directly follows it: a batch norm, an
activation (ReLU, or a leaky one with a slope from 0 to 1, which leaves the order of two numbers
as it is, so that it may change places with the maximum), and a max-pooling. A residual
block becomes a stage if both its paths consist of such convolutions and the main one ends
without an activation of its own; what follows the sum joins it. Everything else runs as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeVar

from minicnn.fusion.conv_stage import ConvStage
from minicnn.fusion.plain_stage import PlainStage
from minicnn.fusion.residual_stage import ResidualStage
from minicnn.fusion.section import BlockStage, Section
from minicnn.layers import BatchNorm2d, Conv2d, GlobalAvgPool2d, Layer, LeakyReLU, MaxPool2d, ReLU
from minicnn.model import Residual, Sequential

Part = Section | PlainStage
_L = TypeVar("_L", bound=Layer)
WINDOW = 255  # a byte tells which tap of a window won


def make_plan(model: Layer) -> list[Part]:
    """Divide a model into sections of fused stages, and layers as they are."""
    parts: list[Part] = []
    stages: list[BlockStage] = []
    for item in [*_stages(flatten(model)), None]:
        if isinstance(item, ConvStage | ResidualStage):
            stages.append(item)
            continue
        if stages:
            _join(stages)
            parts.append(Section(stages, _average(item)))
            stages = []
            if _average(item) is not None:
                continue
        if item is not None:
            parts.append(item)
    return parts


def _join(stages: Sequence[BlockStage]) -> None:
    """Let each stage leave the margin that the next one reads."""
    for stage, after in itertools.pairwise(stages):
        stage.out_margin = after.in_margin


def _average(item: BlockStage | PlainStage | None) -> GlobalAvgPool2d | None:
    """Return the global average, if that is what a stage is."""
    if isinstance(item, PlainStage) and type(item.layer) is GlobalAvgPool2d:
        return item.layer
    return None


def flatten(model: Layer) -> list[Layer]:
    """Return the layers of nested `Sequential` in a row."""
    if type(model) is not Sequential:
        return [model]
    return [layer for part in model for layer in flatten(part)]


def _stages(layers: Sequence[Layer]) -> list[BlockStage | PlainStage]:
    stages: list[BlockStage | PlainStage] = []
    rest = list(layers)
    while rest:
        layer = rest.pop(0)
        if _can_be_fused(layer):
            assert isinstance(layer, Conv2d)
            norm = _next(rest, BatchNorm2d)
            stages.append(ConvStage(layer, norm, _activation(rest), _pool(rest)))
        elif (paths := _paths(layer)) is not None:
            main, shortcut = paths
            # No pooling: both paths go back from the sum, in its size.
            main[-1].activation = _activation(rest)
            stages.append(ResidualStage(main, shortcut))
        else:
            stages.append(PlainStage(layer))
    return stages


def _can_be_fused(layer: Layer) -> bool:
    return type(layer) is Conv2d and layer.groups == 1


def _next(rest: list[Layer], kind: type[_L]) -> _L | None:
    if rest and type(rest[0]) is kind:
        layer = rest.pop(0)
        assert isinstance(layer, kind)
        return layer
    return None


def _activation(rest: list[Layer]) -> ReLU | LeakyReLU | None:
    if rest and type(rest[0]) is LeakyReLU and not 0 <= rest[0].negative_slope <= 1:
        return None
    return _next(rest, ReLU) or _next(rest, LeakyReLU)


def _pool(rest: list[Layer]) -> MaxPool2d | None:
    if rest and type(rest[0]) is MaxPool2d:
        height, width = rest[0].kernel_size
        if 1 < height * width <= WINDOW:
            return _next(rest, MaxPool2d)
    return None


def _paths(layer: Layer) -> tuple[list[ConvStage], list[ConvStage]] | None:
    """Return the two paths of a residual block that can be fused."""
    if type(layer) is not Residual:
        return None
    main = _convolutions(layer.main)
    shortcut = [] if layer.shortcut is None else _convolutions(layer.shortcut)
    if not main or shortcut is None or (layer.shortcut is not None and not shortcut):
        return None
    last = main[-1]
    if last.activation is not None or last.pool is not None:
        return None
    _join(main)
    _join(shortcut)
    return main, shortcut


def _convolutions(path: Layer) -> list[ConvStage] | None:
    """Return the stages of a path, if all of them are convolutions."""
    stages = _stages(flatten(path))
    found = [stage for stage in stages if isinstance(stage, ConvStage)]
    return found if len(found) == len(stages) else None


def describe(parts: Sequence[Part], names: dict[int, str]) -> str:
    """Return the plan as text: a line for each stage with the layers that it runs."""
    lines: list[str] = []

    def write(kind: str, layers: Sequence[Layer]) -> None:
        shown = " + ".join(f"{names[id(layer)]} {type(layer).__name__}" for layer in layers)
        lines.append(f"{len(lines):>3}  {kind:<9} {shown}")

    for part in parts:
        if isinstance(part, PlainStage):
            write("as it is", part.layers())
            continue
        for stage in part.stages:
            write("residual" if isinstance(stage, ResidualStage) else "one pass", stage.layers())
        if part.average is not None:
            write("average", [part.average])
    return "\n".join(lines)
