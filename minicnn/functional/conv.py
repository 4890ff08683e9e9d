"""Two-dimensional convolution and its three gradients."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ShapeError
from minicnn.functional.checks import check_axes, check_float, check_shape
from minicnn.shapes import Pair, check_groups, pair, window_output_size

Size = int | Sequence[int]


def conv2d(
    x: NDArray,
    weight: NDArray,
    bias: NDArray | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> NDArray:
    """Slide every kernel over the image: y[i, j] = sum_{c, m, n} w[c, m, n] x[c, i+m, j+n] + b.

    With stride s, padding p and dilation d the pixel read is x[c, i s + m d - p, j s + n d - p],
    and x is 0 outside the image. As everywhere in deep learning this is a
    cross-correlation: the kernel is not flipped. With ``groups`` g the channels are dealt
    out to g groups that do not see each other; g = C is a depthwise convolution.

    Parameters
    ----------
    x
        (N, C, H, W), float32 or float64.
    weight
        (O, C / groups, KH, KW), of the same dtype.
    bias
        (O,) or None.
    stride, padding, dilation
        Ints, or pairs (vertical, horizontal).
    groups
        Must divide C and O.

    Returns
    -------
    NDArray
        (N, O, OH, OW), with OH = floor((H + 2 p - d (KH - 1) - 1) / s) + 1.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If shapes, dtypes or the geometry do not fit.
    """
    check_float(weight=weight, bias=bias, x=x)
    geometry = _geometry(x, weight, stride, padding, dilation, groups)
    if bias is not None:
        check_shape("bias", bias, weight.shape[:1], "one entry per output channel")
    return kernels("conv").conv2d(x, weight, bias, *geometry, groups)


def conv2d_backward(
    dy: NDArray,
    x: NDArray,
    weight: NDArray,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> tuple[NDArray, NDArray, NDArray]:
    """Gradients of `conv2d`.

    Each product w[m, n] x[i s + m d - p, j s + n d - p] fed y[i, j]; so dy[i, j] w[m, n] is
    added to that pixel's gradient, dy[i, j] x[...] to that weight's, and dy[i, j] to the
    bias's.

    Parameters
    ----------
    dy
        (N, O, OH, OW), the gradient of the loss with respect to y.
    x, weight, stride, padding, dilation, groups
        As given to `conv2d`.

    Returns
    -------
    dx, dw, db
        Of the shapes of x, of weight, and (O,).
    """
    check_float(weight=weight, x=x, dy=dy)
    geometry = _geometry(x, weight, stride, padding, dilation, groups)
    out = window_output_size(_plane(x), _plane(weight), *geometry)
    check_shape("dy", dy, (x.shape[0], weight.shape[0], *out), "the shape of y")
    backend = kernels("conv")
    dx = backend.conv2d_dx(dy, weight, x.shape, *geometry, groups)  # (N, C, H, W)
    dw = backend.conv2d_dw(dy, x, weight.shape, *geometry, groups)  # (O, C / groups, KH, KW)
    return dx, dw, backend.conv2d_db(dy)


def _plane(x: NDArray) -> Pair:
    return x.shape[2], x.shape[3]


def _geometry(
    x: NDArray, weight: NDArray, stride: Size, padding: Size, dilation: Size, groups: int
) -> tuple[Pair, Pair, Pair]:
    """Check how x, weight and the geometry fit together; return the geometry as pairs."""
    check_axes("x", x, "N, C, H, W")
    check_axes("weight", weight, "O, C / groups, KH, KW")
    check_groups(x.shape[1], weight.shape[0], groups)
    if x.shape[1] != weight.shape[1] * groups:
        raise ShapeError(
            f"x has {x.shape[1]} channels (shape {x.shape}) but weight {weight.shape} with "
            f"{groups} group(s) is made for {weight.shape[1] * groups}"
        )
    pairs = pair(stride, "stride"), pair(padding, "padding", 0), pair(dilation, "dilation")
    window_output_size(_plane(x), _plane(weight), *pairs)
    return pairs
