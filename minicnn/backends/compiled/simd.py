"""Vectors of numbers as values inside kernels.

A processor adds 4, 8 or 16 numbers in one instruction. Numba finds such instructions by
itself in a plain loop, but not across the channels of a pixel, where each inner loop is
short. So the vector becomes a value that kernels can name:

    z = load(y, t) * scale + shift        16 channels of a pixel at once
    store(out, t, larger(z, 0 * z))

`LANES` numbers of float32, half as many of float64, fill a vector register of the
processor at hand. The words `load`, `store`, `splat`, `larger`, `select`, and the
operators + - * > on vectors are all there is; each becomes one LLVM instruction.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import register_model
from numpy.typing import DTypeLike

from minicnn.backends.compiled.jit import intrinsic

CONTRACT = ("contract",)  # a product and a sum may become one fused multiply-add


def _vector_bytes() -> int:
    """How many bytes a vector register has: 64 with AVX-512, else 32.

    LLVM cuts a vector in two where the registers are shorter (NEON has 16 bytes, and twice
    as many registers).
    """
    return 64 if llvm.get_host_cpu_features().get("avx512f", False) else 32


VECTOR_BYTES = _vector_bytes()


def lanes(dtype: DTypeLike) -> int:
    """Return how many numbers of a dtype fill a vector."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


class _Lanes(types.Type):
    """Something that there is one of per lane."""

    lanes: int


class Vector(_Lanes):
    """A register full of numbers of one dtype."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        self.lanes = VECTOR_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Vector({dtype} x {self.lanes})")


class Mask(_Lanes):
    """One truth value per lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


class Codes(_Lanes):
    """One byte per lane: which tap of a window won."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Codes({lanes})")


def _element(kind: _Lanes) -> ir.Type:
    if isinstance(kind, Vector):
        return ir.FloatType() if kind.dtype.bitwidth == 32 else ir.DoubleType()
    return ir.IntType(1) if isinstance(kind, Mask) else ir.IntType(8)


def vector_type(kind: _Lanes) -> ir.VectorType:
    """Return the LLVM type of a `Vector`, `Mask` or `Codes`."""
    return ir.VectorType(_element(kind), kind.lanes)


def _model(dmm: Any, kind: _Lanes) -> models.PrimitiveModel:
    return models.PrimitiveModel(dmm, kind, vector_type(kind))


for _kind in (Vector, Mask, Codes):
    register_model(_kind)(_model)


# ---- between memory and registers --------------------------------------------------------


def address(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    """Point at array[index], of a 1-D contiguous array, as at a vector."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def spread(builder: Any, scalar: Any, vector: Any) -> Any:
    """Fill a vector with one number."""
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(one, undefined, zeros)


def add_lanes(builder: Any, value: Any, vector: Any) -> Any:
    """Add up the lanes of a vector (as a tree, hence ``reassoc``)."""
    scalar = vector.element
    bits = 32 if isinstance(scalar, ir.FloatType) else 64
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(scalar, [scalar, vector]),
        f"llvm.vector.reduce.fadd.v{vector.count}f{bits}",
    )
    return builder.call(function, [ir.Constant(scalar, 0.0), value], fastmath=("reassoc",))


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """Return the vector array[index : index + lanes]."""
    kind = Vector(array.dtype)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        pointer = address(
            context, builder, signature.args[0], arguments[0], arguments[1], vector_type(kind)
        )
        value = builder.load(pointer)
        value.align = array.dtype.bitwidth // 8
        return value

    return kind(array, types.intp), generate


@intrinsic
def store(typing, array, index, value):  # type: ignore[no-untyped-def]
    """Set array[index : index + lanes] to a vector, or bytes to `Codes`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        to, index, value = arguments
        pointer = address(
            context, builder, signature.args[0], to, index, vector_type(signature.args[2])
        )
        builder.store(value, pointer).align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, value), generate


@intrinsic
def load_codes(typing, array, index, like):  # type: ignore[no-untyped-def]
    """Return the bytes array[index : index + lanes], as many as ``like`` has lanes."""
    kind = Codes(like.lanes)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        codes, index, _ = arguments
        pointer = address(context, builder, signature.args[0], codes, index, vector_type(kind))
        value = builder.load(pointer)
        value.align = 1
        return value

    return kind(array, types.intp, like), generate


@intrinsic
def splat(typing, array, number):  # type: ignore[no-untyped-def]
    """Return a vector of the dtype of ``array`` that holds one number in every lane."""
    kind = Vector(array.dtype)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        scalar = context.cast(builder, arguments[1], signature.args[1], array.dtype)
        return spread(builder, scalar, vector_type(kind))

    return kind(array, number), generate


@intrinsic
def codes(typing, number, like):  # type: ignore[no-untyped-def]
    """Return one byte in as many lanes as ``like`` has."""
    kind = Codes(like.lanes)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        byte = builder.trunc(arguments[0], ir.IntType(8))
        return spread(builder, byte, vector_type(kind))

    return kind(types.intp, like), generate


# ---- arithmetic --------------------------------------------------------------------------


def _binary(emit: Callable[..., Any], result: Callable[[Any], types.Type]) -> Any:
    """Make an intrinsic of two equal vectors."""

    @intrinsic
    def operation(typing, left, right):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return emit(builder, *arguments)

        return result(left)(left, right), generate

    return operation


def _same(kind: types.Type) -> types.Type:
    return kind


def _mask(kind: Any) -> types.Type:
    return Mask(kind.lanes)


# beats(x, y): where y is larger than x, or NaN
beats = _binary(
    lambda b, x, y: b.or_(b.fcmp_ordered(">", y, x), b.fcmp_unordered("uno", y, y)), _mask
)
same_code = _binary(lambda b, x, y: b.icmp_signed("==", x, y), _mask)


class _OfVectors(AbstractTemplate):
    """How Numba types an operator between two vectors of the same kind."""

    result: Callable[[Any], types.Type]

    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
            return signature(self.result(args[0]), *args)
        return None


def _operator(function: Any, emit: Callable[..., Any], result: Callable[[Any], types.Type]) -> None:
    """Give an operator of Python a meaning between vectors."""
    members = {"key": function, "result": staticmethod(result)}
    infer_global(function)(type(f"_{function.__name__}", (_OfVectors,), members))

    @lower_builtin(function, Vector, Vector)
    def lower(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return emit(builder, *arguments)


_operator(operator.add, lambda b, x, y: b.fadd(x, y, flags=CONTRACT), _same)
_operator(operator.sub, lambda b, x, y: b.fsub(x, y, flags=CONTRACT), _same)
_operator(operator.mul, lambda b, x, y: b.fmul(x, y, flags=CONTRACT), _same)
_operator(operator.gt, lambda b, x, y: b.fcmp_ordered(">", x, y), _mask)


@intrinsic
def select(typing, mask, left, right):  # type: ignore[no-untyped-def]
    """Return ``left`` where the mask is true, else ``right``."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.select(*arguments)

    return left(mask, left, right), generate


@intrinsic
def total(typing, value):  # type: ignore[no-untyped-def]
    """Add up the lanes of a vector (as a tree)."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return add_lanes(builder, arguments[0], vector_type(value))

    return value.dtype(value), generate
