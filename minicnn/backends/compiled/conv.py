"""2-D convolution (cross-correlation, as everywhere in the field).

    y[n, o, i, j] = b[o] + sum_{c, ki, kj} w[o, c, ki, kj] x[n, c, i s + ki d - p, j s + kj d - p]

The idea: lay padded images out as flat rows (see `packing`), and this equation and both
its gradients become sums over a table of offsets, which two register tiles compute (see
`tile`), for any stride, dilation and groups:

    y[o, t]      = b[o] + sum_{c, k} w[o, c, k] x[c, t + offset_k]        `_sum_shifts`
    dx[c, t]     =        sum_{o, k} w[o, c, k] dy[o, t - offset_k]       `_sum_shifts`
    dw[o, c, k]  =        sum_t      dy[o, t]   x[c, t + offset_k]        `_correlate_planes`

A thread takes a few samples, packs them into a buffer of its own, which the second-level
cache holds, and computes all their channels from it. The sum over the batch in dw is cut
into at most ``CHUNKS`` chunks of samples, a number that depends on the shapes only; their
sums are added in order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from minicnn.backends.compiled.jit import kernel, ready
from minicnn.backends.compiled.packing import PLAINLY, layout, pack
from minicnn.backends.compiled.threads import run
from minicnn.backends.compiled.tile import ROWS, correlate, dots
from minicnn.shapes import Pair

BLOCK = 16  # channels computed together ...
STRIP = 480  # ... over rows of about so many numbers: both stay in the first-level cache
PIECES = 12  # pieces to split the work into where there are fewer samples
CHUNKS = 16  # partial sums of dw, at most ...
PARTIAL_NUMBERS = 1 << 22  # ... with at most so many numbers altogether
LENGTH = 2048  # dw goes through longer planes in parts, whose channels fit the cache
NANOSECONDS = 0.03  # per multiply-add, on one thread


@kernel
def _sum_shifts(  # type: ignore[no-untyped-def]
    first, last, out, out_shape, out_stride, parts, w, bias, offsets, image, image_shape, groups,
    lead, tail, samples, rows, columns, how, splits,
):  # fmt: skip
    """Set out = bias + sum_j w[j] image[offsets[j]], for pieces first..last of the work.

    A piece is a group of samples and one of ``splits`` shares of the output channels.
    Each part (a phase of the output) is a row of ``parts``: where its weights and offsets
    begin, how many there are, which rows r0..r1 and columns q0..q1 it sets, and where in
    the output the pixel (0, 0) of the part would lie.
    """
    group_in, group_out = image_shape[1] // groups, out_shape[1] // groups
    blocks = (group_out + BLOCK - 1) // BLOCK  # of output channels per group
    channel = how[0].shape[0] * samples * rows * columns
    height = max(1, STRIP // columns)
    packed = np.empty(lead + image_shape[1] * channel + tail, out.dtype)
    for t in range(packed.size):
        packed[t] = 0
    strip = np.empty(BLOCK * height * columns, out.dtype)
    for piece in range(first, last):
        n0 = piece // splits * samples
        n1 = min(n0 + samples, out_shape[0])
        b0 = groups * blocks * (piece % splits) // splits
        b1 = groups * blocks * (piece % splits + 1) // splits
        c0 = b0 // blocks * group_in
        c1 = ((b1 - 1) // blocks + 1) * group_in
        pack(
            image, image_shape, how, n0, n1, c0, c1, packed[lead:], samples, rows, columns
        )  # fmt: skip
        for b in range(b0, b1):
            group = b // blocks
            o0 = group * group_out + b % blocks * BLOCK
            count = min(BLOCK, (group + 1) * group_out - o0)
            source = lead + (group * group_in - c0) * channel
            for p in range(parts.shape[0]):
                w0, j0, taps, r0, r1, q0, q1, top, left = parts[p]
                end = (n1 - n0 - 1) * rows + r1
                for s0 in range(r0, end, height):
                    s1 = min(s0 + height, end)
                    correlate(
                        strip, 0, height * columns, count, (s1 - s0 - 1) * columns + q1 - q0,
                        bias, o0, w, w0 + o0 * taps, taps,
                        packed, source + s0 * columns + q0, offsets, j0, taps,
                    )  # fmt: skip
                    for k in range(count):
                        for s in range(s0, s1):
                            n, r = n0 + s // rows, s % rows
                            if r0 <= r < r1:
                                i = top + r * out_stride[0]
                                to = ((n * out_shape[1] + o0 + k) * out_shape[2] + i) * out_shape[3]
                                at = (k * height + s - s0) * columns
                                pixels = out[to + left + q0 * out_stride[1] :]
                                line = strip[at : at + q1 - q0]
                                if out_stride[1] == 1:
                                    for q in range(line.size):
                                        pixels[q] = line[q]
                                else:
                                    for q in range(line.size):
                                        pixels[q * out_stride[1]] = line[q]


def _split(pieces: int, blocks: int) -> int:
    """How many shares of the channels to make, so that there is work for every thread."""
    return max(1, min(blocks, PIECES // max(pieces, 1)))


def conv2d(
    x: NDArray,
    w: NDArray,
    b: NDArray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """Convolve x (N, C, H, W) with w (O, C/groups, KH, KW) to (N, O, OH, OW)."""
    x, w = ready(x), ready(w)
    batch, _, height, width = x.shape
    outputs, group_in, *kernel_size = w.shape
    plan = layout(batch, (height, width), tuple(kernel_size), stride, padding, dilation)
    y = np.empty((batch, outputs, plan.out_h, plan.out_w), x.dtype)  # (N, O, OH, OW)
    bias = np.zeros(outputs, x.dtype) if b is None else ready(b)
    offsets = plan.offsets(group_in)
    parts = np.array([[0, 0, len(offsets), 0, plan.out_h, 0, plan.out_w, 0, 0]], np.intp)
    pieces = -(-batch // plan.samples)
    splits = _split(pieces, groups * -(-outputs // groups // BLOCK))
    run(
        _sum_shifts, pieces * splits, y.size * len(offsets) * NANOSECONDS,
        y.reshape(-1), y.shape, (1, 1), parts, w.reshape(-1), bias, offsets,
        x.reshape(-1), x.shape, groups, 0, plan.reach, plan.samples, plan.rows, plan.columns,
        (plan.phases, stride, padding), splits,
    )  # fmt: skip
    return y


def conv2d_dx(
    dy: NDArray,
    w: NDArray,
    x_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """Return dx of shape (N, C, H, W): each pixel is blamed through every output that read it."""
    dy = ready(dy)
    batch, channels, height, width = x_shape
    outputs, group_in, *kernel_size = w.shape
    group_out = outputs // groups
    plan = layout(batch, (height, width), tuple(kernel_size), stride, padding, dilation)
    # With a stride there may be pixels that no window touched; their gradient is 0.
    dx = (np.empty if stride == (1, 1) else np.zeros)(x_shape, dy.dtype)  # (N, C, H, W)
    turned = w.reshape(groups, group_out, group_in, -1).transpose(0, 2, 1, 3)  # (G, C/G, O/G, K)
    channel = plan.samples * plan.rows * plan.columns
    parts, weights, offsets = [], [], []
    w0 = j0 = 0
    for p, (a, b) in enumerate(plan.phases):
        taps = np.flatnonzero(plan.tap_phase == p)
        count = group_out * len(taps)
        # the pixels r s + a - padding of the image that lie inside it
        r0, q0 = max(0, -((a - padding[0]) // stride[0])), max(0, -((b - padding[1]) // stride[1]))
        r1 = min(plan.rows, (height - 1 + padding[0] - a) // stride[0] + 1)
        q1 = min(plan.columns, (width - 1 + padding[1] - b) // stride[1] + 1)
        if r0 < r1 and q0 < q1:
            parts.append([w0, j0, count, r0, r1, q0, q1, a - padding[0], b - padding[1]])
        weights.append(turned[..., taps].ravel())
        offsets.append((np.arange(group_out)[:, None] * channel - plan.tap_offset[taps]).ravel())
        w0 += weights[-1].size
        j0 += count
    pieces = -(-batch // plan.samples)
    splits = _split(pieces, groups * -(-group_in // BLOCK))
    run(
        _sum_shifts, pieces * splits, dy.size * w[0].size * NANOSECONDS,
        dx.reshape(-1), dx.shape, stride, np.array(parts, np.intp).reshape(-1, 9),
        np.concatenate(weights),
        np.zeros(channels, dy.dtype), np.concatenate(offsets), dy.reshape(-1), dy.shape, groups,
        plan.reach, 0, plan.samples, plan.rows, plan.columns, PLAINLY, splits,
    )  # fmt: skip
    return dx


@kernel
def _correlate_planes(  # type: ignore[no-untyped-def]
    first, last, partial, dy, dy_shape, x, x_shape, offsets, reach, groups, samples, rows, columns,
    how_x, how_dy, chunks, splits,
):  # fmt: skip
    """Set partial[chunk, o, j] = sum_t dy[o, t] x[offsets[j] + t] over the chunk's samples.

    A piece is a chunk of the batch and one of ``splits`` shares of the output channels.
    """
    batch, outputs = dy_shape[0], dy_shape[1]
    group_in, group_out = x_shape[1] // groups, outputs // groups
    blocks = (group_out + ROWS - 1) // ROWS
    taps = offsets.shape[0]
    plane = samples * rows * columns  # of dy; x has one for each phase
    phases = how_x[0].shape[0]
    turns = (batch + samples - 1) // samples
    packed_x = np.empty(x_shape[1] * phases * plane + reach + 8, partial.dtype)
    packed_dy = np.empty(outputs * plane, partial.dtype)
    for t in range(packed_x.size):
        packed_x[t] = 0
    for t in range(packed_dy.size):
        packed_dy[t] = 0
    for piece in range(first, last):
        chunk = piece // splits
        b0 = groups * blocks * (piece % splits) // splits
        b1 = groups * blocks * (piece % splits + 1) // splits
        g0, g1 = b0 // blocks, (b1 - 1) // blocks + 1
        for turn in range(turns * chunk // chunks, turns * (chunk + 1) // chunks):
            n0 = turn * samples
            n1 = min(n0 + samples, batch)
            if n1 - n0 < samples:  # what an earlier turn left behind must not count
                for t in range(packed_dy.size):
                    packed_dy[t] = 0
            pack(
                x, x_shape, how_x, n0, n1, g0 * group_in, g1 * group_in, packed_x, samples,
                rows, columns,
            )  # fmt: skip
            pack(
                dy, dy_shape, how_dy, n0, n1, g0 * group_out, g1 * group_out, packed_dy, samples,
                rows, columns,
            )  # fmt: skip
            length = ((n1 - n0 - 1) * rows + dy_shape[2] - 1) * columns + dy_shape[3]
            # the zeros behind the last output round the length to whole vectors
            length = min(plane, (length + 7) // 8 * 8)
            for t0 in range(0, length, LENGTH):
                for b in range(b0, b1):
                    group = b // blocks
                    o0 = group * group_out + b % blocks * ROWS
                    count = min(ROWS, (group + 1) * group_out - o0)
                    dots(
                        partial, (chunk * outputs + o0) * taps, taps,
                        packed_dy, (o0 - g0 * group_out) * plane + t0, plane,
                        count, min(LENGTH, length - t0), packed_x,
                        (group - g0) * group_in * phases * plane + t0, offsets, 0, taps,
                    )  # fmt: skip


def conv2d_dw(
    dy: NDArray,
    x: NDArray,
    w_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> NDArray:
    """Return dw of shape (O, C/groups, KH, KW): a weight serves all samples and pixels."""
    dy, x = ready(dy), ready(x)
    batch, _, height, width = x.shape
    outputs, group_in, *kernel_size = w_shape
    plan = layout(batch, (height, width), tuple(kernel_size), stride, padding, dilation)
    offsets = plan.offsets(group_in)
    numbers = outputs * len(offsets)
    turns = -(-batch // plan.samples)
    chunks = max(1, min(turns, CHUNKS, PARTIAL_NUMBERS // numbers))
    splits = _split(chunks, groups * -(-outputs // groups // ROWS))
    partial = np.zeros((chunks, *w_shape), dy.dtype)  # (chunks, O, C/groups, KH, KW)
    run(
        _correlate_planes, chunks * splits, dy.size * len(offsets) * NANOSECONDS,
        partial.reshape(-1), dy.reshape(-1), dy.shape, x.reshape(-1), x.shape, offsets,
        plan.reach, groups, plan.samples, plan.rows, plan.columns,
        (plan.phases, stride, padding), PLAINLY, chunks, splits,
    )  # fmt: skip
    return partial.sum(axis=0)


@kernel
def _sum_planes(first, last, db, dy):  # type: ignore[no-untyped-def]
    """Set db[o] = sum_{n, t} dy[n, o, t]; a piece is a channel."""
    for o in range(first, last):
        total = 0.0  # in double precision
        for n in range(dy.shape[0]):
            for t in range(dy.shape[2]):
                total += dy[n, o, t]
        db[o] = total


def conv2d_db(dy: NDArray) -> NDArray:
    """Return db[o] = sum_{n, i, j} dy[n, o, i, j], (O,)."""
    dy = ready(dy)
    batch, outputs, out_h, out_w = dy.shape
    db = np.empty(outputs, dy.dtype)  # (O,)
    run(_sum_planes, outputs, dy.size * 0.1, db, dy.reshape(batch, outputs, out_h * out_w))
    return db
