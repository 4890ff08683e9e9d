"""SmallPebble, a minimal autograd library in NumPy; its images are (N, H, W, C).

It has no batch norm. One put together from its sums and broadcasts takes tens of seconds a
step, so networks with batch norm are left out rather than shown unfairly.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import smallpebble as sp
from numpy.typing import NDArray

import minicnn as m
from benchmarks.peers import LEARNING_RATE, Untranslatable

Variables = dict[str, Any]


@singledispatch
def apply(layer: m.Layer, x: Any, variables: Variables, path: str) -> Any:
    """Run one layer; its parameters are the variables under ``path``."""
    raise Untranslatable(f"smallpebble has no {type(layer).__name__}")


@apply.register
def _(layer: m.Sequential, x: Any, variables: Variables, path: str) -> Any:
    for name, inner in layer.children():
        x = apply(inner, x, variables, f"{path}{name}.")
    return x


@apply.register
def _(layer: m.Conv2d, x: Any, variables: Variables, path: str) -> Any:
    (ph, pw), kernel = layer.padding, variables[f"{path}weight"]
    if ph or pw:
        x = sp.pad(x, [(0, 0), (ph, ph), (pw, pw), (0, 0)])
    y = sp.conv2d(x, kernel, padding="VALID", strides=layer.stride)
    return sp.add(y, variables[f"{path}bias"]) if layer.bias else y


@apply.register
def _(layer: m.ReLU, x: Any, variables: Variables, path: str) -> Any:
    return sp.leaky_relu(x, 0.0)


@apply.register
def _(layer: m.MaxPool2d, x: Any, variables: Variables, path: str) -> Any:
    return sp.maxpool2d(x, *layer.kernel_size, padding="VALID", strides=layer.stride)


@apply.register
def _(layer: m.Flatten, x: Any, variables: Variables, path: str) -> Any:
    return sp.reshape(x, (len(x.array), -1))


@apply.register
def _(layer: m.Linear, x: Any, variables: Variables, path: str) -> Any:
    return sp.add(sp.matmul(x, variables[f"{path}weight"]), variables[f"{path}bias"])


class TrainingStep:
    """Forward, loss, backward, its own Adam."""

    def __init__(self, model: m.Sequential, x: NDArray, target: NDArray) -> None:
        for layer in model.modules():
            if apply.dispatch(type(layer)) is apply.dispatch(m.Layer):
                raise Untranslatable(f"smallpebble has no {type(layer).__name__}")
        self.model, self.target = model, target
        self.x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))  # (N, H, W, C)
        self.variables = {name: sp.Variable(a) for name, a in channels_last(model, x.shape)}
        self.adam = sp.Adam(alpha=LEARNING_RATE)

    def __call__(self) -> float:
        scores = apply(self.model, sp.Variable(self.x), self.variables, "")
        # Its loss is a sum over the batch; every other contestant's is a mean.
        total = sp.cross_entropy(sp.softmax(scores), self.target)
        loss = sp.div(total, sp.Variable(np.asarray(len(self.target), np.float32)))
        gradients = sp.get_gradients(loss)
        self.adam.training_step(list(self.variables.values()), gradients)
        return float(loss.array)


def channels_last(model: m.Sequential, x_shape: tuple[int, ...]) -> list[tuple[str, NDArray]]:
    """Return the parameters in this library's layouts.

    Filters become (KH, KW, C, O) and weights (I, O); where a linear layer follows a
    flattened image, its inputs are put in (H, W, C) order.
    """
    arrays = []
    flattened: tuple[int, ...] | None = None
    for path, layer, shape_in in walk(model, "", x_shape):
        if isinstance(layer, m.Flatten):
            flattened = shape_in[1:]
        for name, array in layer.params.items():
            moved = array.copy()
            if array.ndim == 4:
                moved = array.transpose(2, 3, 1, 0)
            elif array.ndim == 2:
                if flattened is not None:
                    per_pixel = array.reshape(-1, *flattened).transpose(0, 2, 3, 1)
                    array, flattened = per_pixel.reshape(len(array), -1), None
                moved = array.T
            arrays.append((f"{path}{name}", np.ascontiguousarray(moved)))
    return arrays


def walk(layer: m.Layer, path: str, shape: tuple[int, ...]) -> Any:
    """Yield every plain layer with its path and the shape of its input."""
    children = list(layer.children())
    if not children:
        yield path, layer, shape
    for name, child in children:
        yield from walk(child, f"{path}{name}.", shape)
        if isinstance(layer, m.Sequential):
            shape = child.output_shape(shape)
