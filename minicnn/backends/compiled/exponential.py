"""exp and its relatives as a few multiplications, so that loops over them use vectors.

The C library takes one number at a time and costs some 5 to 20 nanoseconds. What stands here
is branch-free: the compiler turns a loop that calls it into instructions that do 8 or 16
numbers at once.

    exp(x)          = 2^n e^r,      n = round(x / log 2),  r = x - n log 2  in +-log(2) / 2
    exp_minus_1(x)  = 2^n (e^r - 1) + (2^n - 1),           which keeps its digits near x = 0
    normal_tail(x)  = erfc(|x| / sqrt 2) / 2 = e^(-x^2 / 2) t P(2 z t - 1),  t = 1 / (z + k),
                      z = |x| / sqrt 2

2^n is written straight into the exponent bits. e^r and P are polynomials of smallest largest
error, found with Remez's exchange algorithm in 50 digits (Muller, "Elementary Functions",
chapter 3). The substitution t maps [0, infinity) to a finite interval, in which z -> (z + k)
e^(z^2) erfc(z) is nearly a straight line (Shepherd and Laframboise, "Chebyshev Approximation
of (1 + 2x) exp(x^2) erfc x", Mathematics of Computation 36 (1981), 249-253).

Largest relative error, measured on half a million numbers against 40 digits (float64) and
against float64 (float32), in units of the last place, 1.2e-7 and 2.2e-16:

    ===============================  =======  =======
    function                         float32  float64
    ===============================  =======  =======
    exp                                  0.8      0.8
    exp_minus_1                          0.8      1.0
    normal_tail: e^(-x^2 / 2)            1.0      1.1
    normal_tail: Phi(-|x|)               2.6      2.8
    ===============================  =======  =======

exp stops at the smallest normal number (1e-38, 2e-308) and is 0 below half of it.
NaN gives NaN. All rounding errors that matter are spelled with `fma`, a multiplication and an
addition rounded once, which the compiler may not rearrange.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils

from minicnn.backends.compiled.jit import intrinsic, kernel

# (e^r - 1 - r) / r^2 for |r| <= log(2) / 2, lowest power first.
EXPONENTIAL = {
    32: (
        0.5, 0.16666576266288757, 0.04166637361049652, 0.008363181725144386,
        0.0013941122451797128,
    ),
    64: (
        0.5000000000000001, 0.16666666666666674, 0.04166666666662412, 0.008333333333322207,
        0.0013888888917217457, 0.00019841269886591, 2.4801521290973345e-05,
        2.7557242336680357e-06, 2.7620090518499427e-07, 2.5110049895858716e-08,
    ),
}  # fmt: skip

# (z + k) exp(z^2) erfc(z) as a polynomial in q = (z - k) / (z + k), lowest power first.
CENTRE = (3.0, 3.75)  # k
TAIL = {
    32: (
        1.0740069150924683, -0.8833944797515869, 0.5902283191680908, -0.3104659616947174,
        0.11952917277812958, -0.02684006094932556, -0.001227046363055706,
        0.003080577589571476, -0.0004819942987523973, -0.0003247192071285099,
    ),
    64: (
        1.0919229095627891, -0.9587415766529096, 0.7363189252217226, -0.4904702912076684,
        0.27906204903525245, -0.13195540117893753, 0.04911877858644027, -0.012535880037374653,
        0.000986338369193153, 0.0007948231114647239, -0.0003486485420022504,
        1.0593628673055742e-05, 3.747777137386334e-05, -8.901625470039312e-06,
        -3.303051514471051e-06, 1.6486510926315669e-06, 2.9839055271178355e-07,
        -2.506319874770401e-07, -4.07600448464709e-08, 2.7815706303680057e-08,
        7.288826123114158e-09,
    ),
}  # fmt: skip

LOG2_E = 1 / math.log(2)
# log 2 in two parts, for float32 and float64: what the first leaves out is in the second.
LN2_HIGH = (0.6931471824645996, 0.6931471805599453)
LN2_LOW = (-1.904654299957768e-09, 2.3190468138462996e-17)
SHIFT = (1.5 * 2.0**23, 1.5 * 2.0**52)  # a float this large has no digits behind the point
LOWEST = (-88.0, -709.2)  # from here on exp is 0: n is -127 and -1023
FARTHEST = (13.5, 38.0)  # from here on erfc(x / sqrt 2) is 0


# ---- words that Python lacks ---------------------------------------------------------------


def _llvm(name: str, arity: int) -> Any:
    """Make an intrinsic of an LLVM instruction on floats, vectorised like + and *."""

    def emit(builder: Any, kind: Any, values: Sequence[Any]) -> Any:
        bits = 32 if isinstance(kind, ir.FloatType) else 64
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind] * arity), f"llvm.{name}.f{bits}"
        )
        return builder.call(function, values)

    return emit


_fma, _copysign = _llvm("fma", 3), _llvm("copysign", 2)


@intrinsic
def fma(typing, x, y, z):  # type: ignore[no-untyped-def]
    """Return x y + z, rounded once."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _fma(builder, arguments[0].type, arguments)

    return x(x, x, x), generate


