"""Output sizes, said once.

Along one axis, a window of ``kernel`` taps that are ``dilation`` apart covers
``dilation * (kernel - 1) + 1`` pixels. Moved over ``size + 2 * padding`` pixels
in steps of ``stride`` it fits

    out = floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1

times. Convolution and pooling both use this line; transposed convolution
inverts it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from minicnn.errors import ArgumentError, ShapeError

Pair = tuple[int, int]


def pair(value: int | Sequence[int], name: str, minimum: int = 1) -> Pair:
    """Turn an int or a pair of ints into a pair ``(vertical, horizontal)``.

    Parameters
    ----------
    value
        One int for both axes, or two ints.
    name
        What to call the argument in an error.
    minimum
        The smallest value allowed.

    Raises
    ------
    ArgumentError
        If ``value`` is neither, or below ``minimum``.
    """
    try:
        values = (value, value) if not isinstance(value, Sequence) else tuple(value)
        if len(values) != 2:
            raise TypeError
        # operator.index refuses floats; bool is an int to Python but never a size.
        if any(isinstance(v, bool) for v in values):
            raise TypeError
        first, second = (operator.index(v) for v in values)
    except TypeError:
        raise ArgumentError(
            f"{name} is {value!r}; expected an int or a pair of ints (vertical, horizontal)"
        ) from None
    if min(first, second) < minimum:
        raise ArgumentError(f"{name} is {value!r}; each entry must be at least {minimum}")
    return first, second


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Count the positions of a window along one axis (may be < 1 where nothing fits)."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def window_output_size(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> Pair:
    """Return the output height and width of a convolution or pooling.

    Raises
    ------
    ShapeError
        If the window does not fit even once; the message names every number.
    """
    out_h = output_size(size[0], kernel[0], stride[0], padding[0], dilation[0])
    out_w = output_size(size[1], kernel[1], stride[1], padding[1], dilation[1])
    if out_h < 1 or out_w < 1:
        need = tuple(
            max(1, d * (k - 1) + 1 - 2 * p)
            for k, p, d in zip(kernel, padding, dilation, strict=True)
        )
        raise ShapeError(
            f"the window does not fit: input {size[0]}x{size[1]}, kernel {kernel[0]}x{kernel[1]}, "
            f"stride {stride}, padding {padding}, dilation {dilation} would give an output of "
            f"{max(out_h, 0)}x{max(out_w, 0)}; the input must be at least {need[0]}x{need[1]}, "
            f"or take a smaller kernel or more padding"
        )
    return out_h, out_w


def transposed_output_size(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair
) -> Pair:
    """Return the output height and width of a transposed convolution.

    It is the input size of the convolution it is the adjoint of,
    (size - 1) stride - 2 padding + dilation (kernel - 1) + 1, plus ``output_padding``,
    which picks one of the ``stride`` input sizes that give the same output size.

    Raises
    ------
    ShapeError
        If nothing would be left.
    ArgumentError
        If ``output_padding`` is not smaller than stride or dilation.
    """
    for o, s, d in zip(output_padding, stride, dilation, strict=True):
        if o >= max(s, d):
            raise ArgumentError(
                f"output_padding is {output_padding}; each entry must be smaller than "
                f"the stride {stride} or the dilation {dilation}"
            )
    out = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + o
        for n, k, s, p, o, d in zip(
            size, kernel, stride, padding, output_padding, dilation, strict=True
        )
    )
    if min(out) < 1:
        raise ShapeError(
            f"nothing is left: input {size[0]}x{size[1]}, kernel {kernel[0]}x{kernel[1]}, "
            f"stride {stride}, padding {padding}, dilation {dilation}, output_padding "
            f"{output_padding} would give {out[0]}x{out[1]}; take less padding"
        )
    return out[0], out[1]


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """Check that both channel counts can be dealt out to ``groups`` equal groups."""
    if in_channels % groups or out_channels % groups:
        raise ArgumentError(
            f"groups is {groups}; it must divide both in_channels ({in_channels}) "
            f"and out_channels ({out_channels})"
        )


def check_pool_padding(kernel: Pair, padding: Pair) -> None:
    """Check that no pooling window can lie in the padding alone."""
    if 2 * padding[0] > kernel[0] or 2 * padding[1] > kernel[1]:
        raise ArgumentError(
            f"padding is {padding}; it may be at most half the kernel {kernel}, "
            f"so that no window sees only padding"
        )


def check_images(shape: tuple[int, ...], channels: int | None = None) -> None:
    """Check that ``shape`` is (N, C, H, W), with ``channels`` channels if that is given."""
    if len(shape) != 4:
        raise ShapeError(f"x has shape {tuple(shape)}, {len(shape)} axes; expected 4: (N, C, H, W)")
    if channels is not None and shape[1] != channels:
        raise ShapeError(
            f"x has {shape[1]} channels (shape {tuple(shape)}); this layer takes {channels}"
        )
