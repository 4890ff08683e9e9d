"""MyGrad, an autograd library in NumPy."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.layers import batchnorm, conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy
from numpy.typing import NDArray

import minicnn as m
from benchmarks.peers import LEARNING_RATE, Untranslatable

Tensors = dict[str, Any]


@singledispatch
def apply(layer: m.Layer, x: Any, tensors: Tensors, path: str) -> Any:
    """Run one layer; its parameters are the tensors under ``path``."""
    raise Untranslatable(f"no translation of {type(layer).__name__}")


@apply.register
def _(layer: m.Sequential, x: Any, tensors: Tensors, path: str) -> Any:
    for name, inner in layer.children():
        x = apply(inner, x, tensors, f"{path}{name}.")
    return x


@apply.register
def _(layer: m.Residual, x: Any, tensors: Tensors, path: str) -> Any:
    main = apply(layer.main, x, tensors, f"{path}main.")
    if layer.shortcut is None:
        return main + x
    return main + apply(layer.shortcut, x, tensors, f"{path}shortcut.")


@apply.register
def _(layer: m.Conv2d, x: Any, tensors: Tensors, path: str) -> Any:
    x, padding = fit(x, layer)
    y = conv_nd(x, tensors[f"{path}weight"], stride=layer.stride, padding=padding)
    return y + tensors[f"{path}bias"].reshape(-1, 1, 1) if layer.bias else y


def fit(x: Any, layer: m.Conv2d) -> tuple[Any, tuple[int, int]]:
    """Drop the rows and columns that no window reaches: it insists on exact fits."""
    axes = list(zip(x.shape[2:], layer.kernel_size, layer.stride, layer.padding, strict=True))
    rest = [(n + 2 * p - k) % s for n, k, s, p in axes]
    if not any(rest):
        return x, layer.padding
    (h, w), (ph, pw) = (
        (n + 2 * p - r for (n, _, _, p), r in zip(axes, rest, strict=True)),
        layer.padding,
    )
    padded = mg.zeros((*x.shape[:2], h, w), dtype=np.float32)
    kept = x[:, :, : h - ph, : w - pw]
    padded[:, :, ph : ph + kept.shape[2], pw : pw + kept.shape[3]] = kept
    return padded, (0, 0)


@apply.register
def _(layer: m.BatchNorm2d, x: Any, tensors: Tensors, path: str) -> Any:
    return batchnorm(x, gamma=tensors[f"{path}weight"], beta=tensors[f"{path}bias"], eps=layer.eps)


@apply.register
def _(layer: m.ReLU, x: Any, tensors: Tensors, path: str) -> Any:
    return relu(x)


@apply.register
def _(layer: m.MaxPool2d, x: Any, tensors: Tensors, path: str) -> Any:
    # It insists on windows that tile the image; torch and minicnn drop the remainder.
    (kh, kw), (h, w) = layer.kernel_size, x.shape[2:]
    return max_pool(x[:, :, : h // kh * kh, : w // kw * kw], (kh, kw), layer.stride)


@apply.register
def _(layer: m.GlobalAvgPool2d, x: Any, tensors: Tensors, path: str) -> Any:
    return x.mean(axis=(2, 3))


@apply.register
def _(layer: m.Flatten, x: Any, tensors: Tensors, path: str) -> Any:
    return x.reshape(len(x), -1)


@apply.register
def _(layer: m.Dropout, x: Any, tensors: Tensors, path: str) -> Any:
    return x * ((layer.rng.random(x.shape) >= layer.p) / (1 - layer.p)).astype(np.float32)


@apply.register
def _(layer: m.Linear, x: Any, tensors: Tensors, path: str) -> Any:
    return x @ tensors[f"{path}weight"].T + tensors[f"{path}bias"]


class TrainingStep:
    """Forward, loss, backward; it has no Adam, so minicnn's updates its arrays."""

    def __init__(self, model: m.Sequential, x: NDArray, target: NDArray) -> None:
        self.model, self.x, self.target = model, x, target
        self.params = {name: a.copy() for name, a in model.params.items()}
        self.grads = {name: np.zeros_like(a) for name, a in self.params.items()}
        self.optimizer = m.Adam(self, LEARNING_RATE)
        self._start = self.optimizer.state_dict()

    def reset(self) -> None:
        for name, a in self.model.params.items():
            self.params[name][...] = a
        self.optimizer.load_state_dict(self._start)

    def weights(self) -> dict[str, NDArray]:
        return {name: a.copy() for name, a in self.params.items()}

    def __call__(self) -> float:
        tensors = {name: mg.tensor(a, copy=False) for name, a in self.params.items()}
        loss = softmax_crossentropy(apply(self.model, self.x, tensors, ""), self.target)
        loss.backward()
        for name, tensor in tensors.items():
            self.grads[name][...] = tensor.grad
        value = float(loss.item())
        loss.clear_graph()
        del tensors, loss
        self.optimizer.step()
        return value
