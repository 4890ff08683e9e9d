"""The fused model: the interface of the plain one, the arithmetic of its stages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minicnn.backends import current_backend
from minicnn.functional.checks import check_float, check_shape
from minicnn.fusion.inference import Program, Unsuitable
from minicnn.fusion.plan import describe, make_plan
from minicnn.layers import Layer

PROGRAMS = 4  # shapes of images whose programs are kept


class FusedModel(Layer):
    """A model whose layers run several at a time.

    It has the interface of the model that it was made from and shares its parameters,
    gradients, buffers, mode and generators: what is done to one is done to the other, and an
    optimizer made for either moves both. In evaluation it keeps nothing for a backward pass
    and folds each batch norm into the convolution before it.

    On another backend than the compiled one it hands everything to the plain model.

    Parameters
    ----------
    model
        The plain model; see `Layer.compile`.
    """

    def __init__(self, model: Layer) -> None:
        self.model = model
        self._parts = make_plan(model)
        self._kept: tuple[NDArray, bool, tuple[int, ...]] | None = None
        self._modules = list(model.modules())
        self._lock = threading.RLock()  # the memory between stages serves one pass at a time
        self._programs: dict[tuple[Any, ...], Program | None] = {}

    # ---- the two passes -------------------------------------------------------------

    def forward(self, x: NDArray) -> NDArray:
        """Compute y from x, as the plain model does, to rounding."""
        if current_backend() != "compiled" or not self._all_in_rows() or not np.size(x):
            self._kept = None
            return self.model.forward(x)
        with self._lock:
            return self._forward(x)

    def _forward(self, x: NDArray) -> NDArray:
        self._check(x)
        keep = any(module.training for module in self._modules)
        program = None if keep else self._program(x)
        y = self._run(x, keep) if program is None else program.run(x)
        self._kept = x, keep, y.shape
        return y

    def _program(self, x: NDArray) -> Program | None:
        """Return the program for images of this shape, if there is one."""
        key = x.shape[1:], x.dtype
        if key not in self._programs:
            try:
                found: Program | None = Program(self._parts, *key)
            except Unsuitable:
                found = None
            if len(self._programs) >= PROGRAMS:
                self._programs.clear()
            self._programs[key] = found
        return self._programs[key]

    def _run(self, x: NDArray, keep: bool) -> NDArray:
        self._kept = None  # should this fail half-way
        for part in self._parts:
            x = part.forward(x, keep)
        return x

    def backward(self, dy: NDArray, *, input_gradient: bool = True) -> NDArray:
        """Fill the gradients of the layers; return dx.

        Parameters
        ----------
        dy
            The gradient of y.
        input_gradient
            Whether dx is wanted; a training step has no use for it, and gets nothing (0, ...).
        """
        if self._kept is None:
            return self.model.backward(dy)
        with self._lock:
            return self._backward(dy, input_gradient, *self._kept)

    def _backward(
        self, dy: NDArray, input_gradient: bool, x: NDArray, kept: bool, shape: tuple[int, ...]
    ) -> NDArray:
        if any(a.dtype != x.dtype for layer in self._modules for a in layer._params.values()):
            self._kept = None  # astype came in between
            return self.model.backward(dy)
        check_shape("dy", dy, shape, "the shape of y")
        check_float(y=np.empty(0, x.dtype), dy=dy)
        if not kept:  # evaluation keeps nothing: do it again, and keep
            modes = [module.training for module in self._modules]
            self.model.eval()  # as it was then
            try:
                self._run(x, keep=True)
            finally:
                for module, mode in zip(self._modules, modes, strict=True):
                    module.training = mode
            self._kept = x, True, shape
        found: NDArray | None = dy
        for i, part in reversed(list(enumerate(self._parts))):
            assert found is not None
            found = part.backward(found, input_gradient or i > 0)
        return found if input_gradient and found is not None else dy[:0]

    def _all_in_rows(self) -> bool:
        """Whether the kernels, which go by addresses, can read all arrays."""
        return all(
            array.flags.c_contiguous
            for module in self._modules
            for arrays in (module._params, module._buffers)
            for array in arrays.values()
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return the plain model: a copy makes its own plan."""
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]

    def _check(self, x: NDArray) -> None:
        """Raise what the plain model would raise for x."""
        check_float(x=x)
        for module in self._modules:
            for array in module._params.values():
                if array.dtype != x.dtype:
                    check_float(x=x, weight=array)

    # ---- everything else is the plain model's ----------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name == "model":  # while copying or unpickling, before there is one
            raise AttributeError(name)
        return getattr(self.model, name)

    @property
    def training(self) -> bool:  # type: ignore[override]
        """The mode of the plain model."""
        return self.model.training

    @property
    def params(self) -> dict[str, NDArray]:
        """Live parameters by name."""
        return self.model.params

    @property
    def grads(self) -> dict[str, NDArray]:
        """Live gradients, under the same names as ``params``."""
        return self.model.grads

    @property
    def buffers(self) -> dict[str, NDArray]:
        """Live buffers by name."""
        return self.model.buffers

    def _collect(self, *kinds: str) -> dict[str, NDArray]:
        return self.model._collect(*kinds)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the plain model's layers."""
        return self.model.children()

    def modules(self) -> Iterator[Layer]:
        """Yield the plain model and every layer below it."""
        return self.model.modules()

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert the plain model's arrays and return self."""
        self.model.astype(dtype)
        self._kept = None
        self._parts = make_plan(self.model)
        self._programs.clear()
        return self

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of y."""
        return self.model.output_shape(input_shape)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Count the products of the plain model."""
        return self.model.multiply_adds(input_shape)

    def config(self) -> dict[str, Any]:
        """Return the plain model's."""
        return self.model.config()

    def plan(self) -> str:
        """Return which layers run as one, a line for each stage."""
        names: dict[int, str] = {}

        def walk(layer: Layer, path: str) -> None:
            names[id(layer)] = path
            for name, child in layer.children():
                walk(child, f"{path}.{name}" if path else name)

        walk(self.model, "")
        return describe(self._parts, names)

    def compile(self) -> FusedModel:
        """Return self: it is compiled."""
        return self

    def __len__(self) -> int:
        return len(self.model)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.model)  # type: ignore[call-overload]

    def __getitem__(self, index: Any) -> Any:
        return self.model[index]  # type: ignore[index]

    def __repr__(self) -> str:
        return f"compiled {self.model!r}"
