"""Images with their channels in blocks: (N, C, H, W) as (N, B, H + margins, W + margins, L).

L neighbouring channels of a pixel lie side by side and fill one vector register, so that
every step of a convolutional network (products, norms, activations, maxima) does L channels
with one instruction, whatever the width of the image. Blocks of channels follow each other;
lanes without a channel hold zeros. The layout is that of oneDNN's "nChw16c".

Around each plane there is a margin of zeros, as wide as the padding of the convolution that
reads it. It is written once, when the memory is allocated, and then no kernel has to ask
whether a pixel exists.

An image of few channels (the X-ray itself) stays in planes instead, L = 1: a vector of one
grey value and fifteen zeros would be a waste.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.backends.compiled.jit import exact, kernel, ready
from minicnn.backends.compiled.simd import VECTOR_BYTES, lanes, load, store
from minicnn.backends.compiled.threads import run
from minicnn.shapes import Pair

FEW = 4  # so many channels at most stay in planes
NANOSECONDS = 0.5  # per number copied, on one thread


@dataclass(eq=False)
class Blocks:
    """A batch of images in blocks of channels.

    Attributes
    ----------
    data
        (N, B, H + 2 margin, W + 2 margin, L).
    channels
        C, at most B L.
    margin
        Rows above and below, columns left and right.
    """

    data: NDArray
    channels: int
    margin: Pair = (0, 0)

    @classmethod
    def zeros(
        cls,
        batch: int,
        channels: int,
        size: Pair,
        margin: Pair,
        dtype: DTypeLike,
        *,
        planes: bool = False,
    ) -> Blocks:
        """Allocate images of zeros, with L = 1 if ``planes``."""
        width = 1 if planes else lanes(dtype)
        shape = (
            batch, -(-channels // width), size[0] + 2 * margin[0], size[1] + 2 * margin[1], width,
        )  # fmt: skip
        return cls(np.zeros(shape, dtype), channels, margin)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W), as the layers see it."""
        batch, _, rows, columns, _ = self.data.shape
        size = rows - 2 * self.margin[0], columns - 2 * self.margin[1]
        return batch, self.channels, *size

    @property
    def flat(self) -> NDArray:
        """All numbers in one row, as the kernels take them."""
        return self.data.reshape(-1)

    @property
    def geometry(self) -> tuple[int, int, int, int, int]:
        """Where pixel (0, 0) lies, and the distances of samples, blocks, rows and pixels."""
        _, blocks, rows, columns, width = self.data.shape
        row = columns * width
        origin = self.margin[0] * row + self.margin[1] * width
        return origin, blocks * rows * row, rows * row, row, width


@kernel
def _fill(first, last, blocks, geometry, x, shape):  # type: ignore[no-untyped-def]
    origin, sample, block, row, width = geometry
    _, channels, rows, columns = shape
    for plane in range(first, last):
        n, c = plane // channels, plane % channels
        for r in range(rows):
            pixels = x[(plane * rows + r) * columns : (plane * rows + r + 1) * columns]
            to = origin + n * sample + c // width * block + r * row + c % width
            for j in range(columns):
                blocks[to + j * width] = pixels[j]


def fill(blocks: Blocks, x: NDArray) -> None:
    """Copy x (N, C, H, W) into blocks of the same shape."""
    x = ready(x)
    run(
        _fill, x.shape[0] * x.shape[1], x.size * NANOSECONDS,
        blocks.flat, blocks.geometry, x.reshape(-1), x.shape,
    )  # fmt: skip


@kernel
def _take(first, last, x, shape, blocks, geometry):  # type: ignore[no-untyped-def]
    origin, sample, block, row, width = geometry
    _, channels, rows, columns = shape
    for plane in range(first, last):
        n, c = plane // channels, plane % channels
        for r in range(rows):
            pixels = x[(plane * rows + r) * columns : (plane * rows + r + 1) * columns]
            at = origin + n * sample + c // width * block + r * row + c % width
            for j in range(columns):
                pixels[j] = blocks[at + j * width]


def take(blocks: Blocks) -> NDArray:
    """Return the images as a new array (N, C, H, W)."""
    x = np.empty(blocks.shape, blocks.data.dtype)  # (N, C, H, W)
    run(
        _take, x.shape[0] * x.shape[1], x.size * NANOSECONDS,
        x.reshape(-1), x.shape, blocks.flat, blocks.geometry,
    )  # fmt: skip
    return x


