"""A convolution with all that follows it, in one pass forward.

    y   = conv(x) + bias
    z   = (y - mean) scale + shift + shortcut      norm, and the sum of a residual block
    out = max over windows of act(z)      activation and pooling

The idea: every layer on its own reads its input from memory and writes its output back,
and there it loses more time than in its arithmetic. Here a few rows of y are computed into
a strip that stays in the first-level cache, and from there go through the rest at once. Only
``out`` is kept, and for each of its entries one byte: which tap of its window won.

A batch norm stands in the way, since it needs the statistics of the whole batch before it
can scale the first number. Then y is kept, each plane's mean and sum of squares are taken
while it is in the cache, and `finish_planes` is a second pass.

The images are in blocks of channels, see `minicnn.backends.compiled.blocks`.

How a stage ends is a tuple ``how`` of numbers, the same for all kernels here:
(OH, OW, PH, PW, KH, KW, SH, SW, top, left, activation, normed, added): the sizes of y and of
out, the pooling windows, their stride and padding; which activation; whether there is a norm, and
a shortcut to add. ``affine`` has rows (mean, scale, shift), each as long as the channels.
"""

from __future__ import annotations

from minicnn.backends.compiled.jit import inlined, kernel
from minicnn.backends.compiled.outer import BLOCKS, correlate
from minicnn.backends.compiled.simd import (
    VECTOR_BYTES,
    beats,
    codes,
    load,
    select,
    splat,
    store,
)

STRIP_BYTES = 16384  # of y, between the convolution and what follows
LINEAR, RELU, LEAKY = 0, 1, 2


@inlined
def how_at(row, k):  # type: ignore[no-untyped-def]
    """Return the tuple ``how`` that is written in a row from column k on."""
    return (
        row[k], row[k + 1], row[k + 2], row[k + 3], row[k + 4], row[k + 5], row[k + 6],
        row[k + 7], row[k + 8], row[k + 9], row[k + 10], row[k + 11], row[k + 12],
    )  # fmt: skip


@inlined
def taps_inside(i, stride, padding, taps, size):  # type: ignore[no-untyped-def]
    """Return which taps of window number i lie inside the image: the first, and the end."""
    return max(0, padding - i * stride), min(taps, size + padding - i * stride)


@kernel
def finish(  # type: ignore[no-untyped-def]
    out, o, won, w0, short, h, y, y0, first_row, affine, s0, r0, r1, how, slope
):  # fmt: skip
    """Turn rows of y into rows r0..r1 of out, for one block of channels of one sample.

    ``o`` and ``h`` hold (origin, row) of out and of the shortcut; ``y0`` is where row
    ``first_row`` of y lies. An empty ``won`` is not written to.
    """
    full = VECTOR_BYTES // y.itemsize
    size_h, size_w, _, out_w, kernel_h, kernel_w, stride_h, stride_w = how[:8]
    top, left, activation, normed, added = how[8:]
    pooled = kernel_h * kernel_w > 1
    zero, steep = splat(y, 0.0), splat(y, slope)
    channels = affine.size // 3
    mean, scale, shift = (
        load(affine, s0), load(affine, channels + s0), load(affine, 2 * channels + s0),
    )  # fmt: skip
    for r in range(r0, r1):
        m0, m1 = taps_inside(r, stride_h, top, kernel_h, size_h)
        for j in range(out_w):
            k0, k1 = taps_inside(j, stride_w, left, kernel_w, size_w)
            best, best_code = zero, codes(0, zero)
            for m in range(m0, m1):
                row = r * stride_h - top + m
                for k in range(k0, k1):
                    column = j * stride_w - left + k
                    z = load(y, y0 + ((row - first_row) * size_w + column) * full)
                    if normed:
                        z = (z - mean) * scale + shift
                    if added:
                        z = z + load(short, h[0] + row * h[1] + column * full)
                    if not pooled:
                        best = z
                    elif m == m0 and k == k0:
                        best, best_code = z, codes(m * kernel_w + k, zero)
                    else:
                        larger = beats(best, z)
                        best = select(larger, z, best)
                        best_code = select(larger, codes(m * kernel_w + k, zero), best_code)
            # Rising functions, so it makes no difference that they follow the maximum.
            if activation == RELU:
                best = select(beats(zero, best), best, zero)
            elif activation == LEAKY:
                best = select(best > zero, best, best * steep)
            store(out, o[0] + r * o[1] + j * full, best)
            if pooled and won.size > 0:
                store(won, w0 + (r * out_w + j) * full, best_code)


