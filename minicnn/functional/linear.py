"""Fully connected layer."""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ShapeError
from minicnn.functional.checks import check_axes, check_float, check_shape


def linear(x: NDArray, weight: NDArray, bias: NDArray | None = None) -> NDArray:
    """Weighted sums of the inputs: y[n, o] = sum_i w[o, i] x[n, i] + b[o].

    Parameters
    ----------
    x
        (..., I) float32 or float64.
    weight
        (O, I), of the same dtype.
    bias
        (O,) or None.

    Returns
    -------
    NDArray
        (..., O).

    Raises
    ------
    ShapeError, DtypeError
        If the shapes or dtypes do not fit.
    """
    check_float(weight=weight, bias=bias, x=x)
    check_axes("weight", weight, "O, I")
    outputs, inputs = weight.shape
    if bias is not None:
        check_shape("bias", bias, (outputs,), f"one entry per row of weight {weight.shape}")
    if x.ndim < 1 or x.shape[-1] != inputs:
        raise ShapeError(
            f"x has shape {x.shape}; its last axis must have {inputs} entries to meet "
            f"weight {weight.shape}. A 4-D image batch goes through Flatten() first"
        )
    rows = x.reshape(-1, inputs)  # (N, I)
    y = kernels("linear").linear(rows, weight, bias)  # (N, O)
    return y.reshape(*x.shape[:-1], outputs)


def linear_backward(dy: NDArray, x: NDArray, weight: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Gradients of `linear`.

    dx = dy W sends each output's gradient back along the weights that made it;
    dW = dy^T x and db = sum dy add over everything that shared the parameter.

    Parameters
    ----------
    dy
        (..., O), the gradient of the loss with respect to y.
    x, weight
        As given to `linear`.

    Returns
    -------
    dx, dw, db
        Of shapes (..., I), (O, I) and (O,).
    """
    check_float(weight=weight, x=x, dy=dy)
    check_axes("weight", weight, "O, I")
    outputs, inputs = weight.shape
    check_shape("x", x, (*x.shape[:-1], inputs), f"to meet weight {weight.shape}")
    check_shape("dy", dy, (*x.shape[:-1], outputs), "the shape of y")
    rows = x.reshape(-1, inputs)  # (N, I)
    drows = dy.reshape(-1, outputs)  # (N, O)
    backend = kernels("linear")
    dx = backend.linear_dx(drows, weight).reshape(x.shape)  # (..., I)
    return dx, backend.linear_dw(drows, rows), backend.linear_db(drows)
