"""Where the terms of a convolution's sums lie in blocked memory, as tables for the kernels.

With stride s, padding p and dilation d, along each axis,

    y[i]  = sum_k w[k] x[i s + k d - p]
    dx[j] = sum of w[k] dy[(j + p - k d) / s] over the k for which the division leaves nothing

so a forward tap reads k d - p ahead, and dx falls into s phases: the pixels j of a phase
have the same taps, each of which reads a fixed distance ahead in dy.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.backends.compiled.blocks import Blocks
from minicnn.backends.compiled.outer import BLOCKS, TALLEST, TALLEST_PAIR
from minicnn.backends.compiled.simd import lanes
from minicnn.backends.compiled.stage import strip_rows
from minicnn.layers import Conv2d
from minicnn.shapes import Pair, window_output_size

Table = NDArray[np.intp]
Place = tuple[int, int, int, int, int]  # origin, sample, block, row, pixel

SCRATCH_BYTES = 131072  # of dy, which a thread builds and reads again at once
CHUNKS = 16  # partial sums of dw, at most ...
FEW_CHUNKS = 8  # ... and where there are more weights than
MANY_WEIGHTS = 32768


@dataclass(eq=False)
class Geometry:
    """The tables of one convolution for one shape of x.

    Attributes
    ----------
    size
        (OH, OW).
    blocks, in_blocks
        Blocks of channels of y, and of x.
    x
        Where the first tap of the first window lies in x, and the distances.
    x_inc
        Distance of the inner terms of the forward sum.
    taps
        Forward: rows (place in x, place in w, count).
    groups, pair_groups, x_step
        dw: rows (place in dw, place in x, count), for one block of outputs and for two at
        once, and the distance of the counted in x.
    rows
        dw: rows (place in x, place in dy, count), one per row of y.
    dy
        The buffer of dy: where pixel (0, 0) lies, and the distances.
    phases, dx_taps
        dx: rows (first row, first column, rows, columns, first tap, last tap), and
        (place in dy, place in w, count).
    chunks, samples
        How many partial sums of dw; how many samples of dy are built at once.
    """

    size: Pair
    blocks: int
    in_blocks: int
    x: Place
    x_inc: int
    taps: Table
    groups: Table
    pair_groups: Table
    x_step: int
    rows: Table
    dy: Place
    phases: Table
    dx_taps: Table
    chunks: int
    samples: int


def lay_out(conv: Conv2d, x: Blocks) -> Geometry:
    """Write the tables of a convolution (of one group) of x."""
    batch, channels, *plane = x.shape
    dtype = x.data.dtype
    full = lanes(dtype)
    planes = x.data.shape[-1] == 1 != full
    width = 1 if planes else full
    size = window_output_size(
        (plane[0], plane[1]), conv.kernel_size, conv.stride, conv.padding, conv.dilation
    )
    blocks, in_blocks = -(-conv.out_channels // full), x.data.shape[1]
    taps = conv.kernel_size[0] * conv.kernel_size[1]
    origin, sample, block, row, pixel = x.geometry
    place = origin - conv.padding[0] * row - conv.padding[1] * pixel, sample, block, row, pixel
    down, right = conv.dilation[0] * row, conv.dilation[1] * pixel

    forward: list[tuple[int, ...]] = []
    groups: dict[int, list[tuple[int, ...]]] = {TALLEST: [], TALLEST_PAIR: []}
    for b in range(in_blocks):
        count = min(width, channels - b * width)
        for m in range(conv.kernel_size[0]):
            at, w = b * block + m * down, (b * taps + m * conv.kernel_size[1]) * width * full
            if planes:  # the inner sum goes over the taps of a row of the kernel
                forward.append((at, w, conv.kernel_size[1]))
                for tallest, table in groups.items():
                    for k, parts in _pieces(conv.kernel_size[1], tallest):
                        table.append((w + k * full, at + k * right, parts))
                continue
            for k in range(conv.kernel_size[1]):
                forward.append((at + k * right, w + k * width * full, count))
                for tallest, table in groups.items():
                    for c, parts in _pieces(count, tallest):
                        table.append((w + (k * width + c) * full, at + k * right + c, parts))

    dy, phases, dx_taps = _turned(conv, (plane[0], plane[1]), size, full, blocks, planes)
    chunks = CHUNKS if conv.params["weight"].size <= MANY_WEIGHTS else FEW_CHUNKS
    chunks = min(batch, chunks)
    samples = max(1, min(batch // chunks, SCRATCH_BYTES // (dy[1] * dtype.itemsize)))
    rows = [
        (n * sample + i * conv.stride[0] * row, n * dy[1] + i * dy[3], size[1])
        for n in range(samples)
        for i in range(size[0])
    ]
    return Geometry(
        size=size, blocks=blocks, in_blocks=in_blocks, x=place,
        x_inc=right if planes else 1, taps=_table(forward),
        groups=_table(groups[TALLEST]), pair_groups=_table(groups[TALLEST_PAIR]),
        x_step=right if planes else 1, rows=_table(rows),
        dy=dy, phases=_table(phases), dx_taps=_table(dx_taps), chunks=chunks, samples=samples,
    )  # fmt: skip


def _turned(
    conv: Conv2d, plane: Pair, size: Pair, full: int, blocks: int, planes: bool
) -> tuple[Place, list[tuple[int, ...]], list[tuple[int, int, int]]]:
    """Lay out dy with the margins that dx needs, and the taps of each phase of dx."""
    # Along each axis and for each phase: its first pixel, and (tap, distance ahead in dy).
    phases: list[list[tuple[int, list[tuple[int, int]]]]] = []
    before, length = [], []
    for axis in (0, 1):
        stride, padding, dilation = conv.stride[axis], conv.padding[axis], conv.dilation[axis]
        found, reach = [], [0, size[axis] - 1]
        for first in range(min(stride, plane[axis])):
            count = (plane[axis] - 1 - first) // stride + 1
            ahead = [
                (k, (first + padding - k * dilation) // stride)
                for k in range(conv.kernel_size[axis])
                if (first + padding - k * dilation) % stride == 0
            ]
            reach += [a for _, a in ahead] + [a + count - 1 for _, a in ahead]
            found.append((first, ahead))
        phases.append(found)
        before.append(-min(reach))
        length.append(max(reach) - min(reach) + 1)
    row = length[1] * full
    dy = (before[0] * row + before[1] * full, blocks * length[0] * row, length[0] * row, row, full)
    taps = conv.kernel_size[0] * conv.kernel_size[1]
    table: list[tuple[int, ...]] = []
    terms: list[tuple[int, int, int]] = []
    for i, down in phases[0]:
        for j, right in phases[1]:
            s0 = len(terms)
            for b in range(blocks):
                count = min(full, conv.out_channels - b * full)
                for m, ahead_i in down:
                    for k, ahead_j in right:
                        tap = m * conv.kernel_size[1] + k
                        # w as packed for dx: (in blocks, blocks, taps, L, L); for planes, which
                        # use the weights of the forward pass: (blocks, in blocks, taps, 1, L)
                        w = b * conv.in_channels * taps + tap if planes else (b * taps + tap) * full
                        terms.append((b * dy[2] + ahead_i * row + ahead_j * full, w * full, count))
            counts = [
                (p - 1 - f) // s + 1 for p, f, s in zip(plane, (i, j), conv.stride, strict=True)
            ]
            table.append((i, j, *counts, s0, len(terms)))
    return dy, table, terms


def strip_numbers(how: tuple[int, ...], dtype: DTypeLike) -> int:
    """Return how many numbers the strip of a stage holds, see `stage.pass_through`."""
    full = lanes(dtype)
    line = how[1] * full
    _, height = strip_rows.py_func(line * np.dtype(dtype).itemsize, how[4], how[6])
    return BLOCKS * height * line


def _pieces(count: int, tallest: int) -> list[tuple[int, int]]:
    """Cut 0..count into the fewest pieces of nearly equal length: (first, length)."""
    number = -(-count // tallest)
    bounds = [count * i // number for i in range(number + 1)]
    return [(a, b - a) for a, b in itertools.pairwise(bounds)]


def _table(rows: Sequence[tuple[int, ...]]) -> Table:
    return np.array(rows, np.intp).reshape(-1)
