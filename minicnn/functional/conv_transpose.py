"""Transposed convolution: the adjoint of `conv2d`, used to enlarge images."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ShapeError
from minicnn.functional.checks import check_axes, check_float, check_shape
from minicnn.functional.conv import Size
from minicnn.shapes import Pair, check_groups, pair, transposed_output_size


def conv_transpose2d(
    x: NDArray,
    weight: NDArray,
    bias: NDArray | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> NDArray:
    """Stamp the kernel around every pixel: y[i s + m d - p, j s + n d - p] += x[i, j] w[m, n].

    Where `conv2d` gathers, this scatters; it equals the gradient of `conv2d` with respect
    to its input (Dumoulin and Visin 2016, arXiv:1603.07285).

    Parameters
    ----------
    x
        (N, C, H, W), float32 or float64.
    weight
        (C, O / groups, KH, KW): input channels first, as in PyTorch.
    bias
        (O,) or None.
    stride, padding, output_padding, dilation
        Ints, or pairs (vertical, horizontal).
    groups
        Must divide C and O.

    Returns
    -------
    NDArray
        (N, O, OH, OW), with OH = (H - 1) s - 2 p + d (KH - 1) + 1 + output_padding.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        If shapes, dtypes or the geometry do not fit.
    """
    check_float(weight=weight, bias=bias, x=x)
    geometry = _geometry(x, weight, stride, padding, output_padding, groups, dilation)
    if bias is not None:
        check_shape("bias", bias, (weight.shape[1] * groups,), "one entry per output channel")
    s, p, o, d, _ = geometry
    return kernels("conv_transpose").conv_transpose2d(x, weight, bias, s, p, o, groups, d)


def conv_transpose2d_backward(
    dy: NDArray,
    x: NDArray,
    weight: NDArray,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> tuple[NDArray, NDArray, NDArray]:
    """Gradients of `conv_transpose2d`: the adjoint of a scatter is a gather.

    Parameters
    ----------
    dy
        (N, O, OH, OW), the gradient of the loss with respect to y.
    x, weight, stride, padding, output_padding, groups, dilation
        As given to `conv_transpose2d`.

    Returns
    -------
    dx, dw, db
        Of the shapes of x, of weight, and (O,).
    """
    check_float(weight=weight, x=x, dy=dy)
    geometry = _geometry(x, weight, stride, padding, output_padding, groups, dilation)
    s, p, _, d, out = geometry
    check_shape("dy", dy, (x.shape[0], weight.shape[1] * groups, *out), "the shape of y")
    backend = kernels("conv_transpose")
    dx = backend.conv_transpose2d_dx(dy, weight, x.shape, s, p, groups, d)  # (N, C, H, W)
    dw = backend.conv_transpose2d_dw(dy, x, weight.shape, s, p, groups, d)
    return dx, dw, backend.conv_transpose2d_db(dy)


def _geometry(
    x: NDArray,
    weight: NDArray,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> tuple[Pair, Pair, Pair, Pair, Pair]:
    """Check how everything fits; return stride, padding, output padding, dilation, (OH, OW)."""
    check_axes("x", x, "N, C, H, W")
    check_axes("weight", weight, "C, O / groups, KH, KW")
    if x.shape[1] != weight.shape[0]:
        raise ShapeError(
            f"x has {x.shape[1]} channels (shape {x.shape}) but weight {weight.shape} is made "
            f"for {weight.shape[0]}"
        )
    check_groups(x.shape[1], weight.shape[1] * groups, groups)
    s, p = pair(stride, "stride"), pair(padding, "padding", 0)
    o, d = pair(output_padding, "output_padding", 0), pair(dilation, "dilation")
    plane, kernel = (x.shape[2], x.shape[3]), (weight.shape[2], weight.shape[3])
    out = transposed_output_size(plane, kernel, s, p, o, d)
    return s, p, o, d, out