# ---- weights -----------------------------------------------------------------------------


@kernel
def _pack_weights(first, last, packed, w, outputs, inputs, taps, out_step, in_step, width):  # type: ignore[no-untyped-def]
    """Piece: one block of outputs. Layout (output blocks, input blocks, taps, width, L)."""
    full = VECTOR_BYTES // packed.itemsize
    blocks = (inputs + width - 1) // width
    size = blocks * taps * width * full
    for b in range(first, last):
        count = min(full, outputs - b * full)
        for c in range(inputs):
            for t in range(taps):
                to = b * size + ((c // width * taps + t) * width + c % width) * full
                at = b * full * out_step + c * in_step + t
                for o in range(count):
                    packed[to + o] = w[at + o * out_step]


def pack_weights(packed: NDArray, w: NDArray, turned: bool, width: int) -> None:
    """Lay out the weights (O, C, KH, KW) as the kernels read them.

    Parameters
    ----------
    packed
        Zeros at first, flat: (blocks of outputs, blocks of inputs, KH KW, width, L).
    w
        The weights of one group.
    turned
        Whether outputs and inputs change their roles, as they do in dx.
    width
        How many channels an input block has: L, or 1 for planes.
    """
    outputs, inputs = w.shape[:2]
    taps = w.shape[2] * w.shape[3]
    steps = inputs * taps, taps
    if turned:
        outputs, inputs, steps = inputs, outputs, steps[::-1]
    blocks = -(-outputs // lanes(w.dtype))
    run(
        _pack_weights, blocks, w.size * NANOSECONDS,
        packed, ready(w).reshape(-1), outputs, inputs, taps, *steps, width,
    )  # fmt: skip


@kernel
def _unpack_weights(first, last, dw, partial, chunks, size, outputs, inputs, taps, width):  # type: ignore[no-untyped-def]
    """Set dw[o, c, t] to the sum over the chunks; a piece is one tap and one block of outputs."""
    full = VECTOR_BYTES // dw.itemsize
    blocks = (inputs + width - 1) // width
    for piece in range(first, last):
        t, b = piece % taps, piece // taps
        count = min(full, outputs - b * full)
        for c in range(inputs):
            at = (((b * blocks + c // width) * taps + t) * width + c % width) * full
            sum_ = load(partial, at)
            for chunk in range(1, chunks):
                sum_ = sum_ + load(partial, chunk * size + at)
            store(partial, at, sum_)  # the first chunk's place is not needed any more
            for o in range(count):
                dw[((b * full + o) * inputs + c) * taps + t] = partial[at + o]


@kernel
def pad(first, last, padded, values):  # type: ignore[no-untyped-def]
    """Copy values to the beginning of a longer array; there is one piece."""
    for i in range(values.size):
        padded[i] = values[i]


# ---- the mean of each channel ------------------------------------------------------------


@exact
def average(first, last, y, shape, blocks, geometry):  # type: ignore[no-untyped-def]
    """Set y (N, C) to the means of the planes, in double precision; a piece is a sample."""
    origin, sample, block, row, width = geometry
    _, channels, rows, columns = shape
    sums = np.zeros(width, np.float64)
    for n in range(first, last):
        for b in range((channels + width - 1) // width):
            sums[:] = 0
            for r in range(rows):
                line = origin + n * sample + b * block + r * row
                for j in range(columns):
                    for k in range(width):
                        sums[k] += blocks[line + j * width + k]
            for k in range(min(width, channels - b * width)):
                y[n * channels + b * width + k] = sums[k] / (rows * columns)


@exact
def spread_average(first, last, blocks, geometry, dy, shape):  # type: ignore[no-untyped-def]
    """Give every pixel of a channel its share of dy (N, C); a piece is a sample."""
    origin, sample, block, row, width = geometry
    _, channels, rows, columns = shape
    for n in range(first, last):
        for c in range(channels):
            share = dy[n * channels + c] / (rows * columns)
            for r in range(rows):
                line = origin + n * sample + c // width * block + r * row + c % width
                for j in range(columns):
                    blocks[line + j * width] = share
