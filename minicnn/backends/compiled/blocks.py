"""Images with their channels in blocks: (N, C, H, W) laid out as (N, B, H + margins, W + margins, L).

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

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.simd import VECTOR_BYTES, lanes
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
    """Set dw[o, c, t] to the sum over the chunks; a piece is one input channel."""
    full = VECTOR_BYTES // dw.itemsize
    blocks = (inputs + width - 1) // width
    for piece in range(first, last):
        c, b = piece % inputs, piece // inputs
        for t in range(taps):
            at = ((b * blocks + c // width) * taps + t) * width + c % width
            for o in range(b * full, min(outputs, (b + 1) * full)):
                total = partial[at * full + o - b * full]
                for chunk in range(1, chunks):
                    total += partial[chunk * size + at * full + o - b * full]
                dw[(o * inputs + c) * taps + t] = total


def unpack_weights(dw: NDArray, partial: NDArray, width: int) -> None:
    """Add up the chunks' sums, (chunks, ...packed), into the gradient (O, C, KH, KW)."""
    outputs, inputs, *kernel_size = dw.shape
    run(
        _unpack_weights, -(-outputs // lanes(dw.dtype)) * inputs, partial.size * NANOSECONDS,
        dw.reshape(-1), partial.reshape(-1), len(partial), partial[0].size,
        outputs, inputs, kernel_size[0] * kernel_size[1], width,
    )  # fmt: skip
