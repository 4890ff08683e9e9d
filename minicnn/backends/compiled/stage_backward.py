"""A convolution with all that follows it, in one pass back.

With the names of `minicnn.backends.compiled.stage`, and g the gradient of z:

    g[pixel] = sum over the windows it won: act'(out) dout
    dy       = rstd weight (g - mean(g) - (y - mean(y)) mean(g (y - mean(y))) rstd^2)   batch norm
    dx[c, i] = sum_{o, k} w[o, c, k] dy[o, i - k]
    dw[o, c, k] = sum_i dy[o, i] x[c, i + k],      db[o] = sum_i dy[o, i]

The idea: dy is never written to memory as a whole. A thread takes a few samples, builds
their dy in a buffer that stays in its second-level cache, and computes dx and adds to dw
from there. The means of the batch norm come from a first pass, `gate_and_sum`, which needs
only dout, y, and which pixel won.

The sum over the batch in dw is cut into chunks of samples, whose number depends on the
shapes only; each has a partial sum of its own, and they are added in order.
"""

from __future__ import annotations

from minicnn.backends.compiled.jit import exact, inlined, kernel
from minicnn.backends.compiled.outer import BLOCKS, accumulate, correlate
from minicnn.backends.compiled.simd import (
    VECTOR_BYTES,
    codes,
    load,
    load_codes,
    same_code,
    select,
    splat,
    store,
    total,
)
from minicnn.backends.compiled.stage import LEAKY, RELU, taps_inside


@inlined
def through_activation(pull, out, at, activation, steep, zero):  # type: ignore[no-untyped-def]
    """Return act'(out) pull: act is known by the sign of what it returned, out[at]."""
    if activation == LEAKY:
        pull = select(load(out, at) > zero, pull, pull * steep)
    elif activation == RELU:
        pull = select(load(out, at) > zero, pull, zero)
    return pull


@kernel
def gate_and_sum(  # type: ignore[no-untyped-def]
    first, last, g, sum_g, sum_gy, dout, out, out_at, won, y, mean, blocks, how, slope, kept
):  # fmt: skip
    """Per plane, add up g and g (y - mean); write g down too if ``kept``.

    A piece is one block of channels of one sample. ``g`` and ``dout`` have the layout
    (N, blocks, PH, PW, L); where the stage pools, only winners count.
    """
    full = VECTOR_BYTES // dout.itemsize
    size_h, size_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, top, left = how[:10]
    activation = how[10]
    pooled = kernel_h * kernel_w > 1
    zero, steep = splat(dout, 0.0), splat(dout, slope)
    for piece in range(first, last):
        n, b = piece // blocks, piece % blocks
        centre = load(mean, b * full)
        plane = piece * size_h * size_w * full
        total_g, total_gy = zero, zero
        for r in range(out_h):
            m0, m1 = taps_inside(r, stride_h, top, kernel_h, size_h)
            for j in range(out_w):
                at = ((piece * out_h + r) * out_w + j) * full
                here = out_at[0] + n * out_at[1] + b * out_at[2] + r * out_at[3] + j * full
                pull = through_activation(load(dout, at), out, here, activation, steep, zero)
                if kept:
                    store(g, at, pull)
                if pooled:
                    k0, k1 = taps_inside(j, stride_w, left, kernel_w, size_w)
                    winner, value = load_codes(won, at, zero), zero
                    for m in range(m0, m1):
                        row = plane + (r * stride_h - top + m) * size_w * full
                        for k in range(k0, k1):
                            won_here = same_code(winner, codes(m * kernel_w + k, zero))
                            tap = load(y, row + (j * stride_w - left + k) * full)
                            value = select(won_here, tap, value)
                else:
                    value = load(y, plane + (r * size_w + j) * full)
                total_g = total_g + pull
                total_gy = total_gy + pull * (value - centre)
        store(sum_g, piece * full, total_g)
        store(sum_gy, piece * full, total_gy)


