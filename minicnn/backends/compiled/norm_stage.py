"""The small sums of a batch norm inside a convolution stage, in float64.

Forward, the statistics of the batch come from those of its planes. With the plane's means m_n
and sums of squares q_n about them, each over A pixels (Chan, Golub and LeVeque 1983):

    mean = mean of m_n,    var = sum_n ( q_n + A (m_n - mean)^2 ) / (N A)

Backward, with g the gradient of what the norm returns and rstd = 1 / sqrt(var + eps):

    dweight = rstd sum g (y - mean),   dbias = sum g
    dy      = weight rstd (g - mean(g) - (y - mean) rstd^2 mean(g (y - mean)))

A piece is one block of channels; arrays of planes are (N, channels in blocks).
"""

from __future__ import annotations

import math

from minicnn.backends.compiled.jit import exact
from minicnn.backends.compiled.simd import VECTOR_BYTES


@exact
def merge(  # type: ignore[no-untyped-def]
    first, last, affine, statistics, means, squares, weight, bias, running_mean, running_var,
    batch, area, eps, momentum, training,
):  # fmt: skip
    """Fill ``affine``, rows (mean, weight rstd, bias), and ``statistics``, rows (mean, rstd).

    In training the running statistics follow those of the batch, else they are used.
    """
    full = VECTOR_BYTES // affine.itemsize
    width = affine.size // 3
    values = batch * area
    for c in range(first * full, min(last * full, weight.size)):
        if training:
            total = 0.0
            for n in range(batch):
                total += means[n * width + c]
            mean = total / batch
            total = 0.0
            for n in range(batch):
                away = means[n * width + c] - mean
                total += squares[n * width + c] + area * away * away
            var = total / values
            running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean
            unbiased = var * (values / (values - 1))
            running_var[c] = (1 - momentum) * running_var[c] + momentum * unbiased
        else:
            mean, var = running_mean[c] * 1.0, running_var[c] * 1.0
        rstd = 1 / math.sqrt(var + eps)
        statistics[c], statistics[width + c] = mean, rstd
        affine[c], affine[width + c], affine[2 * width + c] = mean, weight[c] * rstd, bias[c]


@exact
def coefficients(  # type: ignore[no-untyped-def]
    first, last, rows, dweight, dbias, sums_g, sums_gy, statistics, weight, batch, values
):
    """Fill the gradients, and what `stage_backward.spread` needs.

    ``rows`` are (mean, weight rstd, mean of g, rstd^2 mean of g (y - mean)); the last two
    are 0 where ``values`` is, for a norm whose statistics do not depend on the batch.
    """
    full = VECTOR_BYTES // rows.itemsize
    width = rows.size // 4
    for c in range(first * full, min(last * full, weight.size)):
        sum_g, sum_gy = 0.0, 0.0
        for n in range(batch):
            sum_g += sums_g[n * width + c]
            sum_gy += sums_gy[n * width + c]
        mean, rstd = statistics[c], statistics[width + c]
        dweight[c], dbias[c] = sum_gy * rstd, sum_g
        rows[c], rows[width + c] = mean, weight[c] * rstd
        if values > 0:
            rows[2 * width + c] = sum_g / values
            rows[3 * width + c] = sum_gy * rstd * rstd / values
        else:
            rows[2 * width + c] = rows[3 * width + c] = 0
