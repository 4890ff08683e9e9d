"""Mistakes in pairs of functions, and in functions that return a loss and its gradient.

The convention of many courses: ``y, cache = forward(x, w, b)``, ``dx, dw, db = backward(dy,
cache)``, and ``loss, dx = f(x, y)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minicnn.selfcheck.planted.case import Family
from minicnn.selfcheck.planted.right.losses import softmax
from minicnn.selfcheck.planted.right.pairs import (
    affine_backward,
    affine_forward,
    attention_backward,
    attention_forward,
    batchnorm_backward,
    batchnorm_forward,
    conv_backward,
    conv_forward,
    embedding_backward,
    embedding_forward,
    pool_backward,
    pool_forward,
    relu_backward,
    relu_forward,
    rnn_backward,
    rnn_forward,
    softmax_loss,
    svm_loss,
)

Array = NDArray[Any]
Cache = Any

family = Family("pairs")


def affine(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """Images of 3 x 2 pixels go into a linear layer with three outputs; three samples."""
    rng = np.random.default_rng(91)
    inputs = rng.normal(size=(3, 3, 2)), rng.normal(size=(6, 3)), rng.normal(size=3)
    return (affine_forward, backward), inputs


def relu(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """One input, and so one bare gradient."""
    return (relu_forward, backward), (np.random.default_rng(92).normal(size=(3, 4)),)


def conv(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """Stride 2 and a frame of one come in a dict, as constants."""
    rng = np.random.default_rng(93)
    inputs = rng.normal(size=(2, 2, 4, 4)), rng.normal(size=(2, 2, 2, 2)), rng.normal(size=2)
    return (conv_forward, backward), (*inputs, {"stride": 2, "pad": 1})


def pool(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """Windows side by side."""
    x = np.random.default_rng(94).normal(size=(2, 2, 4, 4))
    return (pool_forward, backward), (x, {"size": 2})


def pool_ties(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """What comes out of ReLU: many zeros, and windows where nothing else is."""
    x = np.maximum(0, np.random.default_rng(95).normal(size=(2, 2, 4, 4)) - 0.7)
    return (pool_forward, backward), (x, {"size": 2})


def batchnorm(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """The running statistics live in the dict of constants, and forward moves them."""
    rng = np.random.default_rng(96)
    inputs = rng.normal(size=(5, 3)), rng.uniform(0.5, 1.5, size=3), rng.normal(size=3)
    return (batchnorm_forward, backward), (*inputs, {"mode": "train"})


def rnn(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """One step of a recurrent network: the state has three numbers, the input two."""
    rng = np.random.default_rng(97)
    shapes = ((2, 2), (2, 3), (2, 3), (3, 3), (3,))
    return (rnn_forward, backward), tuple(rng.normal(size=shape) for shape in shapes)


def attention(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """Three queries, three keys, four numbers each."""
    rng = np.random.default_rng(98)
    return (attention_forward, backward), tuple(rng.normal(size=(3, 4)) for _ in range(3))


def embedding(backward: Any) -> tuple[Any, tuple[Any, ...]]:
    """Whole numbers have no gradient: one bare gradient for the table."""
    w = np.random.default_rng(99).normal(size=(4, 2))
    return (embedding_forward, backward), (np.array([1, 0, 1]), w)


def scores(function: Any) -> tuple[Any, tuple[Any, ...]]:
    """One function of scores (4, 3) and classes (4,)."""
    x = np.random.default_rng(100).normal(size=(4, 3))
    return function, (x, np.array([2, 0, 1, 2]))


family.right(on=affine)(affine_backward)
family.right(on=relu)(relu_backward)
family.right(on=conv)(conv_backward)
family.right(on=pool)(pool_backward)
family.right(on=batchnorm)(batchnorm_backward)
family.right(on=rnn)(rnn_backward)
family.right(on=attention)(attention_backward)
family.right(on=embedding)(embedding_backward)
family.right(on=scores)(softmax_loss)
family.right(on=scores)(svm_loss)


@family.wrong("shape", on=affine)
def images_not_put_back(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dx has the shape of the flattened images; it must have that of x."""
    x, w, _ = cache
    return dy @ w.T, x.reshape(len(x), -1).T @ dy, dy.sum(axis=0)


