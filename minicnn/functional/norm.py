"""Normalisation: subtract a mean, divide by a standard deviation, scale and shift.

    y = weight (x - mean) / sqrt(var + eps) + bias

Batch norm takes mean and variance per channel over the batch, layer norm per sample over
the last axes, group norm per sample and group of channels. Variances are biased
(divided by the count). In training the statistics depend on x themselves, so the
gradient has three paths: straight, through the mean, and through the variance.
"""

from __future__ import annotations

from numpy.typing import NDArray

from minicnn.backends import kernels
from minicnn.errors import ArgumentError, ShapeError
from minicnn.functional.checks import check_float, check_shape
from minicnn.shapes import check_images

Grads = tuple[NDArray, NDArray, NDArray]
Normalised = tuple[NDArray, NDArray, NDArray]


def batch_norm(x: NDArray, weight: NDArray, bias: NDArray, eps: float = 1e-5) -> Normalised:
    """Normalise each channel with the statistics of this batch (Ioffe and Szegedy 2015).

    Parameters
    ----------
    x
        (N, C, H, W), with more than one value per channel.
    weight, bias
        (C,).
    eps
        Keeps the division finite.

    Returns
    -------
    y, mean, var
        (N, C, H, W), and the batch's mean and biased variance as float64 (C,).
    """
    _check_channels(x, weight, bias)
    check_statistics(x.shape)
    return kernels("norm").batch_norm(x, weight, bias, eps)


def check_statistics(shape: tuple[int, ...]) -> None:
    """Raise ShapeError unless images of a shape have statistics, of two values or more."""
    if shape[0] * shape[2] * shape[3] < 2:
        raise ShapeError(
            f"batch norm in training needs more than one value per channel; x has shape {shape}: "
            "take a larger batch, or call eval() to use the running statistics"
        )


def batch_norm_backward(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float = 1e-5
) -> Grads:
    """Gradients of `batch_norm`, with xhat = (x - mean) / sqrt(var + eps) and M values a channel.

    dx = weight / sqrt(var + eps) (dy - sum(dy) / M - xhat sum(dy xhat) / M),
    dweight = sum(dy xhat), dbias = sum(dy).

    Returns
    -------
    dx, dweight, dbias
        (N, C, H, W), (C,) and (C,).
    """
    _check_dy(dy, x, weight)
    _check_statistics(mean, var, (x.shape[1],))
    return kernels("norm").batch_norm_dx(dy, x, weight, mean, var, eps)


def batch_norm_inference(
    x: NDArray, weight: NDArray, bias: NDArray, mean: NDArray, var: NDArray, eps: float = 1e-5
) -> NDArray:
    """Normalise each channel with given statistics, (C,) each, which count as constants."""
    _check_channels(x, weight, bias)
    _check_statistics(mean, var, (x.shape[1],))
    return kernels("norm").batch_norm_inference(x, weight, bias, mean, var, eps)


def batch_norm_inference_backward(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float = 1e-5
) -> Grads:
    """Gradients of `batch_norm_inference`: only the straight path is left.

    Returns
    -------
    dx, dweight, dbias
        (N, C, H, W), (C,) and (C,).
    """
    _check_dy(dy, x, weight)
    _check_statistics(mean, var, (x.shape[1],))
    return kernels("norm").batch_norm_inference_dx(dy, x, weight, mean, var, eps)


def layer_norm(x: NDArray, weight: NDArray, bias: NDArray, eps: float = 1e-5) -> Normalised:
    """Normalise each sample over its last axes (Ba, Kiros and Hinton 2016, arXiv:1607.06450).

    Parameters
    ----------
    x
        (..., *S).
    weight, bias
        S: the shape of the axes to normalise over.

    Returns
    -------
    y, mean, var
        The shape of x, and float64 statistics of the leading shape.
    """
    _check_trailing(x, weight, bias)
    return kernels("norm").layer_norm(x, weight, bias, eps)


def layer_norm_backward(
    dy: NDArray, x: NDArray, weight: NDArray, mean: NDArray, var: NDArray, eps: float = 1e-5
) -> Grads:
    """Gradients of `layer_norm`; as in `batch_norm_backward`, with dy weight in place of dy.

    Returns
    -------
    dx, dweight, dbias
        The shapes of x, weight and weight.
    """
    _check_trailing(x, weight, weight)
    check_float(x=x, dy=dy)
    check_shape("dy", dy, x.shape, "the shape of y")
    _check_statistics(mean, var, x.shape[: x.ndim - weight.ndim])
    return kernels("norm").layer_norm_dx(dy, x, weight, mean, var, eps)


def group_norm(
    x: NDArray, groups: int, weight: NDArray, bias: NDArray, eps: float = 1e-5
) -> Normalised:
    """Normalise each sample over groups of channels (Wu and He 2018, arXiv:1803.08494).

    Parameters
    ----------
    x
        (N, C, H, W).
    groups
        Must divide C.
    weight, bias
        (C,).

    Returns
    -------
    y, mean, var
        (N, C, H, W), and float64 statistics (N, groups).
    """
    _check_channels(x, weight, bias)
    _check_dealt(x, groups)
    return kernels("norm").group_norm(x, groups, weight, bias, eps)


def group_norm_backward(
    dy: NDArray,
    x: NDArray,
    groups: int,
    weight: NDArray,
    mean: NDArray,
    var: NDArray,
    eps: float = 1e-5,
) -> Grads:
    """Gradients of `group_norm`.

    Returns
    -------
    dx, dweight, dbias
        (N, C, H, W), (C,) and (C,).
    """
    _check_dy(dy, x, weight)
    _check_dealt(x, groups)
    _check_statistics(mean, var, (x.shape[0], groups))
    return kernels("norm").group_norm_dx(dy, x, groups, weight, mean, var, eps)


def _check_channels(x: NDArray, weight: NDArray, bias: NDArray) -> None:
    check_float(weight=weight, bias=bias, x=x)
    check_images(x.shape)
    check_shape("weight", weight, (x.shape[1],), f"one entry per channel of x {x.shape}")
    check_shape("bias", bias, (x.shape[1],), f"one entry per channel of x {x.shape}")


def _check_trailing(x: NDArray, weight: NDArray, bias: NDArray) -> None:
    check_float(weight=weight, bias=bias, x=x)
    if x.ndim < weight.ndim or x.shape[x.ndim - weight.ndim :] != weight.shape:
        raise ShapeError(
            f"x has shape {x.shape}; its last {weight.ndim} axes must be {weight.shape}"
        )
    check_shape("bias", bias, weight.shape, "the shape of weight")


def _check_dy(dy: NDArray, x: NDArray, weight: NDArray) -> None:
    _check_channels(x, weight, weight)
    check_float(x=x, dy=dy)
    check_shape("dy", dy, x.shape, "the shape of y")


def _check_statistics(mean: NDArray, var: NDArray, shape: tuple[int, ...]) -> None:
    check_shape("mean", mean, shape, "one number for each set of values normalised together")
    check_shape("var", var, shape, "one number for each set of values normalised together")


def _check_dealt(x: NDArray, groups: int) -> None:
    if groups < 1 or x.shape[1] % groups:
        raise ArgumentError(f"groups is {groups}; it must divide the {x.shape[1]} channels of x")
