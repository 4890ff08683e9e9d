"""The two inner loops that every convolution and matrix product here is made of.

Both multiply a block of weights with rows of numbers that lie in one flat buffer
and begin at tabulated offsets:

    correlate   out[r, t] = first[r] + sum_j w[r, j] source[offset[j] + t]     (sums over j)
    dots        out[r, j] = out[r, j] + sum_t a[r, t] source[offset[j] + t]    (sums over t)

A matrix product is the case offset[j] = j * columns; in a convolution the offsets
are the taps of the kernel, see `minicnn.backends.compiled.packing`.

The idea: a sum that lives in memory costs a load and a store for every
multiply-add, and the memory ports are the bottleneck. So a *tile* of sums is held
in registers for the whole loop: 4 rows by 3 vectors are 12 registers, and with 3
for the data and 1 for the weight they fill the 16 registers of an AVX2 processor
exactly. Each number loaded is then used 3 or 4 times. Numba's own vectoriser keeps
sums in memory, so the tile is written as LLVM vector code (`numba.extending.
intrinsic`), of 512 bits with AVX-512 and else of 256, which LLVM cuts up for others. Next to
each intrinsic stands the same thing as plain loops, which also does the leftovers.

The order of every sum is fixed by the shapes, so the bits are too.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils

from minicnn.backends.compiled.jit import intrinsic, kernel
from minicnn.backends.compiled.simd import (
    CONTRACT,
    VECTOR_BYTES,
    Vector,
    add_lanes,
    spread,
    vector_type,
)

ROWS = 4  # rows of a tile
VECTORS = 3  # vectors of a tile, side by side (correlate) or one per offset (dots)

_INT = types.intp
_index = cgutils.intp_t


class _Emitter:
    """A few words of LLVM: pointers into arrays, vectors, multiply-add."""

    def __init__(self, context: Any, builder: ir.IRBuilder, element: types.Float) -> None:
        self.context = context
        self.builder = builder
        kind = Vector(element)
        self.lanes, self.vector = kind.lanes, vector_type(kind)
        self.align = element.bitwidth // 8

    def pointer(self, array_type: types.Array, array: ir.Value, *indices: ir.Value) -> ir.Value:
        """Address of array[sum of indices], for a 1-D contiguous array."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        for index in indices:
            data = self.builder.gep(data, [index])
        return data

    def _as_vector(self, pointer: ir.Value, number: int = 0) -> ir.Value:
        start = self.builder.gep(pointer, [_index(number * self.lanes)])
        return self.builder.bitcast(start, self.vector.as_pointer())

    def load(self, pointer: ir.Value, number: int = 0) -> ir.Value:
        """Vector number ``number`` from a pointer."""
        value = self.builder.load(self._as_vector(pointer, number))
        value.align = self.align
        return value

    def store(self, value: ir.Value, pointer: ir.Value, number: int = 0) -> None:
        """Write vector number ``number`` behind a pointer."""
        self.builder.store(value, self._as_vector(pointer, number)).align = self.align

    def splat(self, scalar: ir.Value) -> ir.Value:
        """Fill a vector with one number."""
        return spread(self.builder, scalar, self.vector)

    def register(self, value: ir.Value) -> ir.Value:
        """Make a local vector variable, which LLVM keeps in a register."""
        slot = cgutils.alloca_once(self.builder, self.vector)
        self.builder.store(value, slot)
        return slot

    def multiply_add(self, slot: ir.Value, x: ir.Value, y: ir.Value) -> None:
        """Compute slot += x * y."""
        product = self.builder.fmul(x, y, flags=CONTRACT)
        total = self.builder.fadd(self.builder.load(slot), product, flags=CONTRACT)
        self.builder.store(total, slot)

    def total(self, value: ir.Value) -> ir.Value:
        """Add up the lanes of a vector."""
        return add_lanes(self.builder, value, self.vector)


def _correlate_tile(rows: int) -> Any:
    """Make the intrinsic for ``rows`` rows by 3 vectors; arguments as in `correlate`."""

    @intrinsic
    def tile(  # type: ignore[no-untyped-def]
        typing, out, o0, o_step, first, f0, w, w0, w_step, source, s0, offsets, j0, count
    ):
        arrays = (out, _INT, _INT, first, _INT, w, _INT, _INT, source, _INT, offsets, _INT, _INT)
        signature = types.void(*arrays)

        def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
            out, o0, o_step, first, f0, w, w0, w_step, source, s0, offsets, j0, count = values
            kinds = signature.args
            emit = _Emitter(context, builder, kinds[0].dtype)
            sums = []
            for r in range(rows):
                start = builder.load(emit.pointer(kinds[3], first, f0, _index(r)))
                sums.append([emit.register(emit.splat(start)) for _ in range(VECTORS)])
            weights = [
                emit.pointer(kinds[5], w, w0, builder.mul(w_step, _index(r))) for r in range(rows)
            ]
            with cgutils.for_range(builder, count) as loop:
                offset = builder.load(emit.pointer(kinds[10], offsets, j0, loop.index))
                begin = emit.pointer(kinds[8], source, s0, offset)
                data = [emit.load(begin, v) for v in range(VECTORS)]
                for r in range(rows):
                    weight = emit.splat(builder.load(builder.gep(weights[r], [loop.index])))
                    for v in range(VECTORS):
                        emit.multiply_add(sums[r][v], data[v], weight)
            for r in range(rows):
                row = emit.pointer(kinds[0], out, o0, builder.mul(o_step, _index(r)))
                for v in range(VECTORS):
                    emit.store(builder.load(sums[r][v]), row, v)
            return context.get_dummy_value()

        return signature, generate

    return tile