@family.wrong("wrong-axis", on=affine)
def bias_over_the_outputs(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """db sums over the outputs; with as many samples as outputs the shape does not tell."""
    dx, dw, _ = affine_backward(dy, cache)
    return dx, dw, dy.sum(axis=1)


@family.wrong("shape", "swapped", on=affine)
def weight_and_bias_exchanged(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The gradients are returned as (dx, db, dw)."""
    dx, dw, db = affine_backward(dy, cache)
    return dx, db, dw


@family.wrong("shape", on=affine)
def two_gradients_for_three(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """Three inputs and two gradients: db was forgotten."""
    return affine_backward(dy, cache)[:2]


@family.wrong("transposed", "swapped", "other", on=affine)
def images_put_back_in_another_order(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dx is reshaped column by column (order="F"), x was flattened row by row."""
    x, w, _ = cache
    _, dw, db = affine_backward(dy, cache)
    return (dy @ w.T).reshape(len(x), 2, 3).swapaxes(1, 2), dw, db


@family.wrong("mutates", on=relu)
def upstream_used_as_result(dy: Array, cache: Cache) -> Array:
    """dx = dy makes no copy: the next line writes into the caller's dy."""
    dx = dy
    dx[cache <= 0] = 0
    return dx


@family.wrong("mask", "other", on=relu)
def mask_is_the_output(dy: Array, cache: Cache) -> Array:
    """dy times max(0, x): the output was taken for the mask."""
    return dy * np.maximum(0, cache)


@family.wrong("stale-cache", "mutates", "accumulates", "nondeterministic", on=relu)
def cache_used_up(dy: Array, cache: Cache) -> Array:
    """The mask is written over the cache, which is x itself."""
    cache[...] = cache > 0
    return dy * cache


@family.wrong("flipped", on=conv)
def kernel_turned(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dw is computed for a true convolution; forward does not turn the kernel."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw[:, :, ::-1, ::-1], db


@family.wrong("shifted", "border", on=conv)
def frame_not_taken_off(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dx is cut from the corner of the padded array: it still has the frame on two sides."""
    x, w, _, conv_param = cache
    k = conv_param["stride"]
    dx = np.zeros((*x.shape[:2], x.shape[2] + 2, x.shape[3] + 2))
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            part = np.tensordot(dy[:, :, i, j], w, axes=(1, 0))
            dx[:, :, k * i : k * i + 2, k * j : k * j + 2] += part
    _, dw, db = conv_backward(dy, cache)
    return dx[:, :, : x.shape[2], : x.shape[3]], dw, db


@family.wrong("scale", on=conv)
def bias_is_a_mean(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """db is a mean over samples and pixels; it should be a sum."""
    dx, dw, _ = conv_backward(dy, cache)
    return dx, dw, dy.mean(axis=(0, 2, 3))


@family.wrong("subgradient", "mask", on=pool_ties)
def ties_get_everything(dy: Array, cache: Cache) -> Array:
    """Comparing with the largest finds every tie, and each one gets all of dy."""
    return pool_backward(dy, cache)


@family.wrong("ignores-dy", on=pool)
def mask_without_dy(dy: Array, cache: Cache) -> Array:
    """The mask is returned, and dy is not multiplied in."""
    return pool_backward(np.ones_like(dy), cache)


@family.wrong("missing-term", on=batchnorm)
def statistics_are_constants(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dx leaves out that x moves the mean and the variance."""
    xhat, std, gamma = cache
    return dy * gamma / std, (dy * xhat).sum(axis=0), dy.sum(axis=0)


@family.wrong("swapped", on=batchnorm)
def gamma_and_beta_exchanged(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The gradients are returned as (dx, dbeta, dgamma)."""
    dx, dgamma, dbeta = batchnorm_backward(dy, cache)
    return dx, dbeta, dgamma


@family.wrong("other", "scale", "missing-term", on=batchnorm)
def sums_for_means(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The two corrections are sums over the batch and were not divided by N."""
    xhat, std, gamma = cache
    dxhat = dy * gamma
    dx = (dxhat - dxhat.sum(axis=0) - xhat * (dxhat * xhat).sum(axis=0)) / std
    return dx, (dy * xhat).sum(axis=0), dy.sum(axis=0)


@family.wrong("other", "missing-term", on=rnn)
def tanh_forgotten(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The slope of tanh is missing: dy goes straight into the sums."""
    x, h, wx, wh, _ = cache
    return dy @ wx.T, dy @ wh.T, x.T @ dy, h.T @ dy, dy.sum(axis=0)


@family.wrong("transposed", on=rnn)
def state_not_transposed(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dh = da Wh where da Wh^T should stand: the matrix is square, so it fits."""
    _, _, _, wh, y = cache
    dx, _, dwx, dwh, db = rnn_backward(dy, cache)
    return dx, dy * (1 - y**2) @ wh, dwx, dwh, db


@family.wrong("scale", on=attention)
def scale_forgotten(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The scores were divided by sqrt(d) on the way forward only."""
    dq, dk, dv = attention_backward(dy, cache)
    return dq * 2, dk * 2, dv


@family.wrong("missing-term", on=attention)
def softmax_without_the_sum(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """The attention weights share a denominator; its term is missing."""
    q, k, v, a = cache
    ds = a * (dy @ v.T) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, a.T @ dy


@family.wrong("swapped", on=attention)
def query_and_key_exchanged(dy: Array, cache: Cache) -> tuple[Array, ...]:
    """dq and dk have the same shape and stand in each other's place."""
    dq, dk, dv = attention_backward(dy, cache)
    return dk, dq, dv


@family.wrong("overlap", on=embedding)
def words_count_once(dy: Array, cache: Cache) -> Array:
    """dw[index] += dy adds once for a word that occurs twice."""
    index, shape = cache
    dw = np.zeros(shape)
    dw[index] += dy
    return dw


@family.wrong("scale", on=scores)
def loss_is_a_mean_gradient_a_sum(x: Array, y: Array) -> tuple[float, Array]:
    """The loss is divided by N and its gradient is not."""
    loss, dx = softmax_loss(x, y)
    return loss, dx * len(x)


@family.wrong("sign", on=scores)
def one_hot_minus_p(x: Array, y: Array) -> tuple[float, Array]:
    """The gradient points downhill."""
    loss, dx = softmax_loss(x, y)
    return loss, -dx


@family.wrong("missing-term", "other", on=scores)
def one_hot_forgotten(x: Array, y: Array) -> tuple[float, Array]:
    """dx = p / N: the line dx[arange(N), y] -= 1 is missing."""
    loss, _ = softmax_loss(x, y)
    return loss, softmax(x) / len(x)


@family.wrong("missing-term", "mask", on=scores)
def true_class_gets_nothing(x: Array, y: Array) -> tuple[float, Array]:
    """Violated margins push their classes down, and nothing pushes the true class up."""
    loss, dx = svm_loss(x, y)
    dx[np.arange(len(x)), y] = 0
    return loss, dx


@family.wrong("missing-term", "other", on=scores)
def penalty_without_gradient(x: Array, y: Array) -> tuple[float, Array]:
    """The loss contains 0.05 times the sum of the squared scores; dx does not know it."""
    loss, dx = softmax_loss(x, y)
    return loss + 0.05 * float((x**2).sum()), dx


@family.wrong("mutates", on=scores)
def scores_shifted_in_place(x: Array, y: Array) -> tuple[float, Array]:
    """x -= max avoids overflow, and changes the caller's scores."""
    x -= x.max(axis=1, keepdims=True)
    return softmax_loss(x, y)


@family.wrong("nondeterministic", on=scores)
def sampled(x: Array, y: Array) -> tuple[float, Array]:
    """The loss is taken over two samples that np.random chooses."""
    chosen = np.random.choice(len(x), 2, replace=False)  # noqa: NPY002 - the mistake
    loss, part = softmax_loss(x[chosen], y[chosen])
    dx = np.zeros_like(x)
    dx[chosen] = part
    return loss, dx