@kernel
def spread(  # type: ignore[no-untyped-def]
    dy, d, db, db0, dout, p0, out, o, won, y, y0, norm, s0, normed, how, slope
):  # fmt: skip
    """Compute dy of one block of channels of one sample, and add its sum to db.

    ``d`` and ``o`` hold (origin, row). ``norm`` has rows (mean of y, factor, mean of g,
    factor of y - mean), each as long as the channels.
    """
    full = VECTOR_BYTES // dout.itemsize
    size_h, size_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, top, left = how[:10]
    activation = how[10]
    pooled = kernel_h * kernel_w > 1
    shared = kernel_h > stride_h or kernel_w > stride_w  # windows overlap
    zero, steep = splat(dout, 0.0), splat(dout, slope)
    if pooled:
        for r in range(size_h):
            for j in range(size_w):
                store(dy, d[0] + r * d[1] + j * full, zero)
    sum_ = zero
    for r in range(out_h):
        m0, m1 = taps_inside(r, stride_h, top, kernel_h, size_h)
        for j in range(out_w):
            at = (r * out_w + j) * full
            here = o[0] + r * o[1] + j * full
            pull = through_activation(load(dout, p0 + at), out, here, activation, steep, zero)
            if not pooled:
                store(dy, d[0] + r * d[1] + j * full, pull)
            else:
                k0, k1 = taps_inside(j, stride_w, left, kernel_w, size_w)
                winner = load_codes(won, p0 + at, zero)
                for m in range(m0, m1):
                    to = d[0] + (r * stride_h - top + m) * d[1] + (j * stride_w - left) * full
                    for k in range(k0, k1):
                        won_here = same_code(winner, codes(m * kernel_w + k, zero))
                        part = select(won_here, pull, zero)
                        if shared:
                            part = part + load(dy, to + k * full)
                        store(dy, to + k * full, part)
            sum_ = sum_ + pull
    if normed:
        channels = norm.size // 4
        centre, factor = load(norm, s0), load(norm, channels + s0)
        mean_g, factor_y = load(norm, 2 * channels + s0), load(norm, 3 * channels + s0)
        sum_ = zero
        for r in range(size_h):
            for j in range(size_w):
                to = d[0] + r * d[1] + j * full
                deviation = load(y, y0 + (r * size_w + j) * full) - centre
                pull = factor * (load(dy, to) - mean_g - deviation * factor_y)
                store(dy, to, pull)
                sum_ = sum_ + pull
    store(db, db0, load(db, db0) + sum_)


@kernel
def correlate_planes(  # type: ignore[no-untyped-def]
    out, o, o_step, a, x, w, w0, segments, s0, s1, rows, width
):  # fmt: skip
    """Set out[i, j] to the sum over taps and channels of a w, where out is a plane, not blocks.

    ``o`` holds (origin, row) of out, ``x`` (origin, row) of ``a``; ``segments`` has
    (a_s, w_s, -) per tap and block.
    """
    full = VECTOR_BYTES // a.itemsize
    for r in range(rows):
        for j in range(0, width, 4):
            # Four pixels at a time, the last ones twice where the width is no multiple of 4.
            j0 = min(j, max(0, width - 4))
            j1, j2, j3 = min(j0 + 1, width - 1), min(j0 + 2, width - 1), min(j0 + 3, width - 1)
            sum0, sum1 = splat(a, 0.0), splat(a, 0.0)
            sum2, sum3 = splat(a, 0.0), splat(a, 0.0)
            for s in range(s0, s1):
                at = x[0] + r * x[1] + segments[3 * s]
                weight = load(w, w0 + segments[3 * s + 1])
                sum0 = sum0 + load(a, at + j0 * full) * weight
                sum1 = sum1 + load(a, at + j1 * full) * weight
                sum2 = sum2 + load(a, at + j2 * full) * weight
                sum3 = sum3 + load(a, at + j3 * full) * weight
            to = o[0] + r * o[1]
            out[to + j0 * o_step] = total(sum0)
            out[to + j1 * o_step] = total(sum1)
            out[to + j2 * o_step] = total(sum2)
            out[to + j3 * o_step] = total(sum3)