@kernel
def pass_through(  # type: ignore[no-untyped-def]
    strip, out, o, won, w0, short, h, x, x_at, stride, w, w_at, bias, b0, segments, s0, s1,
    first, end, row0, row1, how, slope,
):  # fmt: skip
    """Compute rows row0..row1 of out, blocks first..end, of one sample.

    ``o`` and ``h`` hold (origin, block, row) of out and of the shortcut, ``x_at`` (origin,
    row, pixel, distance of the inner terms), ``w_at`` (origin, block); ``bias`` begins at
    ``b0``, and the table of taps is rows s0..s1 of ``segments``. ``strip`` is working memory,
    see `strip_rows`.
    """
    full = VECTOR_BYTES // x.itemsize
    size_h, size_w, out_h, out_w, _, _, stride_h = how[:7]
    kernel_h, top = how[4], how[8]
    step, height = strip_rows(size_w * full * x.itemsize, kernel_h, stride_h)
    for b in range(first, end, BLOCKS):
        q = min(BLOCKS, end - b)
        for r0 in range(row0, row1, step):
            r1 = min(r0 + step, row1)
            y0 = max(0, r0 * stride_h - top)
            y1 = min(size_h, (r1 - 1) * stride_h - top + kernel_h)
            correlate(
                strip, (0, size_w * full, full, height * size_w * full),
                bias, (b0 + b * full, 0, 0, full), x,
                (x_at[0] + y0 * stride[0] * x_at[1], stride[0] * x_at[1], stride[1] * x_at[2],
                 x_at[3]),
                w, (w_at[0] + b * w_at[1], w_at[1], full), segments, s0, s1, y1 - y0, size_w, q,
            )  # fmt: skip
            for k in range(b, b + q):
                finish(
                    out, (o[0] + k * o[1], o[2]), won, w0 + k * out_h * out_w * full,
                    short, (h[0] + k * h[1], h[2]),
                    strip, (k - b) * height * size_w * full, y0, bias, 0, r0, r1, how, slope,
                )  # fmt: skip


@kernel
def strip_rows(line, kernel_h, stride_h):  # type: ignore[no-untyped-def]
    """Return how many rows of out a strip serves, and how many rows of y it has.

    ``line`` is the size in bytes of a row of one block.
    """
    step = max(1, STRIP_BYTES // (BLOCKS * line * stride_h))
    return step, (step - 1) * stride_h + kernel_h


@kernel
def convolve_and_finish(  # type: ignore[no-untyped-def]
    first, last, strip, out, out_at, won, short, short_at, x, x_at, x_inc, stride, w, w_block,
    bias, segments, blocks, how, slope, splits, row_splits,
):  # fmt: skip
    """Compute out from x. A piece: one sample, a share of its channels, a share of its rows.

    ``*_at`` are geometries (origin, sample, block, row, pixel); ``segments`` is the table of
    taps of `outer`; ``x_inc`` is the distance of its inner terms.
    """
    full = VECTOR_BYTES // x.itemsize
    out_h, out_w = how[2], how[3]
    for piece in range(first, last):
        n, share = piece // (splits * row_splits), piece % (splits * row_splits)
        channels, rows = share // row_splits, share % row_splits
        pass_through(
            strip, out, (out_at[0] + n * out_at[1], out_at[2], out_at[3]),
            won, n * blocks * out_h * out_w * full,
            short, (short_at[0] + n * short_at[1], short_at[2], short_at[3]),
            x, (x_at[0] + n * x_at[1], x_at[3], x_at[4], x_inc), stride,
            w, (0, w_block), bias, 0, segments, 0, segments.size // 3,
            blocks * channels // splits, blocks * (channels + 1) // splits,
            out_h * rows // row_splits, out_h * (rows + 1) // row_splits, how, slope,
        )  # fmt: skip


@kernel
def convolve_and_measure(  # type: ignore[no-untyped-def]
    first, last, y, mean, squares, x, x_at, x_inc, stride, w, w_block, bias, segments, blocks,
    size, splits, measured,
):  # fmt: skip
    """Compute y, (N, blocks, OH, OW, L), and per plane its mean and sum of (y - mean)^2.

    A piece: one sample and a share of its channels.
    """
    full = VECTOR_BYTES // x.itemsize
    area = size[0] * size[1] * full
    s1 = segments.size // 3
    for piece in range(first, last):
        n, share = piece // splits, piece % splits
        end = blocks * (share + 1) // splits
        for b in range(blocks * share // splits, end, BLOCKS):
            q = min(BLOCKS, end - b)
            correlate(
                y, ((n * blocks + b) * area, size[1] * full, full, area),
                bias, (b * full, 0, 0, full), x,
                (x_at[0] + n * x_at[1], stride[0] * x_at[3], stride[1] * x_at[4], x_inc),
                w, (b * w_block, w_block, full), segments, 0, s1, size[0], size[1], q,
            )  # fmt: skip
            if not measured:
                continue
            for k in range(b, b + q):
                plane = (n * blocks + k) * area
                sum_ = splat(y, 0.0)
                for t in range(plane, plane + area, full):
                    sum_ = sum_ + load(y, t)
                centre = sum_ * splat(y, 1.0 / (size[0] * size[1]))
                sum_ = splat(y, 0.0)
                for t in range(plane, plane + area, full):
                    deviation = load(y, t) - centre
                    sum_ = sum_ + deviation * deviation
                store(mean, (n * blocks + k) * full, centre)
                store(squares, (n * blocks + k) * full, sum_)


@kernel
def finish_planes(  # type: ignore[no-untyped-def]
    first, last, out, out_at, won, short, short_at, y, affine, blocks, how, slope
):  # fmt: skip
    """Turn y into out; a piece is one block of channels of one sample."""
    full = VECTOR_BYTES // y.itemsize
    size_h, size_w, out_h, out_w = how[:4]
    for piece in range(first, last):
        n, b = piece // blocks, piece % blocks
        finish(
            out, (out_at[0] + n * out_at[1] + b * out_at[2], out_at[3]),
            won, piece * out_h * out_w * full,
            short, (short_at[0] + n * short_at[1] + b * short_at[2], short_at[3]),
            y, piece * size_h * size_w * full, 0, affine, b * full, 0, out_h, how, slope,
        )  # fmt: skip
