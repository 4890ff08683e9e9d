"""A training step's kernels, written down once and then run without Python in between.

Calling a kernel from Python and waking a thread for it takes 50 to 100 microseconds, as
long as a small network's stage. The calls of a step are the same each time, with the same
arrays, so they are recorded: each is a row of a *tape*,

    (address of the kernel, how many pieces, arguments: address and length of an array, or a number)

and `play` goes from row to row. All threads play the same tape: each takes the next piece of
the row that nobody has, until there is none, and waits until the others have finished theirs.
A thread that comes late finds the first rows done and catches up, so nobody has to
wait for the helpers to wake up. Which thread computes a piece makes no difference to its
bits, see `minicnn.backends.compiled.threads`.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.core import cgutils
from numba.np.numpy_support import from_dtype
from numpy.typing import DTypeLike

from minicnn.backends.compiled import atomics
from minicnn.backends.compiled.atomics import LINE
from minicnn.backends.compiled.blocks import (
    average,
    fill,
    pack_weights,
    pad,
    spread_average,
    take,
    unpack_weights,
)
from minicnn.backends.compiled.jit import inlined, intrinsic, kernel
from minicnn.backends.compiled.norm_stage import coefficients, merge
from minicnn.backends.compiled.stage import (
    convolve_and_finish,
    convolve_and_measure,
    finish_planes,
    how_at,
)
from minicnn.backends.compiled.stage_backward import convolve_backward, gate_and_sum, sum_chunks

(
    FILL, TAKE, PACK, PAD, CONVOLVE, MEASURE, MERGE, FINISH, GATE, COEFFICIENTS, BACKWARD,
    UNPACK, SUM_BIAS, AVERAGE, SPREAD,
) = range(15)  # fmt: skip
COLUMNS = 96
FIRST = 2  # column of the first argument
TURNS, GRAIN = COLUMNS - 2, COLUMNS - 1  # a thread takes GRAIN pieces at a time, TURNS times in all

# The numbers by which threads meet, one to a cache line; then two for each row.
OPEN, INSIDE, FROM, TO, CALLS = 0, LINE, 2 * LINE, 2 * LINE + 1, 3 * LINE
COUNTERS = 4 * LINE


@inlined
def _array(row, k, like):  # type: ignore[no-untyped-def]
    return atomics.array_at(row[k], row[k + 1], like)


@inlined
def _place(row, k):  # type: ignore[no-untyped-def]
    return row[k], row[k + 1], row[k + 2], row[k + 3], row[k + 4]


@inlined
def _four(row, k):  # type: ignore[no-untyped-def]
    return row[k], row[k + 1], row[k + 2], row[k + 3]


@kernel
def _convolve(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    convolve_and_finish(
        a, z, scratch, _array(row, 2, f), _place(row, 4), _array(row, 9, u), _array(row, 11, f),
        _place(row, 13), _array(row, 18, f), _place(row, 20), row[25], (row[26], row[27]),
        _array(row, 28, f), row[30], _array(row, 31, f), _array(row, 33, row), row[35],
        how_at(row, 36), numbers[row[49]], row[50], row[51],
    )  # fmt: skip


@kernel
def _measure(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    convolve_and_measure(
        a, z, _array(row, 2, f), _array(row, 4, f), _array(row, 6, f), _array(row, 8, f),
        _place(row, 10), row[15], (row[16], row[17]), _array(row, 18, f), row[20],
        _array(row, 21, f), _array(row, 23, row), row[25], (row[26], row[27]), row[28], row[29],
    )  # fmt: skip


@kernel
def _merge(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    merge(
        a, z, _array(row, 2, f), _array(row, 4, numbers), _array(row, 6, f), _array(row, 8, f),
        _array(row, 10, f), _array(row, 12, f), _array(row, 14, f), _array(row, 16, f), row[18],
        row[19], numbers[row[20]], numbers[row[21]], row[22],
    )  # fmt: skip


@kernel
def _finish(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    finish_planes(
        a, z, _array(row, 2, f), _place(row, 4), _array(row, 9, u), _array(row, 11, f),
        _place(row, 13), _array(row, 18, f), _array(row, 20, f), row[22], how_at(row, 23),
        numbers[row[36]],
    )  # fmt: skip


@kernel
def _gate(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    gate_and_sum(
        a, z, _array(row, 2, f), _array(row, 4, f), _array(row, 6, f), _array(row, 8, f),
        _array(row, 10, f), _place(row, 12), _array(row, 17, u), _array(row, 19, f),
        _array(row, 21, f), row[23], how_at(row, 24), numbers[row[37]], row[38],
    )  # fmt: skip


@kernel
def _coefficients(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    coefficients(
        a, z, _array(row, 2, f), _array(row, 4, f), _array(row, 6, f), _array(row, 8, f),
        _array(row, 10, f), _array(row, 12, numbers), _array(row, 14, f), row[16], row[17],
    )  # fmt: skip


@kernel
def _backward(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    convolve_backward(
        a, z, scratch, _array(row, 2, f), _place(row, 4), row[9], _array(row, 10, row),
        _array(row, 12, row), _array(row, 14, f), row[16], _array(row, 17, f), _array(row, 19, f),
        _array(row, 21, row), _array(row, 23, row), _array(row, 25, row), _array(row, 27, f),
        _array(row, 29, f), _place(row, 31), _array(row, 36, u), _array(row, 38, f),
        _array(row, 40, f), row[42], _array(row, 43, f), _place(row, 45), (row[50], row[51]),
        row[52], _array(row, 53, f), _place(row, 55), row[60], row[61], row[62], row[63], row[64],
        how_at(row, 65), numbers[row[78]],
    )  # fmt: skip


@kernel
def _pack(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    pack_weights(
        a, z, _array(row, 2, f), _array(row, 4, f), row[6], row[7], row[8], row[9], row[10],
        row[11],
    )  # fmt: skip


@kernel
def _unpack(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    unpack_weights(
        a, z, _array(row, 2, f), _array(row, 4, f), row[6], row[7], row[8], row[9], row[10],
        row[11],
    )  # fmt: skip


@kernel
def _pad(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    pad(a, z, _array(row, 2, f), _array(row, 4, f))


@kernel
def _sum_bias(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    sum_chunks(a, z, _array(row, 2, f), _array(row, 4, f), row[6], row[7])


@kernel
def _lay_out(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    fill(a, z, _array(row, 2, f), _place(row, 4), _array(row, 9, f), _four(row, 11))


@kernel
def _read_out(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    take(a, z, _array(row, 2, f), _four(row, 4), _array(row, 8, f), _place(row, 10))


@kernel
def _average(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    average(a, z, _array(row, 2, f), _four(row, 4), _array(row, 8, f), _place(row, 10))


@kernel
def _spread(a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    spread_average(a, z, _array(row, 2, f), _place(row, 4), _array(row, 9, f), _four(row, 11))


KERNELS = {
    FILL: _lay_out, TAKE: _read_out, PACK: _pack, PAD: _pad, CONVOLVE: _convolve,
    MEASURE: _measure, MERGE: _merge, FINISH: _finish, GATE: _gate,
    COEFFICIENTS: _coefficients, BACKWARD: _backward, UNPACK: _unpack, SUM_BIAS: _sum_bias,
    AVERAGE: _average, SPREAD: _spread,
}  # fmt: skip


# ---- calling a kernel by its address -----------------------------------------------------


def address_of(kind: int, dtype: DTypeLike) -> int:
    """Compile the kernel of a row for a dtype, if it has not been yet, and return where it lies.

    Were `play` to name the kernels, Numba would compile all of them into it, used or not, and
    once more at each level of calls.
    """
    floats = types.Array(from_dtype(np.dtype(dtype)), 1, "C")
    integers, doubles = types.Array(types.int64, 1, "C"), types.Array(types.float64, 1, "C")
    codes = types.Array(types.uint8, 1, "C")
    signature = (types.int64, types.int64, floats, integers, doubles, floats, codes)
    dispatcher = KERNELS[kind]
    dispatcher.compile(signature)
    result = dispatcher.overloads[signature]
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


@intrinsic
def _call(typing, address, a, z, scratch, row, numbers, f, u):  # type: ignore[no-untyped-def]
    """Call the kernel at an address, with Numba's own calling convention."""
    signature = types.void(address, types.int64, types.int64, scratch, row, numbers, f, u)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kinds = signature.args[1:]
        convention = context.call_conv
        function_type = convention.get_function_type(types.none, kinds)
        function = builder.inttoptr(arguments[0], function_type.as_pointer())
        result = cgutils.alloca_once(builder, function_type.args[0].pointee)
        error = cgutils.alloca_once(builder, function_type.args[1].pointee)
        flat = context.get_arg_packer(kinds).as_arguments(builder, arguments[1:])
        builder.call(function, [result, error, *flat])  # kernels raise nothing
        return context.get_dummy_value()

    return signature, generate