@intrinsic
def with_sign(typing, size, sign):  # type: ignore[no-untyped-def]
    """Return the size of the first number with the sign of the second."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _copysign(builder, arguments[0].type, arguments)

    return size(size, size), generate


@intrinsic
def like(typing, x, number):  # type: ignore[no-untyped-def]
    """Return a number in the dtype of x; of a pair, the one for float32 or for float64."""
    pair = isinstance(number, types.BaseTuple)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        value, kind = arguments[1], number
        if pair:
            value = builder.extract_value(value, 0 if x.bitwidth == 32 else 1)
            kind = number.types[0]
        return context.cast(builder, value, kind, x)

    return x(x, number), generate


@intrinsic
def power_of_two(typing, shifted):  # type: ignore[no-untyped-def]
    """Return 2^n for shifted = n + SHIFT; 0 for the n below that of the smallest normal number.

    The sum has n in its last bits. They become the exponent bits of the result.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        bits, one, mantissa = (
            (32, 0x3F800000, 23) if shifted.bitwidth == 32 else (64, 1023 << 52, 52)
        )
        whole = builder.bitcast(arguments[0], ir.IntType(bits))
        exponent = builder.add(builder.shl(whole, whole.type(mantissa)), whole.type(one))
        return builder.bitcast(exponent, arguments[0].type)

    return shifted(shifted), generate


def _polynomial(coefficients: dict[int, tuple[float, ...]]) -> Any:
    """Make an intrinsic that evaluates a polynomial by Horner's rule."""

    @intrinsic
    def polynomial(typing, x):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            kind = arguments[0].type
            *lower, total = (ir.Constant(kind, c) for c in coefficients[x.bitwidth])
            for coefficient in reversed(lower):
                total = _fma(builder, kind, (total, arguments[0], coefficient))
            return total

        return x(x), generate

    return polynomial


_exponential = _polynomial(EXPONENTIAL)
_tail = _polynomial(TAIL)


# ---- the functions -------------------------------------------------------------------------


@kernel
def _reduced(x):  # type: ignore[no-untyped-def]
    """Return 2^n and e^r - 1 for x = n log 2 + r."""
    # Adding the large SHIFT leaves no bits behind the point: the sum is rounded to n + SHIFT.
    shifted = fma(x, like(x, LOG2_E), like(x, SHIFT))
    n = fma(shifted, like(x, 1.0), -like(x, SHIFT))
    r = fma(n, -like(x, LN2_HIGH), x)
    r = fma(n, -like(x, LN2_LOW), r)
    return power_of_two(shifted), fma(r * r, _exponential(r), r)


@kernel
def exp(x):  # type: ignore[no-untyped-def]
    """Return e^x for x <= 0; less than half the smallest normal number becomes 0."""
    x = like(x, LOWEST) if x < like(x, LOWEST) else x
    power, p = _reduced(x)
    return fma(p, power, power)


@kernel
def exp_minus_1(x):  # type: ignore[no-untyped-def]
    """Return e^x - 1 for x <= 0."""
    x = like(x, -40.0) if x < like(x, -40.0) else x
    power, p = _reduced(x)
    return fma(p, power, power - like(x, 1.0))


@kernel
def normal_tail(x):  # type: ignore[no-untyped-def]
    """Return Phi(-|x|) and e^(-x^2 / 2), Phi being the normal distribution function."""
    size = abs(x)
    size = like(x, FARTHEST) if size > like(x, FARTHEST) else size
    square = size * size
    rest = fma(size, size, -square)  # what rounding took from the square
    density = exp(square * like(x, -0.5))
    density = fma(density, rest * like(x, -0.5), density)
    z = size * like(x, math.sqrt(0.5))
    t = like(x, 1.0) / (z + like(x, CENTRE))
    tail = density * like(x, 0.5) * (t * _tail(fma(z + z, t, like(x, -1.0))))
    return tail, density
