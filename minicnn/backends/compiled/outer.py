"""The inner loop of the blocked convolution: a sum of outer products, held in registers.

Forward, dx and dw of a convolution are one and the same sum, once the channels lie side by
side in vectors of L numbers (see `minicnn.backends.compiled.blocks`):

    out[p, q] = start[p, q] + sum_s sum_t  a[a_s + p a_step + t a_inc]  b[b_s + q b_block + t b_inc]
                                           ---------- a number ------  ------- a vector of L -----

    forward   p: pixels of a row    q: blocks of output channels   t: input channels   s: taps
    dx        p: pixels of a row    q: blocks of input channels    t: output channels  s: taps
    dw        p: input channels     q: blocks of output channels   t: pixels of a row  s: rows

The idea: P x Q sums stay in vector registers for the whole double sum. Each turn of the
inner loop loads Q vectors and P numbers, which the processor copies to all lanes on the
way, and does P Q fused multiply-adds: 16 sums for 10 loads. That is the matrix product's
classic trick (Goto and van de Geijn 2008), applied to the image where it lies: nothing is
unfolded (im2col), and nothing is computed for the sake of the layout.

A processor can start two multiply-adds in each cycle and waits four cycles for a result,
so at least eight sums must be under way: 8 x 2 vectors with AVX-512, which has 32
registers (14 x 2 also hide the loads); 6 x 2 with AVX2, which has 16.

The order of every sum is fixed by the shapes, so the bits are too.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils

from minicnn.backends.compiled.jit import intrinsic, kernel
from minicnn.backends.compiled.simd import (
    CONTRACT,
    VECTOR_BYTES,
    Vector,
    address,
    spread,
    vector_type,
)

BLOCKS = 2  # Q: blocks of channels computed together, at most
WEIGHT_BYTES = 24576  # of the weights that are used again and again
WIDE = VECTOR_BYTES == 64  # AVX-512, which has 32 registers instead of 16
TALLEST = 16 if WIDE else 12  # P at most for one block ...
TALLEST_PAIR = 14 if WIDE else 6  # ... and for two

_INT = types.intp
_index = cgutils.intp_t


@intrinsic
def _outer(  # type: ignore[no-untyped-def]
    typing, p, q, out, o0, o_step, o_block, start, i0, i_step, i_block, a, a0, a_step, a_inc,
    b, b0, b_inc, b_block, segments, s0, s1,
):  # fmt: skip
    """Do the sum of this file's head for q blocks and p numbers, at most `tallest`.

    ``segments`` holds (a_s, b_s, count of t) for each s; the sum goes over s0 <= s < s1.
    """
    kinds = (
        _INT, _INT, out, _INT, _INT, _INT, start, _INT, _INT, _INT, a, _INT, _INT, _INT,
        b, _INT, _INT, _INT, segments, _INT, _INT,
    )  # fmt: skip

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        cases = [(p, 1) for p in range(1, TALLEST + 1)]
        cases += [(p, 2) for p in range(1, TALLEST_PAIR + 1)]
        choice = builder.add(builder.mul(values[1], _index(TALLEST + 1)), values[0])
        end = builder.append_basic_block("end")
        switch = builder.switch(choice, end)
        for p, q in cases:
            here = builder.append_basic_block(f"tile_{p}_{q}")
            switch.add_case(_index(q * (TALLEST + 1) + p), here)
            builder.position_at_end(here)
            _tile(context, builder, signature.args, values, p, q)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(*kinds), generate


def _tile(context: Any, builder: Any, kinds: Any, values: Any, p_count: int, q_count: int) -> None:
    """Emit the code for P = p_count, Q = q_count."""
    (
        _, _, out, o0, o_step, o_block, start, i0, i_step, i_block, a, a0, a_step, a_inc,
        b, b0, b_inc, b_block, segments, s0, s1,
    ) = values  # fmt: skip
    dtype = kinds[2].dtype
    vector = vector_type(Vector(dtype))
    align = dtype.bitwidth // 8

    def place(first: Any, p: int, step: Any, q: int, block: Any) -> Any:
        ahead = builder.add(builder.mul(step, _index(p)), builder.mul(block, _index(q)))
        return builder.add(first, ahead)

    def load(kind: Any, array: Any, index: Any) -> Any:
        value = builder.load(address(context, builder, kind, array, index, vector))
        value.align = align
        return value

    def number(kind: Any, array: Any, index: Any) -> Any:
        data = context.make_array(kind)(context, builder, array).data
        return builder.load(builder.gep(data, [index]))

    tile = [(p, q) for p in range(p_count) for q in range(q_count)]
    sums = {}
    for p, q in tile:  # local variables, which LLVM keeps in registers
        first = load(kinds[6], start, place(i0, p, i_step, q, i_block))
        sums[p, q] = cgutils.alloca_once(builder, vector)
        builder.store(first, sums[p, q])
    with cgutils.for_range(builder, builder.sub(s1, s0)) as outer:
        row = builder.mul(builder.add(s0, outer.index), _index(3))
        a_s, b_s, count = (
            number(kinds[18], segments, builder.add(row, _index(k))) for k in range(3)
        )
        a_s, b_s = builder.add(a0, a_s), builder.add(b0, b_s)
        with cgutils.for_range(builder, count) as inner:
            a_t = builder.add(a_s, builder.mul(inner.index, a_inc))
            b_t = builder.add(b_s, builder.mul(inner.index, b_inc))
            right = [load(kinds[14], b, place(b_t, 0, a_inc, q, b_block)) for q in range(q_count)]
            for p in range(p_count):
                left = number(kinds[10], a, builder.add(a_t, builder.mul(a_step, _index(p))))
                left = spread(builder, left, vector)
                for q in range(q_count):
                    product = builder.fmul(left, right[q], flags=CONTRACT)
                    sum_ = builder.fadd(builder.load(sums[p, q]), product, flags=CONTRACT)
                    builder.store(sum_, sums[p, q])
    for p, q in tile:
        to = address(context, builder, kinds[2], out, place(o0, p, o_step, q, o_block), vector)
        builder.store(builder.load(sums[p, q]), to).align = align


@kernel
def correlate(  # type: ignore[no-untyped-def]
    out, o, start, i, a, x, b, w, segments, s0, s1, rows, width, q
):
    """Compute rows x width pixels of q blocks of channels, tile by tile.

    The taps are taken some at a time, so that their weights stay in the first-level cache
    while the tiles of all rows use them; from the second time on, the sums go on from
    ``out``.

    Parameters
    ----------
    out, start, a, b, segments
        Flat arrays.
    o, i
        (origin, row, pixel, block): where things lie in ``out`` and ``start``.
    x
        (origin, row, pixel, t): the same for ``a``.
    w
        (origin, block, t): the same for ``b``.
    s0, s1
        The part of the table of taps.
    """
    tallest = TALLEST if q == 1 else TALLEST_PAIR
    tiles = (width + tallest - 1) // tallest
    portion = s1 - s0
    if portion > 0:
        tap_bytes = segments[3 * s0 + 2] * q * w[2] * out.itemsize
        portion = max(1, WEIGHT_BYTES // tap_bytes)
    source, place = start, i
    begin = s0
    while True:
        end = min(begin + portion, s1)
        for r in range(rows):
            for t in range(tiles):
                j = width * t // tiles
                p = width * (t + 1) // tiles - j
                _outer(
                    p, q, out, o[0] + r * o[1] + j * o[2], o[2], o[3],
                    source, place[0] + r * place[1] + j * place[2], place[2], place[3],
                    a, x[0] + r * x[1] + j * x[2], x[2], x[3], b, w[0], w[2], w[1],
                    segments, begin, end,
                )  # fmt: skip
        begin = end
        if begin >= s1:
            return
        source, place = out, o


@kernel
def accumulate(  # type: ignore[no-untyped-def]
    out, o0, o_block, q, groups, a, a0, a_step, a_inc, b, b0, b_inc, b_block, segments, s1
):
    """Add to the sums of q blocks of output channels, for all tiles of a weight's gradient.

    ``groups`` has a row (place in out, place in a, P) for each tile.
    """
    for k in range(0, groups.size, 3):
        to = o0 + groups[k]
        _outer(
            groups[k + 2], q, out, to, b_inc, o_block, out, to, b_inc, o_block,
            a, a0 + groups[k + 1], a_step, a_inc, b, b0, b_inc, b_block, segments, 0, s1,
        )  # fmt: skip