@exact
def sum_chunks(first, last, db, partial, chunks, width):  # type: ignore[no-untyped-def]
    """Add up the chunks' sums of dy, (chunks, width); there is one piece."""
    for c in range(db.size):
        sum_ = partial[c]
        for chunk in range(1, chunks):
            sum_ += partial[chunk * width + c]
        db[c] = sum_


@kernel
def convolve_backward(  # type: ignore[no-untyped-def]
    first, last, scratch, dx, dx_at, added, phases, dx_segments, w, w_block, partial, db,
    groups, pair_groups, dw_segments, dout, out, out_at, won, y, norm, normed, x, x_at, stride,
    x_step, zeros,
    dy_at, blocks, in_blocks, batch, chunks, samples, how, slope,
):  # fmt: skip
    """Compute dx, and a partial sum of dw and db, for chunks first..last of the batch.

    ``phases`` has a row (i0, j0, rows, columns, s0, s1) for each of the stride's phases of
    dx, ``groups`` a row (place in partial, place in x, count) for each tile of dw, and
    ``pair_groups`` for the tiles of two blocks of outputs. Without
    rows in ``phases`` no dx is computed.
    """
    full = VECTOR_BYTES // dout.itemsize
    size_h, size_w, out_h, out_w = how[:4]
    planes = x_at[4] == 1
    part, part_block = partial.size // chunks, partial.size // (chunks * blocks)
    for t in range(dy_at[1] * samples):
        scratch[t] = 0
    for chunk in range(first, last):
        for t in range(chunk * part, (chunk + 1) * part):
            partial[t] = 0
        for t in range(chunk * blocks * full, (chunk + 1) * blocks * full):
            db[t] = 0
        end = batch * (chunk + 1) // chunks
        for n0 in range(batch * chunk // chunks, end, samples):
            n1 = min(n0 + samples, end)
            for n in range(n0, n1):
                for b in range(blocks):
                    plane = n * blocks + b
                    spread(
                        scratch, (dy_at[0] + (n - n0) * dy_at[1] + b * dy_at[2], dy_at[3]),
                        db, (chunk * blocks + b) * full, dout, plane * out_h * out_w * full,
                        out, (out_at[0] + n * out_at[1] + b * out_at[2], out_at[3]),
                        won, y, plane * size_h * size_w * full, norm, b * full, normed, how, slope,
                    )  # fmt: skip
                dy0 = dy_at[0] + (n - n0) * dy_at[1]
                for p in range(0, phases.size, 6):
                    i0, j0, rows, columns, s0, s1 = (
                        phases[p], phases[p + 1], phases[p + 2], phases[p + 3], phases[p + 4],
                        phases[p + 5],
                    )  # fmt: skip
                    corner = dx_at[0] + n * dx_at[1] + i0 * dx_at[3] + j0 * dx_at[4]
                    if planes:
                        for c in range(in_blocks):
                            correlate_planes(
                                dx, (corner + c * dx_at[2], stride[0] * dx_at[3]),
                                stride[1] * dx_at[4], scratch, (dy0, dy_at[3]),
                                w, c * w_block, dx_segments, s0, s1, rows, columns,
                            )  # fmt: skip
                        continue
                    for c in range(0, in_blocks, BLOCKS):
                        to = (
                            corner + c * dx_at[2], stride[0] * dx_at[3], stride[1] * dx_at[4],
                            dx_at[2],
                        )  # fmt: skip
                        start, begin = (dx, to) if added else (zeros, (0, 0, 0, 0))
                        correlate(
                            dx, to, start, begin, scratch, (dy0, dy_at[3], full, 1),
                            w, (c * w_block, w_block, full), dx_segments, s0, s1, rows, columns,
                            min(BLOCKS, in_blocks - c),
                        )  # fmt: skip
            s1 = (n1 - n0) * size_h
            for b in range(0, blocks, BLOCKS):
                q = min(BLOCKS, blocks - b)
                accumulate(
                    partial, chunk * part + b * part_block, part_block, q,
                    groups if q == 1 else pair_groups, x, x_at[0] + n0 * x_at[1], x_step,
                    stride[1] * x_at[4],
                    scratch, dy_at[0] + b * dy_at[2], full, dy_at[2], dw_segments, s1,
                )  # fmt: skip
