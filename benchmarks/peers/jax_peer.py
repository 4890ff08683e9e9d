"""JAX: the whole training step as one jitted function, Adam written out as optax has it."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

import minicnn as m
from benchmarks.peers import LEARNING_RATE, Untranslatable

Arrays = dict[str, Any]
BETAS, EPS = (0.9, 0.999), 1e-8


class Context:
    """What a forward pass reads and leaves behind."""

    def __init__(self, params: Arrays, buffers: Arrays, key: Any) -> None:
        self.params, self.buffers, self.key = params, dict(buffers), key


@singledispatch
def apply(layer: m.Layer, x: Any, context: Context, path: str) -> Any:
    """Run one layer; its arrays are those under ``path``."""
    raise Untranslatable(f"no translation of {type(layer).__name__}")


@apply.register
def _(layer: m.Sequential, x: Any, context: Context, path: str) -> Any:
    for name, inner in layer.children():
        x = apply(inner, x, context, f"{path}{name}.")
    return x


@apply.register
def _(layer: m.Residual, x: Any, context: Context, path: str) -> Any:
    main = apply(layer.main, x, context, f"{path}main.")
    if layer.shortcut is None:
        return main + x
    return main + apply(layer.shortcut, x, context, f"{path}shortcut.")


@apply.register
def _(layer: m.Conv2d, x: Any, context: Context, path: str) -> Any:
    y = lax.conv_general_dilated(
        x,
        context.params[f"{path}weight"],
        layer.stride,
        [(p, p) for p in layer.padding],
        rhs_dilation=layer.dilation,
        feature_group_count=layer.groups,
    )
    return y + context.params[f"{path}bias"][:, None, None] if layer.bias else y


@apply.register
def _(layer: m.BatchNorm2d, x: Any, context: Context, path: str) -> Any:
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    count = x.size // x.shape[1]
    for name, batch in (("running_mean", mean), ("running_var", var * (count / (count - 1)))):
        old = context.buffers[path + name]
        context.buffers[path + name] = (1 - layer.momentum) * old + layer.momentum * batch
    scale = context.params[f"{path}weight"] * lax.rsqrt(var + layer.eps)
    shift = context.params[f"{path}bias"] - mean * scale
    return x * scale[:, None, None] + shift[:, None, None]


@apply.register
def _(layer: m.ReLU, x: Any, context: Context, path: str) -> Any:
    return jax.nn.relu(x)


@apply.register
def _(layer: m.MaxPool2d, x: Any, context: Context, path: str) -> Any:
    padding = [(0, 0), (0, 0), *((p, p) for p in layer.padding)]
    window, stride = (1, 1, *layer.kernel_size), (1, 1, *layer.stride)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, stride, padding)


@apply.register
def _(layer: m.GlobalAvgPool2d, x: Any, context: Context, path: str) -> Any:
    return x.mean((2, 3))


@apply.register
def _(layer: m.Flatten, x: Any, context: Context, path: str) -> Any:
    return x.reshape(len(x), -1)


@apply.register
def _(layer: m.Dropout, x: Any, context: Context, path: str) -> Any:
    context.key, key = jax.random.split(context.key)
    return x * jax.random.bernoulli(key, 1 - layer.p, x.shape) / (1 - layer.p)


@apply.register
def _(layer: m.Linear, x: Any, context: Context, path: str) -> Any:
    y = x @ context.params[f"{path}weight"].T
    return y + context.params[f"{path}bias"] if layer.bias else y


class TrainingStep:
    """Loss, gradients and Adam, jitted together, with the old state given up to the new one."""

    def __init__(self, model: m.Sequential, x: NDArray, target: NDArray) -> None:
        self.model = model
        self.x, self.target = jnp.asarray(x), jnp.asarray(target)
        self._params = {name: a.copy() for name, a in model.params.items()}
        self._buffers = {name: a.copy() for name, a in model.buffers.items()}
        self.step = jax.jit(self._step, donate_argnums=0)
        self.reset()

    def reset(self) -> None:
        params = {name: jnp.array(a) for name, a in self._params.items()}
        zeros = {name: np.zeros_like(a) for name, a in self._params.items()}
        self.state: Any = {
            "params": params,
            "buffers": {name: jnp.array(a) for name, a in self._buffers.items()},
            "m": {name: jnp.array(a) for name, a in zeros.items()},
            "v": {name: jnp.array(a) for name, a in zeros.items()},
            "t": jnp.array(0.0, jnp.float32),
            "key": jax.random.key(0),
        }

    def _loss(self, params: Arrays, state: Any, x: Any, target: Any) -> tuple[Any, Any]:
        context = Context(params, state["buffers"], state["key"])
        logs = jax.nn.log_softmax(apply(self.model, x, context, ""))
        loss = -jnp.take_along_axis(logs, target[:, None], 1).mean()
        return loss, (context.buffers, context.key)

    def _step(self, state: Any, x: Any, target: Any) -> tuple[Any, Any]:
        gradient = jax.value_and_grad(self._loss, has_aux=True)
        (loss, (buffers, key)), grads = gradient(state["params"], state, x, target)
        (b1, b2), t = BETAS, state["t"] + 1
        first = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state["m"], grads)
        second = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state["v"], grads)

        def moved(w: Any, m: Any, v: Any) -> Any:
            return w - LEARNING_RATE * (m / (1 - b1**t)) / (jnp.sqrt(v / (1 - b2**t)) + EPS)

        params = jax.tree.map(moved, state["params"], first, second)
        new = {"params": params, "buffers": buffers, "m": first, "v": second, "t": t, "key": key}
        return new, loss

    def __call__(self) -> float:
        self.state, loss = self.step(self.state, self.x, self.target)
        jax.block_until_ready(self.state)
        return float(loss)

    def weights(self) -> dict[str, NDArray]:
        return {name: np.array(a) for name, a in self.state["params"].items()}
