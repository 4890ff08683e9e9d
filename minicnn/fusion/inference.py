"""Inference: the stages of a model written down as a program, see `backends.compiled.program`.

It holds the weights as the kernels want them, each batch norm folded into the convolution
before it, and writes them anew when it finds that parameters or statistics have changed. The
memory for the images between the stages is that of one sample per thread; an image that
nobody reads any more makes room for the next of the same shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled import program, team
from minicnn.backends.compiled.blocks import FEW, Blocks
from minicnn.backends.compiled.simd import lanes
from minicnn.backends.compiled.threads import run
from minicnn.fusion.conv_stage import ConvStage
from minicnn.fusion.geometry import lay_out, strip_numbers
from minicnn.fusion.plain_stage import PlainStage
from minicnn.fusion.plan import Part
from minicnn.fusion.residual_stage import ResidualStage
from minicnn.fusion.section import Section
from minicnn.layers import Dropout, Flatten, Layer, Linear, ReLU
from minicnn.model import check_sum
from minicnn.shapes import Pair

ALIGN = 64  # numbers; a stage's memory begins on a cache line of its own
NANOSECONDS = 1e5  # per sample: always worth a second thread
FEW_SAMPLES = 4  # below, even a fully connected layer is a part of the program


class Unsuitable(Exception):
    """There is a stage for which programs have no instruction."""


class _Image:
    """An image in blocks inside the program's memory, which begins at number ``base``."""

    def __init__(self, channels: int, size: Pair, margin: Pair, width: int) -> None:
        self.channels, self.size, self.margin, self.width = channels, size, margin, width
        self.row = (size[1] + 2 * margin[1]) * width
        self.block = (size[0] + 2 * margin[0]) * self.row
        self.blocks = -(-channels // width)
        self.base = 0

    @property
    def origin(self) -> int:
        """Where pixel (0, 0) lies."""
        return self.base + self.margin[0] * self.row + self.margin[1] * self.width

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(1, C, H, W)."""
        return 1, self.channels, *self.size

    @property
    def key(self) -> tuple[Any, ...]:
        """What images have in common that may use the same memory one after the other."""
        return self.blocks, self.size, self.margin, self.width

    @property
    def description(self) -> tuple[int, ...]:
        """(origin, block, row, pixel, C, H, W), as most instructions take it."""
        return self.origin, self.block, self.row, self.width, self.channels, *self.size


class Program:
    """The program of a model in evaluation mode, for images of one shape.

    Parameters
    ----------
    parts
        The parts of the fused model.
    shape
        (C, H, W).
    dtype
        Of the images and the parameters.

    Raises
    ------
    Unsuitable
        If there is no program for these stages.
    """

    def __init__(self, parts: Sequence[Part], shape: tuple[int, ...], dtype: np.dtype) -> None:
        if len(shape) != 3:
            raise Unsuitable
        self.dtype, self.shape = dtype, shape
        self._rows: list[list[int]] = []
        self._tables: list[NDArray] = []
        self._convolutions: list[tuple[ConvStage, int]] = []  # stage, width of a block of x
        self._slopes: list[float] = []
        self._numbers = 0  # of memory
        self._strip = 1
        self._free: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        self._linears: list[Linear] = []
        self._live: list[tuple[Layer, str, str, NDArray]] = []
        self._addresses = self._sizes = np.zeros(0, np.int64)
        self._copies = np.zeros(0, dtype)
        self.tail: list[Layer] = []  # what runs as it is on the whole batch, where it is large
        self._write(list(parts))
        self._assemble()

    # ---- writing --------------------------------------------------------------------

    def _reserve(self, numbers: int) -> int:
        at = self._numbers
        self._numbers += -(-numbers // ALIGN) * ALIGN
        return at

    def _image(self, channels: int, size: Pair, margin: Pair, *, planes: bool = False) -> _Image:
        image = _Image(channels, size, margin, 1 if planes else lanes(self.dtype))
        again = self._free[image.key]
        image.base = again.pop() if again else self._reserve(image.blocks * image.block)
        return image

    def _release(self, image: _Image) -> None:
        self._free[image.key].append(image.base)

    def _write(self, parts: list[Part]) -> None:
        section = parts.pop(0) if parts else None  # none in an empty Sequential
        if not isinstance(section, Section):
            raise Unsuitable
        first = section.stages[0]
        channels, height, width = self.shape
        planes = channels <= FEW and first.takes_planes
        image = self._image(channels, (height, width), first.in_margin, planes=planes)
        self._rows.append([program.PLACE, 0, *image.description])
        for stage in section.stages:
            if isinstance(stage, ConvStage):
                after = self._convolve(stage, image)
            else:
                after = self._around(stage, image)
            self._release(image)
            image = after
        layers = []
        for part in parts:
            if not isinstance(part, PlainStage):
                raise Unsuitable
            if type(part.layer) is not Dropout:
                layers.append(part.layer)
        averaged = section.average is not None
        if not averaged and not (layers and _makes_rows(layers.pop(0))):
            raise Unsuitable
        self._end(image, averaged, layers)

    def _around(self, stage: ResidualStage, x: _Image) -> _Image:
        h, short = x, x
        for part in stage.shortcut:
            after = self._convolve(part, short)
            if short is not x:
                self._release(short)
            short = after
        for part in stage.main:
            if part is stage.main[-1]:
                check_sum(part.conv.output_shape(h.shape), short.shape, x.shape)
            after = self._convolve(part, h, short if part is stage.main[-1] else None)
            if h is not x:
                self._release(h)
            h = after
        if short is not x:
            self._release(short)
        return h

    def _convolve(self, stage: ConvStage, x: _Image, short: _Image | None = None) -> _Image:
        stage.check(x.shape)
        like = Blocks.zeros(x.shape, self.dtype, x.margin, planes=x.width == 1)
        geometry = lay_out(stage.conv, like)
        how = stage.ending(geometry.size)
        out = self._image(stage.conv.out_channels, (how[2], how[3]), stage.out_margin)
        taps = sum(len(table) // 3 for table in self._tables)
        self._tables.append(geometry.taps)
        self._strip = max(self._strip, strip_numbers(how, self.dtype))
        joined = out if short is None else short
        row = [
            program.CONVOLVE, out.origin, out.block, out.row,
            joined.origin, joined.block, joined.row,
            x.base + geometry.x[0], geometry.x[3], geometry.x[4], geometry.x_inc,
            *stage.conv.stride, 0, 0, 0, *how, 0, int(short is not None), geometry.blocks,
            taps, taps + len(geometry.taps) // 3, len(self._slopes),
        ]  # fmt: skip
        self._convolutions.append((stage, x.width))
        self._slopes.append(stage.slope)
        self._rows.append(row)
        return out

    def _end(self, image: _Image, averaged: bool, layers: list[Layer]) -> None:
        """Write what follows the last image: numbers in a row."""
        count = image.channels * (1 if averaged else image.size[0] * image.size[1])
        at = self._reserve(count)
        kind = program.AVERAGE if averaged else program.FLATTEN
        self._rows.append([kind, at, *image.description])
        self.features = count
        self.body = len(self._rows)  # so many rows lead to the features
        self.tail = list(layers)
        self._features_at = at
        while layers and type(layers[0]) is Linear:
            layer = layers.pop(0)
            assert isinstance(layer, Linear)
            if layer.in_features != count:
                raise Unsuitable  # the layer itself says so best
            rectified = bool(layers) and type(layers[0]) is ReLU
            if rectified:
                layers.pop(0)
            to = self._reserve(layer.out_features)
            self._rows.append([
                program.LINEAR, to, at, 0, 0, layer.out_features, layer.in_features, rectified,
            ])  # fmt: skip
            self._linears.append(layer)
            at, count = to, layer.out_features
        self._scores_at, self.scores = at, count
        self.whole = not layers  # whether all of the model is in the program

    def _assemble(self) -> None:
        """Put everything into arrays."""
        table = np.zeros((len(self._rows) + 1, program.COLUMNS), np.int64)
        for i, row in enumerate(self._rows):
            table[i, : len(row)] = row
        body = np.zeros((self.body + 1, program.COLUMNS), np.int64)
        table[-1, :3] = program.COPY_OUT, self._scores_at, self.scores
        self._program = table
        body[:-1], body[-1, :3] = (
            table[: self.body], (program.COPY_OUT, self._features_at, self.features),
        )  # fmt: skip
        self._body = body
        self._table = np.concatenate(self._tables)
        self._slope_table = np.array(self._slopes, self.dtype)
        self._strip = -(-self._strip // ALIGN) * ALIGN
        self._threads = team.threads()
        # One thread's memory, then a strip for each helper.
        self._memory = np.zeros(self._numbers + self._threads * self._strip, self.dtype)
        self._more = [self._memory]
        self._state = np.zeros(program.SLOTS + (team.MOST + 1) * program.LINE, np.int64)
        self._x = np.zeros((1, int(np.prod(self.shape))), self.dtype)
        self._y = np.zeros((1, self.scores), self.dtype)
        self._weights = np.zeros(0, self.dtype)

    # ---- the weights ----------------------------------------------------------------

    def _look(self) -> None:
        """Write the weights anew if they have changed, or have become other arrays."""
        same = bool(self._live) and all(
            getattr(layer, kind)[name] is array for layer, kind, name, array in self._live
        )
        if same and program.unchanged(self._addresses, self._sizes, self._copies):
            return
        self._live = []
        arrays = []
        for stage, _ in self._convolutions:
            for layer in (stage.conv, stage.norm):
                if layer is not None:
                    for kind in ("_params", "_buffers"):
                        for name, array in getattr(layer, kind).items():
                            self._live.append((layer, kind, name, array))
                            arrays.append(array)
        for linear in self._linears:
            self._live += [(linear, "_params", name, a) for name, a in linear._params.items()]
        self._addresses = np.array([a.ctypes.data for a in arrays], np.int64)
        self._sizes = np.array([a.size for a in arrays], np.int64)
        self._copies = np.concatenate([a.ravel() for a in arrays])
        pieces, at = [], 0
        rows = [row for row in self._program if row[0] == program.CONVOLVE]
        bodies = [row for row in self._body if row[0] == program.CONVOLVE]
        for (stage, width), row, body in zip(self._convolutions, rows, bodies, strict=True):
            packed, bias = stage.folded_weights(width)
            row[13:16] = body[13:16] = at, packed.size // row[29], at + packed.size
            pieces += [packed, bias]
            at += packed.size + bias.size
        # In the same memory each time: helpers who are awake go on reading there.
        if self._weights.size != at:
            self._weights = np.zeros(at, self.dtype)
        np.concatenate(pieces, out=self._weights)
        linears = [row for row in self._program if row[0] == program.LINEAR]
        for linear, row in zip(self._linears, linears, strict=True):
            b = linear.params.get("bias")
            row[3:5] = linear.params["weight"].ctypes.data, 0 if b is None else b.ctypes.data

    # ---- running --------------------------------------------------------------------

    def run(self, x: NDArray) -> NDArray:
        """Return the scores of x (N, C, H, W)."""
        self._look()
        if len(x) == 1 and self.whole:
            return self._run_one(x)
        small = self.whole and len(x) < FEW_SAMPLES
        table = self._program if small else self._body
        y = self._run_batch(x, table, self.scores if small else self.features)
        for layer in () if small else self.tail:
            y = layer.forward(y)
        return y

    def _run_one(self, x: NDArray) -> NDArray:
        np.copyto(self._x, x.reshape(1, -1))
        task = (
            self._memory, self._numbers, self._strip, self._program.reshape(-1), self._x, self._y,
            self._weights, self._table, self._slope_table, self._state,
        )  # fmt: skip
        helpers = min(team.threads(), self._threads) - 1
        if program.run_together(helpers, *task) < helpers:
            for number in range(helpers):  # for the next time
                team.call(number, program.help_out, number, team.SPINS, *task)
        return self._y.copy()

    def _run_batch(self, x: NDArray, table: NDArray, outputs: int) -> NDArray:
        x = np.ascontiguousarray(x).reshape(len(x), -1)
        y = np.empty((len(x), outputs), self.dtype)
        while len(self._more) < team.threads():
            self._more.append(np.zeros_like(self._memory))
        run(
            program.run_samples, len(x), len(x) * NANOSECONDS,
            self._numbers, table.reshape(-1), x, y, self._weights, self._table,
            self._slope_table, self._state, scratch=self._more,
        )  # fmt: skip
        return y


def _makes_rows(layer: Layer) -> bool:
    """Whether a layer turns (N, C, H, W) into (N, C H W)."""
    return type(layer) is Flatten and layer.start_dim == 1 and layer.end_dim in (-1, 3)
