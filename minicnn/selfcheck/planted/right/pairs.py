"""Pairs of functions, and functions that return a loss and its gradient, as many courses have.

``y, cache = forward(x, w, b)``, ``dx, dw, db = backward(dy, cache)``, ``loss, dx = f(x, y)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.selfcheck.planted.right.losses import softmax

Array = NDArray[Any]
Cache = Any


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """y = x W + b for flattened x."""
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def relu_forward(x: Array) -> tuple[Array, Cache]:
    """y = max(0, x); the cache is x itself."""
    return np.maximum(0, x), x


def conv_forward(x: Array, w: Array, b: Array, conv_param: dict[str, int]) -> tuple[Array, Cache]:
    """Convolution, window by window; stride and frame come in a dict."""
    s, p = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    rows = (padded.shape[2] - w.shape[2]) // s + 1
    columns = (padded.shape[3] - w.shape[3]) // s + 1
    y = np.zeros((len(x), len(w), rows, columns))
    for i in range(rows):
        for j in range(columns):
            met = padded[:, :, i * s : i * s + w.shape[2], j * s : j * s + w.shape[3]]
            y[:, :, i, j] = np.tensordot(met, w, axes=([1, 2, 3], [1, 2, 3])) + b
    return y, (x, w, b, conv_param)


def pool_forward(x: Array, pool_param: dict[str, int]) -> tuple[Array, Cache]:
    """The largest entry of each block."""
    k = pool_param["size"]
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // k, k, w // k, k)
    y = blocks.max(axis=(3, 5))
    return y, (x, blocks, y)


def batchnorm_forward(
    x: Array, gamma: Array, beta: Array, bn_param: dict[str, Any]
) -> tuple[Array, Cache]:
    """Batch normalization; the running statistics are kept in the dict of settings."""
    mean, var = x.mean(axis=0), x.var(axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = (x - mean) / std
    for name, value in (("running_mean", mean), ("running_var", var)):
        old = bn_param.get(name, np.zeros_like(value))
        bn_param[name] = 0.9 * old + 0.1 * value
    return gamma * xhat + beta, (xhat, std, gamma)


def rnn_forward(x: Array, h: Array, wx: Array, wh: Array, b: Array) -> tuple[Array, Cache]:
    """One step of a recurrent network: tanh(x Wx + h Wh + b)."""
    y = np.tanh(x @ wx + h @ wh + b)
    return y, (x, h, wx, wh, y)


def attention_forward(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
    """softmax(q k^T / sqrt(d)) v for d numbers in each query."""
    a = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return a @ v, (q, k, v, a)


def embedding_forward(index: Array, w: Array) -> tuple[Array, Cache]:
    """y[n] = w[index[n]]."""
    return w[index], (index, w.shape)


def affine_backward(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The gradients have the shapes of x, w and b."""
    x, w, _ = cache
    return (dy @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dy, dy.sum(axis=0)


def relu_backward(dy: Array, cache: Cache) -> Array:
    """One bare gradient for one input."""
    return dy * (cache > 0)


def conv_backward(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """Loops over the windows; the dict of settings has no gradient."""
    x, w, _, conv_param = cache
    s, p = conv_param["stride"], conv_param["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            rows, columns = slice(i * s, i * s + w.shape[2]), slice(j * s, j * s + w.shape[3])
            dw += np.tensordot(dy[:, :, i, j], padded[:, :, rows, columns], axes=(0, 0))
            dpadded[:, :, rows, columns] += np.tensordot(dy[:, :, i, j], w, axes=(1, 0))
    return dpadded[:, :, p:-p, p:-p], dw, dy.sum(axis=(0, 2, 3))


def pool_backward(dy: Array, cache: Cache) -> Array:
    """Without ties, comparing with the largest finds one entry."""
    x, blocks, y = cache
    mask = blocks == y[:, :, :, None, :, None]
    return (mask * dy[:, :, :, None, :, None]).reshape(x.shape)


def batchnorm_backward(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """Three terms: directly, through the mean, through the variance."""
    xhat, std, gamma = cache
    dxhat = dy * gamma
    dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return dx, (dy * xhat).sum(axis=0), dy.sum(axis=0)


def rnn_backward(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """Five inputs, five gradients."""
    x, h, wx, wh, y = cache
    da = dy * (1 - y**2)
    return da @ wx.T, da @ wh.T, x.T @ da, h.T @ da, da.sum(axis=0)


def attention_backward(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """Back through the product, the softmax, the scale and the product."""
    q, k, v, a = cache
    da = dy @ v.T
    ds = a * (da - (da * a).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, a.T @ dy


def embedding_backward(dy: Array, cache: Cache) -> Array:
    """A row that is looked up twice gets both gradients."""
    index, shape = cache
    dw = np.zeros(shape)
    np.add.at(dw, index, dy)
    return dw


def softmax_loss(x: Array, y: Array) -> tuple[float, Array]:
    """Cross-entropy and its gradient from one function."""
    p, rows = softmax(x), np.arange(len(x))
    dx = p.copy()
    dx[rows, y] -= 1
    return float(-np.log(p[rows, y]).mean()), dx / len(x)


def svm_loss(x: Array, y: Array) -> tuple[float, Array]:
    """The hinge loss and its gradient from one function."""
    rows = np.arange(len(x))
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)
    margins[rows, y] = 0
    dx = (margins > 0).astype(np.float64)
    dx[rows, y] -= dx.sum(axis=1)
    return float(margins.sum() / len(x)), dx / len(x)
