"""Models: layers in a row, and a detour around some of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

from numpy.typing import NDArray

from minicnn.errors import ArgumentError, ShapeError
from minicnn.layers.base import Layer


class Sequential(Layer):
    """Layers one after the other: each takes what the one before it returned.

    Backpropagation is the chain rule read from right to left: the gradient of the loss
    goes through the layers in reverse, and each turns the gradient of its output into
    the gradient of its input.

    Parameters
    ----------
    *layers
        The layers, first one first.

    Examples
    --------
    >>> model = Sequential(Linear(4, 3), ReLU(), Linear(3, 2))  # doctest: +SKIP
    >>> model.params.keys()  # doctest: +SKIP
    dict_keys(['0.weight', '0.bias', '2.weight', '2.bias'])
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        for i, layer in enumerate(layers):
            _check_layer(layer, f"layer {i}")
        self.layers = list(layers)
        _check_distinct(self)

    def forward(self, x: NDArray) -> NDArray:
        """Send x through all layers."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: NDArray) -> NDArray:
        """Send dy back through all layers; each fills its gradients."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers under their indices."""
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape after the last layer; an error names the layer that does not fit."""
        for i, layer in enumerate(self.layers):
            try:
                input_shape = layer.output_shape(input_shape)
            except ShapeError as error:
                raise ShapeError(f"layer {i}, {type(layer).__name__}: {error}") from None
        return input_shape

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Add up the layers."""
        total = 0
        for layer in self.layers:
            total += layer.multiply_adds(input_shape)
            input_shape = layer.output_shape(input_shape)
        return total

    def config(self) -> dict[str, Any]:
        """Return the layers."""
        return {"layers": self.layers}

    def __repr__(self) -> str:
        rows = (f"  ({i}): {_indent(repr(layer))}" for i, layer in enumerate(self.layers))
        return "\n".join([f"{type(self).__name__}(", *rows, ")"])

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> Layer: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Layer:
        if isinstance(index, slice):
            return Sequential(*self.layers[index])
        return self.layers[index]


class Residual(Layer):
    """A detour around some layers: y = main(x) + shortcut(x) (He et al. 2016).

    The sum sends the same gradient down both paths, so dx = d_main + d_shortcut. There is
    no activation after the sum; put one behind the block.

    Parameters
    ----------
    main
        The layers to go around.
    shortcut
        What the detour does to x; None leaves x as it is.
    """

    def __init__(self, main: Layer, shortcut: Layer | None = None) -> None:
        super().__init__()
        _check_layer(main, "main")
        if shortcut is not None:
            _check_layer(shortcut, "shortcut")
        self.main = main
        self.shortcut = shortcut
        _check_distinct(self)

    def forward(self, x: NDArray) -> NDArray:
        """Return main(x) + shortcut(x)."""
        main = self.main.forward(x)
        short = x if self.shortcut is None else self.shortcut.forward(x)
        check_sum(main.shape, short.shape, x.shape)
        return main + short

    def backward(self, dy: NDArray) -> NDArray:
        """Return the sum of what the two paths send back."""
        main = self.main.backward(dy)
        return main + (dy if self.shortcut is None else self.shortcut.backward(dy))

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the two paths."""
        yield "main", self.main
        if self.shortcut is not None:
            yield "shortcut", self.shortcut

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the sum."""
        main = self.main.output_shape(input_shape)
        short = input_shape if self.shortcut is None else self.shortcut.output_shape(input_shape)
        check_sum(main, short, input_shape)
        return main

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Add up both paths."""
        return sum(path.multiply_adds(input_shape) for _, path in self.children())

    def __repr__(self) -> str:
        rows = (f"  ({name}): {_indent(repr(path))}" for name, path in self.children())
        return "\n".join([f"{type(self).__name__}(", *rows, ")"])


def _check_layer(layer: object, where: str) -> None:
    if not isinstance(layer, Layer):
        raise ArgumentError(
            f"{where} is {layer!r}; expected a layer (an instance of minicnn.layers.Layer)"
        )


def _check_distinct(model: Layer) -> None:
    """Refuse a layer that stands in two places: its one cache would serve only the last."""
    seen: set[int] = set()
    for layer in model.modules():
        if id(layer) in seen:
            raise ArgumentError(
                f"the same {type(layer).__name__} object stands in two places; a layer keeps what "
                "one backward pass needs, so make a new one for each place"
            )
        seen.add(id(layer))


def check_sum(main: tuple[int, ...], short: tuple[int, ...], x: tuple[int, ...]) -> None:
    """Raise ShapeError unless the paths of a residual block end in the same shape."""
    if main != short:
        raise ShapeError(
            f"a residual block cannot add its paths: main gives {main}, the shortcut {short}, "
            f"for x of {x}; give it a shortcut, such as Conv2d with kernel 1, that ends at {main}"
        )


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
