"""What threads need to meet inside compiled code: atomic numbers, and arrays by address.

Two threads that write the same number in memory need instructions that nobody can
interrupt. All are sequentially consistent: whoever sees a change also sees all that was written
before it.
"""

from __future__ import annotations

import sys

from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, types
from numba.core import cgutils

from minicnn.backends.compiled.jit import intrinsic, kernel

_ORDER = "seq_cst"
LINE = 8  # numbers of int64 in a cache line: those of different threads lie so far apart
SPINS_BEFORE_YIELD = 2000


def _place(context, builder, kind, array, index):  # type: ignore[no-untyped-def]
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


@intrinsic
def add(typing, array, index, number):  # type: ignore[no-untyped-def]
    """Add to array[index], of int64, and return what it was."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, index, number = arguments
        place = _place(context, builder, signature.args[0], array, index)
        return builder.atomic_rmw("add", place, number, _ORDER)

    return types.int64(array, types.intp, types.int64), generate


@intrinsic
def get(typing, array, index):  # type: ignore[no-untyped-def]
    """Return array[index], which another thread may change at any time."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        place = _place(context, builder, signature.args[0], *arguments)
        return builder.load_atomic(place, _ORDER, 8)

    return types.int64(array, types.intp), generate


@intrinsic
def put(typing, array, index, number):  # type: ignore[no-untyped-def]
    """Set array[index]."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, index, number = arguments
        place = _place(context, builder, signature.args[0], array, index)
        builder.store_atomic(number, place, _ORDER, 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), generate


@intrinsic
def swap(typing, array, index, expected, number):  # type: ignore[no-untyped-def]
    """Set array[index] to a number if it is as expected; return whether it was."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, index, expected, number = arguments
        place = _place(context, builder, signature.args[0], array, index)
        pair = builder.cmpxchg(place, expected, number, _ORDER)
        return builder.extract_value(pair, 1)

    return types.boolean(array, types.intp, types.int64, types.int64), generate


@intrinsic
def pause(typing):  # type: ignore[no-untyped-def]
    """Let the processor know that this is a loop that waits; let other programs run."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), generate


@kernel
def relax(spins):  # type: ignore[no-untyped-def]
    """Count one more turn of a loop that waits; let other programs run once it takes long."""
    if spins >= SPINS_BEFORE_YIELD:
        pause()
    return spins + 1


@intrinsic
def _pointer(typing, address, like):  # type: ignore[no-untyped-def]
    """Turn an address into a pointer to numbers of the dtype of ``like``."""
    kind = types.CPointer(like.dtype)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], context.get_value_type(kind))

    return kind(types.intp, like), generate


@kernel
def array_at(address, length, like):  # type: ignore[no-untyped-def]
    """Return the array of ``length`` numbers at an address, of the dtype of ``like``."""
    return carray(_pointer(address, like), (length,))
