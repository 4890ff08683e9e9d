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
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.backends.compiled.jit import exact, inlined, kernel
from minicnn.backends.compiled.simd import VECTOR_BYTES, lanes, load, store
from minicnn.shapes import Pair

FEW = 4  # so many channels at most stay in planes


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
        shape: tuple[int, ...],
        dtype: DTypeLike,
        margin: Pair = (0, 0),
        *,
        planes: bool = False,
    ) -> Blocks:
        """Allocate images of zeros, (N, C, H, W), with L = 1 if ``planes``."""
        batch, channels, height, across = shape
        width = 1 if planes else lanes(dtype)
        plane = height + 2 * margin[0], across + 2 * margin[1]
        return cls(np.zeros((batch, -(-channels // width), *plane, width), dtype), channels, margin)

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


@inlined
def _line(piece, geometry, shape):  # type: ignore[no-untyped-def]
    """Return where row number ``piece`` of all rows of all planes (N, C, H, W) begins."""
    origin, sample, block, row, width = geometry
    plane, r = piece // shape[2], piece % shape[2]
    n, c = plane // shape[1], plane % shape[1]
    return origin + n * sample + c // width * block + r * row + c % width


@kernel
def fill(first, last, blocks, geometry, x, shape):  # type: ignore[no-untyped-def]
    """Copy x (N, C, H, W) into blocks; a piece is one row of one plane."""
    columns, width = shape[3], geometry[4]
    for piece in range(first, last):
        pixels = x[piece * columns : (piece + 1) * columns]
        to = _line(piece, geometry, shape)
        for j in range(columns):
            blocks[to + j * width] = pixels[j]


@kernel
def take(first, last, x, shape, blocks, geometry):  # type: ignore[no-untyped-def]
    """Copy blocks into x (N, C, H, W); a piece is one row of one plane."""
    columns, width = shape[3], geometry[4]
    for piece in range(first, last):
        pixels = x[piece * columns : (piece + 1) * columns]
        at = _line(piece, geometry, shape)
        for j in range(columns):
            pixels[j] = blocks[at + j * width]


# ---- weights -----------------------------------------------------------------------------


@kernel
def pack_weights(first, last, packed, w, outputs, inputs, taps, out_step, in_step, width):  # type: ignore[no-untyped-def]
    """Lay out weights as the kernels read them; arguments from `packing`.

    A piece is one block of outputs, the layout (blocks of outputs, blocks of inputs, taps,
    width, L). What has no weight is not written.
    """
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


def packing(w: NDArray, width: int, *, turned: bool) -> tuple[int, tuple[Any, ...]]:
    """Return how many pieces `pack_weights` has, and its arguments after ``packed``.

    Parameters
    ----------
    w
        The weights (O, C, KH, KW) of one group.
    width
        How many channels an input block has: L, or 1 for planes.
    turned
        Whether outputs and inputs change their roles, as they do in dx.
    """
    outputs, inputs, taps = w.shape[0], w.shape[1], w.shape[2] * w.shape[3]
    steps = inputs * taps, taps
    if turned:
        outputs, inputs, steps = inputs, outputs, steps[::-1]
    return -(-outputs // lanes(w.dtype)), (w.reshape(-1), outputs, inputs, taps, *steps, width)


@kernel
def unpack_weights(first, last, dw, partial, chunks, size, outputs, inputs, taps, width):  # type: ignore[no-untyped-def]
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
    """Set y (N, C) to the means of the planes, in double precision.

    A piece is one block of channels of one sample.
    """
    origin, sample, block, row, width = geometry
    _, channels, rows, columns = shape
    count = (channels + width - 1) // width
    sums = np.zeros(width, np.float64)
    for piece in range(first, last):
        n, b = piece // count, piece % count
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
