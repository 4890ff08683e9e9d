"""The table of a model: what each layer turns into what, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minicnn.layers.base import Layer

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    path: str
    layer: str
    output_shape: Shape
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """The whole table; ``print`` it.

    Attributes
    ----------
    input_shape
        The shape of x, batch included.
    rows
        One per layer, in the order of the forward pass.
    parameters
        All trainable numbers.
    multiply_adds
        Products of a weight and an input in one forward pass of the whole batch.
    """

    input_shape: Shape
    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: int

    def __str__(self) -> str:
        header = ("layer", "", "output shape", "parameters", "multiply-adds")
        body = [
            (
                row.path,
                row.layer,
                str(row.output_shape),
                _count(row.parameters),
                _count(row.multiply_adds),
            )
            for row in self.rows
        ]
        first = ("", "input", str(self.input_shape), "", "")
        last = ("", "total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        lines = [header, first, *body, last]
        widths = [max(len(line[i]) for line in lines) for i in range(5)]
        text = [
            "  ".join(
                cell.rjust(width) if i > 2 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(map(len, text))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])

    __repr__ = __str__


def summarize(model: Layer, input_shape: Shape) -> Summary:
    """Walk through a model without computing anything.

    Raises
    ------
    ShapeError
        If a layer does not fit what comes before it.
    """
    model.output_shape(input_shape)
    return Summary(
        input_shape,
        tuple(_rows(model, "", input_shape)),
        sum(p.size for p in model.params.values()),
        model.multiply_adds(input_shape),
    )


def _rows(layer: Layer, path: str, shape: Shape) -> Iterator[Row]:
    children = list(layer.children())
    if not children:
        yield Row(
            path,
            repr(layer),
            layer.output_shape(shape),
            sum(p.size for p in layer.params.values()),
            layer.multiply_adds(shape),
        )
        return
    in_a_row = hasattr(layer, "layers")  # otherwise the children lie side by side
    for name, child in children:
        yield from _rows(child, f"{path}.{name}" if path else name, shape)
        if in_a_row:
            shape = child.output_shape(shape)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