@kernel
def _play_rows(scratch, rows, begin, end, numbers, f, u, state):  # type: ignore[no-untyped-def]
    """Take pieces of the rows begin..end until all are done."""
    for k in range(begin, end):
        row = rows[k]
        turns, grain = row[TURNS], row[GRAIN]
        next_turn, finished = COUNTERS + 2 * k * LINE, COUNTERS + (2 * k + 1) * LINE
        while True:
            turn = atomics.add(state, next_turn, 1)
            if turn >= turns:
                break
            last = min((turn + 1) * grain, row[1])
            _call(row[0], turn * grain, last, scratch, row, numbers, f, u)
            atomics.add(state, finished, 1)
        spins = 0
        while atomics.get(state, finished) < turns:
            spins = atomics.relax(spins)


@kernel
def play(scratch, rows, begin, end, numbers, f, u, state):  # type: ignore[no-untyped-def]
    """Play rows begin..end, with whoever joins through `help_out`."""
    for k in range(begin, end):
        atomics.put(state, COUNTERS + 2 * k * LINE, 0)
        atomics.put(state, COUNTERS + (2 * k + 1) * LINE, 0)
    atomics.put(state, FROM, begin)
    atomics.put(state, TO, end)
    atomics.add(state, CALLS, 1)
    atomics.put(state, OPEN, 1)
    _play_rows(scratch, rows, begin, end, numbers, f, u, state)
    atomics.put(state, OPEN, 0)
    # Whoever is still inside is on the way out, since all rows are done.
    while atomics.get(state, INSIDE) > 0:
        atomics.pause()


@kernel
def help_out(spins, scratch, rows, numbers, f, u, state):  # type: ignore[no-untyped-def]
    """Join whoever plays this tape, until nobody has for ``spins`` turns."""
    turns = 0
    seen = -1
    while turns < spins:
        if atomics.get(state, OPEN) == 1 and atomics.get(state, CALLS) != seen:
            atomics.add(state, INSIDE, 1)
            if atomics.get(state, OPEN) == 1:
                seen = atomics.get(state, CALLS)
                begin, end = atomics.get(state, FROM), atomics.get(state, TO)
                _play_rows(scratch, rows, begin, end, numbers, f, u, state)
            atomics.add(state, INSIDE, -1)
            turns = 0
        turns = atomics.relax(turns)