def _dots_tile(rows: int, columns: int) -> Any:
    """Make the intrinsic for ``rows`` by ``columns`` dot products; arguments as in `dots`."""

    @intrinsic
    def tile(  # type: ignore[no-untyped-def]
        typing, out, o0, o_step, a, a0, a_step, source, s0, offsets, j0, length
    ):
        arrays = (out, _INT, _INT, a, _INT, _INT, source, _INT, offsets, _INT, _INT)
        signature = types.void(*arrays)

        def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
            out, o0, o_step, a, a0, a_step, source, s0, offsets, j0, length = values
            kinds = signature.args
            emit = _Emitter(context, builder, kinds[0].dtype)
            zero = ir.Constant(emit.vector, None)
            sums = [[emit.register(zero) for _ in range(columns)] for _ in range(rows)]
            left = [
                emit.pointer(kinds[3], a, a0, builder.mul(a_step, _index(r))) for r in range(rows)
            ]
            right = []
            for c in range(columns):
                offset = builder.load(emit.pointer(kinds[8], offsets, j0, _index(c)))
                right.append(emit.pointer(kinds[6], source, s0, offset))
            step = _index(emit.lanes)
            with cgutils.for_range_slice(builder, _index(0), length, step) as (t, _):
                x = [emit.load(builder.gep(pointer, [t])) for pointer in left]
                for c in range(columns):
                    y = emit.load(builder.gep(right[c], [t]))
                    for r in range(rows):
                        emit.multiply_add(sums[r][c], x[r], y)
            for r in range(rows):
                row = emit.pointer(kinds[0], out, o0, builder.mul(o_step, _index(r)))
                for c in range(columns):
                    place = builder.gep(row, [_index(c)])
                    total = emit.total(builder.load(sums[r][c]))
                    builder.store(builder.fadd(builder.load(place), total), place)
            return context.get_dummy_value()

        return signature, generate

    return tile


_correlate_4 = _correlate_tile(ROWS)
_correlate_1 = _correlate_tile(1)
_dots_4x3 = _dots_tile(ROWS, VECTORS)
_dots_1x3 = _dots_tile(1, VECTORS)
_dots_1x1 = _dots_tile(1, 1)


@kernel
def correlate(  # type: ignore[no-untyped-def]
    out, o0, o_step, rows, length, first, f0, w, w0, w_step, source, s0, offsets, j0, count
):
    """Set ``rows`` rows of ``length`` outputs to weighted sums of shifted pieces of ``source``.

    out[o0 + r o_step + t] =
        first[f0 + r] + sum_j w[w0 + r w_step + j] source[s0 + offsets[j0 + j] + t]

    for r < rows, t < length, j < count. All arrays are 1-D. Nothing outside these
    ranges is read or written: the last tile of a row moves back until it ends with
    the row, and computes some outputs a second time.
    """
    width = VECTORS * (VECTOR_BYTES // out.itemsize)
    if length < width:
        for r in range(rows):
            for t in range(length):
                total = first[f0 + r]
                for j in range(count):
                    total += w[w0 + r * w_step + j] * source[s0 + offsets[j0 + j] + t]
                out[o0 + r * o_step + t] = total
        return
    for begin in range(0, length, width):
        t = min(begin, length - width)
        r = 0
        while r + ROWS <= rows:
            o, v = o0 + r * o_step + t, w0 + r * w_step
            _correlate_4(
                out, o, o_step, first, f0 + r, w, v, w_step, source, s0 + t, offsets, j0, count
            )
            r += ROWS
        while r < rows:
            o, v = o0 + r * o_step + t, w0 + r * w_step
            _correlate_1(
                out, o, o_step, first, f0 + r, w, v, w_step, source, s0 + t, offsets, j0, count
            )
            r += 1


@kernel
def dots(  # type: ignore[no-untyped-def]
    out, o0, o_step, a, a0, a_step, rows, length, source, s0, offsets, j0, count
):
    """Add dot products of the rows of ``a`` with shifted pieces of ``source``.

    out[o0 + r o_step + j] += sum_t a[a0 + r a_step + t] source[s0 + offsets[j0 + j] + t]

    for r < rows, t < length, j < count. All arrays are 1-D.
    """
    lanes = VECTOR_BYTES // out.itemsize
    whole = length - length % lanes
    j = 0
    while j < count:
        columns = VECTORS if j + VECTORS <= count else 1
        r = 0
        while r < rows:
            block = ROWS if columns == VECTORS and r + ROWS <= rows else 1
            o, left = o0 + r * o_step + j, a0 + r * a_step
            if block == ROWS:
                _dots_4x3(out, o, o_step, a, left, a_step, source, s0, offsets, j0 + j, whole)
            elif columns == VECTORS:
                _dots_1x3(out, o, o_step, a, left, a_step, source, s0, offsets, j0 + j, whole)
            else:
                _dots_1x1(out, o, o_step, a, left, a_step, source, s0, offsets, j0 + j, whole)
            if whole < length:
                for i in range(block):
                    for c in range(columns):
                        total = out[o + i * o_step + c]
                        right = s0 + offsets[j0 + j + c]
                        for t in range(whole, length):
                            total += a[left + i * a_step + t] * source[right + t]
                        out[o + i * o_step + c] = total
            r += block
        j += columns
