"""What a layer is: parameters, a forward pass, and a backward pass.

    y  = layer.forward(x)      keeps what the backward pass will need
    dx = layer.backward(dy)    fills layer.grads and returns the gradient of x

The arithmetic lives in `minicnn.functional`; a layer only holds parameters,
buffers (running statistics) and a cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.errors import ArgumentError, DtypeError, ShapeError, StateError
from minicnn.functional.checks import FLOATS


class Layer:
    """Base class of every layer and model.

    A subclass fills ``self.params`` (and ``self.buffers``) in its constructor through
    `add_parameter`, writes ``forward`` and ``backward``, and that is all.

    Attributes
    ----------
    params, grads : dict of str to NDArray
        The live parameters and their gradients, under the same names.
        ``backward`` overwrites the gradients, it never adds to them.
    buffers : dict of str to NDArray
        Arrays that belong to the state but are not trained.
    training : bool
        True after construction and `train`, False after `eval`.
    """

    def __init__(self) -> None:
        self.params: dict[str, NDArray] = {}
        self.grads: dict[str, NDArray] = {}
        self.buffers: dict[str, NDArray] = {}
        self.training = True
        self._cache: Any = None

    # ---- the two passes -------------------------------------------------------------

    def forward(self, x: NDArray) -> NDArray:
        """Compute y from x and keep what `backward` needs."""
        raise NotImplementedError

    def backward(self, dy: NDArray) -> NDArray:
        """Turn the gradient of y into the gradient of x; overwrite ``grads``."""
        raise NotImplementedError

    def __call__(self, x: NDArray) -> NDArray:
        return self.forward(x)

    # ---- for subclasses -------------------------------------------------------------

    def add_parameter(self, name: str, value: NDArray) -> None:
        """Register a trainable array and a gradient of zeros beside it."""
        self.params[name] = value
        self.grads[name] = np.zeros_like(value)

    def set_grads(self, **grads: NDArray) -> None:
        """Overwrite the gradients in place, so that references to them stay valid."""
        for name, grad in grads.items():
            if name in self.grads:
                np.copyto(self.grads[name], grad)

    def cached(self) -> Any:
        """Return what the last `forward` kept."""
        if self._cache is None:
            raise StateError(
                f"{type(self).__name__}.backward was called before forward; "
                "run forward(x) first, so that there is something to differentiate"
            )
        return self._cache

    # ---- mode, dtype and state ------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers inside this one, with their names; none for a plain layer."""
        return iter(())

    def modules(self) -> Iterator[Layer]:
        """Yield this layer and every layer below it, parents first."""
        yield self
        for _, child in self.children():
            yield from child.modules()

    def train(self) -> Self:
        """Switch to training mode (batch statistics, dropout) and return self."""
        for module in self.modules():
            module.training = True
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode (running statistics, no dropout) and return self."""
        for module in self.modules():
            module.training = False
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert parameters, gradients and buffers in place and return self.

        The cache is dropped: a backward pass needs a forward pass of the new dtype first.
        """
        dtype = np.dtype(dtype)
        if dtype not in FLOATS:
            raise DtypeError(f"a layer cannot be {dtype}; choose float32 or float64")
        for module in self.modules():
            for arrays in (module.__dict__["params"], module.__dict__["grads"], module.buffers) \
                    if "params" in module.__dict__ else ():
                for name, array in arrays.items():
                    arrays[name] = array.astype(dtype)
            module._cache = None
        return self
